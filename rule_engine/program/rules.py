"""Automations and assignments, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Literal

from rule_engine import core
from rule_engine.errors import Span
from rule_engine.program.actions import Action, Principal
from rule_engine.program.definition import Definition, Length


@dataclass(frozen=True, slots=True)
class OnEvent:
    """`before create, update`. `save` is kept as written and means create and update."""

    timing: Literal["before", "after"]
    events: tuple[str, ...]

    def wakes(self, timing: Literal["before", "after"], event: str) -> bool:
        """Says whether a create, an update or a delete is among the events."""
        if self.timing != timing:
            return False
        return event in self.events or ("save" in self.events and event != "delete")


@dataclass(frozen=True, slots=True)
class OnSchedule:
    """`every monday at 08:00`: `every` is a weekday, a unit or a length."""

    every: str | Length
    at: time | None


@dataclass(frozen=True, slots=True)
class OnDate:
    """`3 days after due_on at 09:00`."""

    length: Length
    timing: Literal["before", "after"]
    path: core.Path
    at: time | None


Trigger = OnEvent | OnSchedule | OnDate


@dataclass(frozen=True, slots=True)
class Rule(Definition):
    """An automation. `order` None sorts after all numbers; ties go by name.

    `max_depth` is how deep in a chain of rules it may run at most; None: the engine's limit.
    """

    trigger: Trigger
    order: Decimal | None
    max_depth: int | None
    guard: core.Node | None
    actions: tuple[Action, ...]

    def listens_to(self, timing: Literal["before", "after"], event: str) -> bool:
        """Says whether an event wakes the rule: create, update or delete."""
        return isinstance(self.trigger, OnEvent) and self.trigger.wakes(timing, event)

    @property
    def running_order(self) -> tuple[bool, Decimal, str]:
        """What rules of the same moment are sorted by."""
        return self.order is None, self.order or Decimal(0), self.name


@dataclass(frozen=True, slots=True)
class AssignEntry:
    """`when … assign to … skilled in … sticky by … capacity 30 because "…"`; no guard: `otherwise`.

    `capacity` is how many records of the object a person may have; None: any number. `because` is
    empty where nothing was written. Of the people, only those with all `skills` are meant; who
    had the last record with the same value of a `sticky` field comes first.
    """

    guard: core.Node | None
    to: Principal
    capacity: int | None
    because: str
    span: Span
    skills: tuple[core.Node, ...] = ()
    sticky: tuple[core.Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Reassign:
    """`reassign after 4 business hours when …`."""

    after: Length
    guard: core.Node
    span: Span


@dataclass(frozen=True, slots=True)
class Assignment(Definition):
    """Who gets a record: the first entry that fits and has somebody wins.

    `only_available` leaves out who is away; with a `calendar`, everybody outside its hours.
    """

    trigger: Trigger
    only_available: bool
    calendar: str | None
    skip: tuple[core.Node, ...]
    entries: tuple[AssignEntry, ...]
    reassign: tuple[Reassign, ...]

    def listens_to(self, timing: Literal["before", "after"], event: str) -> bool:
        """Says whether an event wakes the assignment: create, update or delete."""
        return isinstance(self.trigger, OnEvent) and self.trigger.wakes(timing, event)
