"""Gives the n-th working day after a date, or that day at the same time; below 0 before it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from rule_engine.dates import MAX_DAYS
from rule_engine.functions import Function, Parameter, always_nullable, calendar_of, same_as_first
from rule_engine.types import Environment, Kind


def _add_business_days(
    environment: Environment, moment: date, days: Decimal, calendar: str = ""
) -> date | None:
    if abs(days) > MAX_DAYS:
        return None
    known, count = calendar_of(environment, calendar), int(days)
    if isinstance(moment, datetime):
        return known.due_days(moment, count)
    return known.shift_days(moment, count)


FUNCTION = Function(
    name="add_business_days",
    parameters=(
        Parameter("moment", frozenset({Kind.DATE, Kind.INSTANT})),
        Parameter("days", frozenset({Kind.NUMBER})),
        Parameter("calendar", frozenset({Kind.TEXT}), optional=True, names_calendar=True),
    ),
    result=same_as_first,
    python=_add_business_days,
    sql=None,
    javascript=None,
    doc="Gives the n-th working day after a date, or that day at the same time; below 0 before it.",
    examples=(
        ("add_business_days(2026-03-06, 1)", "2026-03-09"),
        ("add_business_days(2026-03-09, -1)", "2026-03-06"),
    ),
    nullable=always_nullable,
)
