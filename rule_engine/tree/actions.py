"""People, actions, automations and assignments as written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from rule_engine.errors import Span
from rule_engine.tree.expressions import Duration, Expression, Name, Number, Path, Text
from rule_engine.tree.statements import Head


@dataclass(frozen=True, slots=True)
class Group:
    """`role "CFO" in owner.region`."""

    kind: Name
    name: Text
    scope: Path | None
    span: Span


@dataclass(frozen=True, slots=True)
class Relation:
    """`manager of owner`."""

    kind: Name
    of: Principal
    span: Span


@dataclass(frozen=True, slots=True)
class UserPath:
    """`account.owner`."""

    path: Path
    span: Span


Principal = Group | Relation | UserPath


@dataclass(frozen=True, slots=True)
class FieldValue:
    """`name: expression`."""

    name: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class OnEvent:
    """`before create, update`."""

    timing: str
    events: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class OnSchedule:
    """`every monday at 08:00`; `every` is a weekday, a unit or a length."""

    every: str | Duration
    at: time | None
    span: Span


@dataclass(frozen=True, slots=True)
class OnDate:
    """`3 days after due_on at 09:00`."""

    length: Duration
    timing: str
    path: Path
    at: time | None
    span: Span


Trigger = OnEvent | OnSchedule | OnDate


@dataclass(frozen=True, slots=True)
class Set:
    """`set path to value`."""

    path: Path
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Clear:
    """`clear path`."""

    path: Path
    span: Span


@dataclass(frozen=True, slots=True)
class Notify:
    """`notify people by channel using "template"`."""

    people: tuple[Principal, ...]
    channel: Name | None
    template: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Create:
    """`create object { … }`."""

    object: Name
    values: tuple[FieldValue, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AssignTo:
    """`assign to person`."""

    to: Principal
    span: Span


@dataclass(frozen=True, slots=True)
class Start:
    """`start process`."""

    process: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Invoke:
    """`call target { … }`."""

    target: Name
    values: tuple[FieldValue, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Escalate:
    """`escalate to people`."""

    people: tuple[Principal, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Plain:
    """`lock`, `unlock` or `stop`."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Fail:
    """`fail "…" at path`."""

    message: Text
    at: Path | None
    span: Span


@dataclass(frozen=True, slots=True)
class Branch:
    """`when … { } otherwise when … { } otherwise { }`."""

    arms: tuple[tuple[Expression, tuple[Action, ...]], ...]
    otherwise: tuple[Action, ...]
    span: Span


Action = (
    Set | Clear | Notify | Create | AssignTo | Start | Invoke | Escalate | Plain | Fail | Branch
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A `rule` statement."""

    head: Head
    trigger: Trigger
    order: Number | None
    max_depth: Number | None
    guard: Expression | None
    actions: tuple[Action, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AssignEntry:
    """`when … assign to … skilled in … sticky by … capacity 30 because "…"`; condition None is the
    `otherwise`."""

    condition: Expression | None
    to: Principal
    capacity: Number | None
    because: str | None
    span: Span
    skills: tuple[Expression, ...] = ()
    sticky: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class AssignAvailable:
    """`only available using calendar`."""

    calendar: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class AssignSkip:
    """`skip when …`."""

    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class AssignAgain:
    """`reassign after 4 business hours when …`."""

    length: Duration
    guard: Expression
    span: Span


AssignStatement = AssignEntry | AssignAvailable | AssignSkip | AssignAgain


@dataclass(frozen=True, slots=True)
class Assign:
    """An `assign` statement."""

    head: Head
    trigger: Trigger
    statements: tuple[AssignStatement, ...]
    span: Span
