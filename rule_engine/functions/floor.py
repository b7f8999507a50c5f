"""Gives the greatest whole number that is not above."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rule_engine import arithmetic
from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, on_number, same_as_first
from rule_engine.types import Environment, Kind
from rule_engine.values import Money


def _floor(environment: Environment, x: Decimal | Money) -> Decimal | Money:
    del environment
    if isinstance(x, Money):
        return replace(x, amount=arithmetic.round_down(x.amount))
    return arithmetic.round_down(x)


def _sql(call: SqlCall) -> Value:
    return on_number(call.arguments[0], call.dialect.numbers.floor)


FUNCTION = Function(
    name="floor",
    parameters=(Parameter("x", frozenset({Kind.NUMBER, Kind.PERCENT, Kind.MONEY})),),
    result=same_as_first,
    python=_floor,
    sql=_sql,
    javascript=plain("floor"),
    doc="Gives the greatest whole number that is not above.",
    examples=(("floor(2.9)", "2"), ("floor(-2.1)", "-3")),
)
