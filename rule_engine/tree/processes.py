"""Approvals and service levels as written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rule_engine.errors import Span
from rule_engine.tree.actions import Action, Escalate, Principal
from rule_engine.tree.expressions import Duration, Expression, Name, Path
from rule_engine.tree.statements import Head


@dataclass(frozen=True, slots=True)
class PhaseBlock:
    """`on submit { … }`."""

    phase: str
    actions: tuple[Action, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Enter:
    """`enter when …`."""

    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Submitters:
    """`submitters owner, role "…"`."""

    people: tuple[Principal, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SelfApproval:
    """`self approval skipped`."""

    how: str
    span: Span


@dataclass(frozen=True, slots=True)
class Restart:
    """`restart when a, b changed`."""

    paths: tuple[Path, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Approvers:
    """`approvers manager of owner until …`."""

    people: tuple[Principal, ...]
    until: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Editable:
    """`editable discount, margin`."""

    paths: tuple[Path, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DecideBy:
    """`decide by anyone | 2 of them | 60% of them`; kind as in program.Decide."""

    kind: str
    amount: Decimal | None
    span: Span


@dataclass(frozen=True, slots=True)
class Delegation:
    """`delegation allowed`."""

    allowed: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Due:
    """`due in 8 business hours using calendar`."""

    length: Duration
    calendar: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class Remind:
    """`remind at 50%, 80%`."""

    at: tuple[Decimal, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Overdue:
    """`overdue escalate to … | approve | reject`."""

    escalate: Escalate | None
    verdict: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class RejectionLine:
    """`rejection ends | returns to submitter | returns to step manager`."""

    ends: bool
    to_submitter: Name | None
    to_step: Name | None
    span: Span


StepStatement = (
    Approvers
    | Editable
    | DecideBy
    | Delegation
    | Due
    | Remind
    | Overdue
    | RejectionLine
    | PhaseBlock
)


@dataclass(frozen=True, slots=True)
class Step:
    """`step name "Label" when … { … }`."""

    name: Name
    label: str | None
    guard: Expression | None
    statements: tuple[StepStatement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ParallelSteps:
    """`parallel "Label" when … { step … }`."""

    label: str | None
    guard: Expression | None
    steps: tuple[Step, ...]
    span: Span


ApprovalStatement = Enter | Submitters | SelfApproval | Restart | Step | ParallelSteps | PhaseBlock


@dataclass(frozen=True, slots=True)
class Approval:
    """An `approval` statement."""

    head: Head
    statements: tuple[ApprovalStatement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SlaCondition:
    """`applies | pause | cancel | restart when …`; in a target: met, pause."""

    kind: str
    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class SlaCalendar:
    """`calendar name`."""

    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class SlaClock:
    """`clock from path`."""

    path: Path
    span: Span


@dataclass(frozen=True, slots=True)
class Within:
    """`within 4 hours when …`; condition None is `otherwise within`."""

    length: Duration
    condition: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class AtPercent:
    """`at 80% { … }`."""

    at: tuple[Decimal, ...]
    actions: tuple[Action, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """`target response "First response" { … }`."""

    name: Name
    label: str | None
    statements: tuple[SlaCondition | Within | AtPercent, ...]
    span: Span


SlaStatement = SlaCondition | SlaCalendar | SlaClock | Target


@dataclass(frozen=True, slots=True)
class Sla:
    """An `sla` statement."""

    head: Head
    statements: tuple[SlaStatement, ...]
    span: Span
