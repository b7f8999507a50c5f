"""Gives the start of the year, quarter, month, week (Monday) or day; keeps the type."""

from __future__ import annotations

from datetime import date, datetime

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import JavaScriptCall
from rule_engine.backends.javascript.code import ENVIRONMENT, Code, run_time
from rule_engine.core import Constant
from rule_engine.dates import start_of_date, start_of_instant
from rule_engine.functions import Function, Parameter, SqlCall, same_as_first
from rule_engine.types import Environment, Kind


def _start_of(environment: Environment, moment: date, unit: str) -> date | None:
    if isinstance(moment, datetime):
        return start_of_instant(moment, unit, environment.zone)
    return start_of_date(moment, unit)


UNITS = ("year", "quarter", "month", "week", "day")


def _sql(call: SqlCall) -> Value:
    moment, unit = call.call.arguments
    word = unit.value if isinstance(unit, Constant) else ""
    if moment.type.kind is Kind.INSTANT:
        return Plain(call.dialect.times.start_of_instant(call.element(0), str(word)), True)
    return Plain(call.dialect.times.start_of_date(call.element(0), str(word)), call.nullable)


def _javascript(call: JavaScriptCall) -> Code:
    if call.kind(0) is Kind.INSTANT:
        return run_time("startOfInstant", ENVIRONMENT, *call.arguments)
    return run_time("startOfDate", *call.arguments)


FUNCTION = Function(
    name="start_of",
    parameters=(
        Parameter("moment", frozenset({Kind.DATE, Kind.INSTANT})),
        Parameter("unit", frozenset({Kind.TEXT}), words=UNITS),
    ),
    result=same_as_first,
    python=_start_of,
    sql=_sql,
    javascript=_javascript,
    doc="Gives the start of the year, quarter, month, week (Monday) or day; keeps the type.",
    examples=(
        ('start_of(2026-05-20, "quarter")', "2026-04-01"),
        ('start_of(2026-05-20, "week")', "2026-05-18"),
    ),
)
