"""Scores and validations, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rule_engine import core
from rule_engine.errors import Span
from rule_engine.program.definition import Definition


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One weighted item; `text` is what was written (`10 when employees > 5`).

    An item whose amount is empty counts nothing: 0 for add and subtract, 1 for multiply.
    """

    kind: Literal["add", "subtract", "multiply"]
    amount: core.Node
    guard: core.Node | None
    because: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class ScoreGroup:
    """Items that are summed, then multiplied by their own factors, then capped at `at_most`."""

    label: str
    at_most: core.Node | None
    entries: tuple[ScoreItem | ScoreGroup, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade and the least points it takes."""

    name: str
    least: core.Node
    span: Span


@dataclass(frozen=True, slots=True)
class Score(Definition):
    """base + items + groups, times the multiply items in order, clamped to the range.

    `into` and `grade_into` are fields of the object. `grades` are sorted, highest first.
    """

    into: str
    grade_into: str | None
    guard: core.Node | None
    base: core.Node | None
    least: core.Node | None
    most: core.Node | None
    entries: tuple[ScoreItem | ScoreGroup, ...]
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A requirement (`forbid` is kept as such): broken when the guard holds and it does not hold.

    `field` is dotted, None when the message belongs to the whole record.
    """

    kind: Literal["require", "forbid"]
    condition: core.Node
    guard: core.Node | None
    message: str
    field: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Validation(Definition):
    """The checks of one `validate` block, in written order; all are evaluated."""

    guard: core.Node | None
    checks: tuple[Check, ...]
