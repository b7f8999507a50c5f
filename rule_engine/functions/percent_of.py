"""Gives a number as a percentage: 0.25 is 25 %."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind


def _percent_of(environment: Environment, number: Decimal) -> Decimal:
    del environment
    return number


def _sql(call: SqlCall) -> Value:
    return call.number(0)


FUNCTION = Function(
    name="percent_of",
    parameters=(Parameter("number", frozenset({Kind.NUMBER})),),
    result=always(Kind.PERCENT),
    python=_percent_of,
    sql=_sql,
    javascript=lambda call: call.arguments[0],
    doc="Gives a number as a percentage: a share of 0.25 is 25 %.",
    examples=(("percent_of(1 / 4) = 25%", "true"), ("percent_of(2) > 100%", "true")),
)
