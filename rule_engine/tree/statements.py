"""Calendars, formulas, decision tables, scores and validations as written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from rule_engine.errors import Span
from rule_engine.tree.expressions import Expression, Name, Path, Text


@dataclass(frozen=True, slots=True)
class Head:
    """`name "Label" on Object`."""

    name: Name
    label: str | None
    object: Name


@dataclass(frozen=True, slots=True)
class DayRange:
    """`monday to friday`; weekdays as written."""

    first: str
    last: str


TimeRange = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Hours:
    """`hours monday to friday from 09:00 to 12:00 and 13:30 to 18:00`."""

    days: tuple[DayRange, ...]
    times: tuple[TimeRange, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Closed:
    """`closed 2026-02-16 to 2026-02-22 "Spring Festival"`."""

    first: date
    last: date
    label: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Open:
    """`open 2026-02-14 from 09:00 to 18:00 "Make-up working day"`."""

    day: date
    times: tuple[TimeRange, ...]
    label: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Calendar:
    """A `calendar` statement."""

    name: Name
    label: str | None
    zones: tuple[Text, ...]
    hours: tuple[Hours, ...]
    holidays: tuple[Text, ...]
    closed: tuple[Closed, ...]
    open: tuple[Open, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Define:
    """`define name on object as expression`."""

    head: Head
    body: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell; kind is any, test, in, between or equal; `values` are its operands."""

    kind: str
    op: str
    values: tuple[Expression, ...]
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    cells: tuple[Cell, ...]
    outputs: tuple[Expression, ...]
    label: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table; `hit` is first, unique or collect."""

    head: Head
    hit: str
    columns: tuple[Path, ...]
    outputs: tuple[Name, ...]
    rows: tuple[Row, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Base:
    """`base 10`."""

    amount: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Range:
    """`range 0 to 100`."""

    least: Expression
    most: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Item:
    """`add 10 when … because "…"`; kind is add, subtract or multiply; `text` without because."""

    kind: str
    amount: Expression
    guard: Expression | None
    because: str | None
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """`group "Engagement" at most 30 { … }`."""

    label: Text
    at_most: Expression | None
    statements: tuple[ScoreStatement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class GradeLine:
    """`grade "A" from 80`."""

    name: Text
    least: Expression
    span: Span


ScoreStatement = Base | Range | Item | ItemGroup | GradeLine


@dataclass(frozen=True, slots=True)
class Score:
    """A `score` statement; `into` holds the points' path and, when written, the grade's."""

    head: Head
    into: tuple[Path, ...]
    guard: Expression | None
    statements: tuple[ScoreStatement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Requirement:
    """`require` or `forbid` with its message."""

    kind: str
    condition: Expression
    guard: Expression | None
    message: Text
    at: Path | None
    span: Span


@dataclass(frozen=True, slots=True)
class Validate:
    """A `validate` statement."""

    head: Head
    guard: Expression | None
    requirements: tuple[Requirement, ...]
    span: Span
