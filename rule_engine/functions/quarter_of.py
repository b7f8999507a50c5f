"""Gives the quarter of a date, 1 to 4."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import of_day
from rule_engine.dates import day_of_moment
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind


def _quarter_of(environment: Environment, moment: date) -> Decimal | None:
    day = day_of_moment(moment, environment.zone)
    return None if day is None else Decimal((day.month + 2) // 3)


def _sql(call: SqlCall) -> Value:
    return call.dialect.times.part(call.day(0), "quarter")


FUNCTION = Function(
    name="quarter_of",
    parameters=(Parameter("moment", frozenset({Kind.DATE, Kind.INSTANT})),),
    result=always(Kind.NUMBER),
    python=_quarter_of,
    sql=_sql,
    javascript=of_day("quarterOf"),
    doc="Gives the quarter of a date, 1 to 4.",
    examples=(("quarter_of(2026-05-01)", "2"),),
)
