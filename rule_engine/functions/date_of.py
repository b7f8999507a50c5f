"""Gives the date of a point in time in the organisation's zone."""

from __future__ import annotations

from datetime import date

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.dates import day_of_moment
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind


def _date_of(environment: Environment, moment: date) -> date | None:
    return day_of_moment(moment, environment.zone)


def _sql(call: SqlCall) -> Value:
    return Plain(call.day(0), True)


FUNCTION = Function(
    name="date_of",
    parameters=(Parameter("moment", frozenset({Kind.DATE, Kind.INSTANT})),),
    result=always(Kind.DATE),
    python=_date_of,
    sql=_sql,
    javascript=lambda call: call.day(0),
    doc="Gives the date of a point in time in the organisation's zone.",
    examples=(("date_of(2026-03-01T23:30:00Z)", "2026-03-02"), ("date_of(now)", "2026-03-02")),
)
