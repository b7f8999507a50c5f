"""Gives the day of the week of a date: Monday is 1, Sunday 7."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import of_day
from rule_engine.dates import day_of_moment
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind


def _weekday_of(environment: Environment, moment: date) -> Decimal | None:
    day = day_of_moment(moment, environment.zone)
    return None if day is None else Decimal(day.isoweekday())


def _sql(call: SqlCall) -> Value:
    return call.dialect.times.part(call.day(0), "weekday")


FUNCTION = Function(
    name="weekday_of",
    parameters=(Parameter("moment", frozenset({Kind.DATE, Kind.INSTANT})),),
    result=always(Kind.NUMBER),
    python=_weekday_of,
    sql=_sql,
    javascript=of_day("weekdayOf"),
    doc="Gives the day of the week of a date: Monday is 1, Sunday 7.",
    examples=(("weekday_of(2026-03-02)", "1"),),
)
