"""Automations and assignments, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Literal

from rule_engine import core
from rule_engine.program.actions import Action, Principal
from rule_engine.program.definition import Definition, Length


@dataclass(frozen=True, slots=True)
class OnEvent:
    """`before create, update`. `save` is kept as written and means create and update."""

    timing: Literal["before", "after"]
    events: tuple[str, ...]


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

    `runs` says whether this version runs it; where not, the program carries a warning.
    """

    trigger: Trigger
    order: Decimal | None
    max_depth: int | None
    guard: core.Node | None
    actions: tuple[Action, ...]
    runs: bool


@dataclass(frozen=True, slots=True)
class Assignment(Definition):
    """An `assign` block, names checked; not run in this version."""

    trigger: Trigger
    conditions: tuple[core.Node, ...]
    people: tuple[Principal, ...]
