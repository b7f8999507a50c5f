"""Gives the number of working days from the first date to before the second."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from rule_engine.dates import day_of_moment
from rule_engine.functions import Function, Parameter, always, calendar_of
from rule_engine.types import Environment, Kind


def _business_days_between(
    environment: Environment, a: date, b: date, calendar: str = ""
) -> Decimal | None:
    first, last = day_of_moment(a, environment.zone), day_of_moment(b, environment.zone)
    if first is None or last is None:
        return None
    return Decimal(calendar_of(environment, calendar).working_days(first, last))


FUNCTION = Function(
    name="business_days_between",
    parameters=(
        Parameter("a", frozenset({Kind.DATE, Kind.INSTANT})),
        Parameter("b", frozenset({Kind.DATE, Kind.INSTANT})),
        Parameter("calendar", frozenset({Kind.TEXT}), optional=True, names_calendar=True),
    ),
    result=always(Kind.NUMBER),
    python=_business_days_between,
    sql=None,
    javascript=None,
    doc="Gives the number of working days from the first date to before the second.",
    examples=(
        ("business_days_between(2026-03-06, 2026-03-10)", "2"),
        ("business_days_between(2026-03-07, 2026-03-08)", "0"),
    ),
)
