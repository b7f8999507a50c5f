"""People and actions, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rule_engine import core
from rule_engine.errors import Span

#: The ways to pick one of a group; all other relations lead from one person to others.
CHOICES = ("round_robin", "least_busy")


@dataclass(frozen=True, slots=True)
class Group:
    """`role "CFO" in owner.region`: kind is role, team, user or queue; `scope` may narrow it."""

    kind: str
    name: str
    scope: core.Node | None
    span: Span


@dataclass(frozen=True, slots=True)
class Relation:
    """`manager of owner`, `round_robin of team "SDR"`: kind is the relation's name."""

    kind: str
    of: Principal
    span: Span


@dataclass(frozen=True, slots=True)
class Person:
    """A path to a user, or to a record whose people are told (`account.billing_contact`)."""

    path: core.Path
    span: Span


@dataclass(frozen=True, slots=True)
class Actor:
    """A person known by part in the process: `submitter` or `approver`."""

    name: Literal["submitter", "approver"]
    span: Span


Principal = Group | Relation | Person | Actor


@dataclass(frozen=True, slots=True)
class Set:
    """`set path to value`. The path has no hops in a before-save rule."""

    path: core.Path
    value: core.Node
    span: Span
    name: str = "set"


@dataclass(frozen=True, slots=True)
class Clear:
    """`clear path`."""

    path: core.Path
    span: Span
    name: str = "clear"


@dataclass(frozen=True, slots=True)
class Fail:
    """`fail "…" at path`: refuses the save. `field` is dotted, None for the whole record."""

    message: str
    field: str | None
    span: Span
    name: str = "fail"


@dataclass(frozen=True, slots=True)
class Notify:
    """`notify people by channel using "template"`; channel None: each person's own choice."""

    recipients: tuple[Principal, ...]
    channel: str | None
    template: str
    span: Span
    name: str = "notify"


@dataclass(frozen=True, slots=True)
class Create:
    """`create object { field: value }`."""

    object: str
    values: tuple[tuple[str, core.Node], ...]
    span: Span
    name: str = "create"


@dataclass(frozen=True, slots=True)
class AssignTo:
    """`assign to person`: gives the record a new owner."""

    to: Principal
    span: Span
    name: str = "assign"


@dataclass(frozen=True, slots=True)
class Start:
    """`start process`, usually an approval."""

    process: str
    span: Span
    name: str = "start"


@dataclass(frozen=True, slots=True)
class Invoke:
    """`call target { key: value }`: an action of a plug-in or a web hook."""

    target: str
    values: tuple[tuple[str, core.Node], ...]
    span: Span
    name: str = "call"


@dataclass(frozen=True, slots=True)
class Escalate:
    """`escalate to people`."""

    to: tuple[Principal, ...]
    span: Span
    name: str = "escalate"


@dataclass(frozen=True, slots=True)
class Plain:
    """An action without arguments: lock, unlock or stop (no later rule of this run fires)."""

    name: Literal["lock", "unlock", "stop"]
    span: Span


@dataclass(frozen=True, slots=True)
class Branch:
    """`when … { } otherwise when … { } otherwise { }`: the first arm that holds runs."""

    arms: tuple[tuple[core.Node, tuple[Action, ...]], ...]
    otherwise: tuple[Action, ...]
    span: Span
    name: str = "branch"


Action = (
    Set | Clear | Fail | Notify | Create | AssignTo | Start | Invoke | Escalate | Plain | Branch
)
