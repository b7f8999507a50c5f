"""Periods of time to group by: years, quarters, months, weeks and days of a calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from rule_engine.backends.dialects.dialect import DIALECTS
from rule_engine.types import Kind

Column = sa.ColumnElement[Any]

DATED: Final = frozenset({Kind.DATE, Kind.INSTANT})


def label_of_week(start: date) -> str:
    """Gives `2026-W05`: the week belongs to the year that has its Thursday."""
    year, week, _ = start.isocalendar()
    return f"{year:04}-W{week:02}"


LABELS: Final[Mapping[str, Callable[[date], str]]] = {
    "year": lambda start: f"{start.year:04}",
    "quarter": lambda start: f"{start.year:04}-Q{(start.month + 2) // 3}",
    "month": lambda start: f"{start.year:04}-{start.month:02}",
    "week": label_of_week,
    "day": date.isoformat,
}
"""What a period is called, by its first day."""


def bucket(column: Column, kind: Kind, unit: str, dialect: str) -> Column:
    """Gives the first day of the period that a date, or an instant in the organisation's zone,
    lies in. Weeks start on Monday; a day that the calendar does not have is NULL."""
    day = DIALECTS[dialect].times.date_of(column) if kind is Kind.INSTANT else column
    if unit == "day":
        return sa.type_coerce(day, sa.Date())
    if dialect == "postgresql":
        cut = sa.func.date_trunc(sa.literal_column(f"'{unit}'"), sa.cast(day, sa.TIMESTAMP()))
        return sa.type_coerce(sa.cast(cut, sa.Date()), sa.Date())
    return sa.type_coerce(SQLITE[unit](sa.type_coerce(day, sa.Text())), sa.Date())


def year_start(day: Column) -> Column:
    """Gives 1 January, of dates as text."""
    return sa.func.substr(day, 1, 4).concat("-01-01")


def quarter_start(day: Column) -> Column:
    """Gives the first day of the quarter, of dates as text."""
    month = sa.cast(sa.func.substr(day, 6, 2), sa.Integer())
    three = sa.literal_column("3", sa.Integer())
    first = (month - 1) // three * three + 1
    return sa.func.substr(day, 1, 5).concat(sa.func.printf("%02d-01", first))


def month_start(day: Column) -> Column:
    """Gives the first day of the month, of dates as text."""
    return sa.func.substr(day, 1, 7).concat("-01")


def week_start(day: Column) -> Column:
    """Gives the Monday, of dates as text: six days back, then on to a Monday."""
    return sa.func.date(day, "-6 days", "weekday 1")


SQLITE: Final[Mapping[str, Callable[[Column], Column]]] = {
    "year": year_start,
    "quarter": quarter_start,
    "month": month_start,
    "week": week_start,
}
