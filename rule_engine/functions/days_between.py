"""Gives the number of days from the first date to the second."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import JavaScriptCall
from rule_engine.backends.javascript.code import Code, run_time
from rule_engine.dates import day_of_moment
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind


def _days_between(environment: Environment, a: date, b: date) -> Decimal | None:
    first, last = day_of_moment(a, environment.zone), day_of_moment(b, environment.zone)
    return None if first is None or last is None else Decimal((last - first).days)


def _sql(call: SqlCall) -> Value:
    return call.dialect.times.days_between(call.day(1), call.day(0))


def _javascript(call: JavaScriptCall) -> Code:
    return run_time("daysBetween", call.day(0), call.day(1))


FUNCTION = Function(
    name="days_between",
    parameters=(
        Parameter("a", frozenset({Kind.DATE, Kind.INSTANT})),
        Parameter("b", frozenset({Kind.DATE, Kind.INSTANT})),
    ),
    result=always(Kind.NUMBER),
    python=_days_between,
    sql=_sql,
    javascript=_javascript,
    doc="Gives the number of days from the first date to the second.",
    examples=(
        ("days_between(2026-02-27, 2026-03-02)", "3"),
        ("days_between(today, 2026-03-01)", "-1"),
    ),
)
