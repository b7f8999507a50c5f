"""Approvals, service levels and calendars, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Literal

from rule_engine import core
from rule_engine.errors import Span
from rule_engine.program.actions import Action, Principal
from rule_engine.program.definition import Definition, Length


@dataclass(frozen=True, slots=True)
class Decide:
    """How many approvals a step takes; `amount` is a count of people or a fraction (percent)."""

    kind: Literal["anyone", "everyone", "majority", "count", "percent"]
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a rejection does: ends the approval, or returns to the submitter or to a step."""

    kind: Literal["ends", "submitter", "step"]
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an approval.

    `until` climbs the managers of `approvers` until it holds; its Scope.USER paths are the
    candidate's fields. `due` needs `calendar` (or the organisation's) when it is business time;
    `remind` are fractions of `due`. `overdue`: whom to escalate to, a verdict, or None.
    `phases` maps submit, approve, reject, recall, overdue to this step's own actions.
    """

    name: str
    label: str
    guard: core.Node | None
    approvers: tuple[Principal, ...]
    until: core.Node | None
    editable: tuple[str, ...]
    decide: Decide
    delegation: bool
    due: Length | None
    calendar: str | None
    remind: tuple[Decimal, ...]
    overdue: tuple[Principal, ...] | Literal["approve", "reject"] | None
    rejection: Rejection
    phases: Mapping[str, tuple[Action, ...]]
    span: Span


@dataclass(frozen=True, slots=True)
class Parallel:
    """Steps that run at once; all must approve."""

    label: str
    guard: core.Node | None
    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Approval(Definition):
    """An approval process. No `submitters`: whoever may edit the record."""

    enter: core.Node | None
    submitters: tuple[Principal, ...]
    self_approval: Literal["forbidden", "allowed", "skipped"]
    restart_fields: tuple[str, ...]
    stages: tuple[Step | Parallel, ...]
    phases: Mapping[str, tuple[Action, ...]]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Gives all steps in written order, those inside `parallel` too."""
        return tuple(
            step
            for stage in self.stages
            for step in (stage.steps if isinstance(stage, Parallel) else (stage,))
        )


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """A `calendar` statement. `hours`: weekday 0 (Monday) … 6 → spans of a day."""

    name: str
    label: str
    zone: str
    hours: Mapping[int, tuple[tuple[time, time], ...]]
    holidays: tuple[str, ...]
    closed: tuple[tuple[date, date], ...]
    open: Mapping[date, tuple[tuple[time, time], ...]]
    span: Span


@dataclass(frozen=True, slots=True)
class Within:
    """`within 4 hours when …`; condition None is `otherwise within` and always holds."""

    length: Length
    condition: core.Node | None
    span: Span


@dataclass(frozen=True, slots=True)
class AtPercent:
    """`at 80% { … }`: what to do when this fraction of a target's time is used up."""

    percent: Decimal
    actions: tuple[Action, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """One promise of a service level: `met` in time, the first of `within` that holds.

    Without one that holds there is no promise. `triggers` are in the order of their percents.
    """

    name: str
    label: str
    met: core.Node | None
    pause: core.Node | None
    within: tuple[Within, ...]
    triggers: tuple[AtPercent, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ServiceLevel(Definition):
    """An `sla` block. `calendar` None is the organisation's, for targets in business time.

    `clock_from` None: the clock starts when the service level first applies.
    """

    applies: core.Node | None
    calendar: str | None
    clock_from: core.Path | None
    pause: core.Node | None
    cancel: core.Node | None
    restart: core.Node | None
    targets: tuple[Target, ...]
