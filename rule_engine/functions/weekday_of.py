"""Gives the day of the week of a date: Monday is 1, Sunday 7."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from rule_engine.dates import day_of_moment
from rule_engine.functions import Function, Parameter, always
from rule_engine.types import Environment, Kind


def _weekday_of(environment: Environment, moment: date) -> Decimal | None:
    day = day_of_moment(environment, moment)
    return None if day is None else Decimal(day.isoweekday())


FUNCTION = Function(
    name="weekday_of",
    parameters=(Parameter("moment", frozenset({Kind.DATE, Kind.INSTANT})),),
    result=always(Kind.NUMBER),
    python=_weekday_of,
    doc="Gives the day of the week of a date: Monday is 1, Sunday 7.",
)
