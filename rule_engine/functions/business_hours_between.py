"""Gives the hours of working time from the first moment to the second."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from rule_engine.arithmetic import divide
from rule_engine.dates import to_milliseconds
from rule_engine.functions import Function, Parameter, always, calendar_of
from rule_engine.types import Environment, Kind

HOUR_MILLISECONDS = Decimal(3_600_000)


def _business_hours_between(
    environment: Environment, a: datetime, b: datetime, calendar: str = ""
) -> Decimal | None:
    worked = calendar_of(environment, calendar).worked(a, b)
    return divide(Decimal(to_milliseconds(worked)), HOUR_MILLISECONDS)


FUNCTION = Function(
    name="business_hours_between",
    parameters=(
        Parameter("a", frozenset({Kind.INSTANT})),
        Parameter("b", frozenset({Kind.INSTANT})),
        Parameter("calendar", frozenset({Kind.TEXT}), optional=True, names_calendar=True),
    ),
    result=always(Kind.NUMBER),
    python=_business_hours_between,
    sql=None,
    javascript=None,
    doc="Gives the hours of working time from the first moment to the second.",
    examples=(("business_hours_between(2026-03-06T16:00, 2026-03-09T10:00)", "2"),),
)
