"""Gives the date of a point in time in the organisation's zone."""

from __future__ import annotations

from datetime import date

from rule_engine.dates import day_of_moment
from rule_engine.functions import Function, Parameter, always
from rule_engine.types import Environment, Kind


def _date_of(environment: Environment, moment: date) -> date | None:
    return day_of_moment(environment, moment)


FUNCTION = Function(
    name="date_of",
    parameters=(Parameter("moment", frozenset({Kind.DATE, Kind.INSTANT})),),
    result=always(Kind.DATE),
    python=_date_of,
    doc="Gives the date of a point in time in the organisation's zone.",
)
