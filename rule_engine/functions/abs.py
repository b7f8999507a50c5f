"""Gives a number without its sign."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, on_number, same_as_first
from rule_engine.types import Environment, Kind
from rule_engine.values import Money


def _abs(environment: Environment, x: Decimal | Money) -> Decimal | Money:
    del environment
    if isinstance(x, Money):
        return replace(x, amount=x.amount.copy_abs())
    return x.copy_abs()


def _sql(call: SqlCall) -> Value:
    return on_number(call.arguments[0], call.dialect.numbers.absolute)


FUNCTION = Function(
    name="abs",
    parameters=(Parameter("x", frozenset({Kind.NUMBER, Kind.PERCENT, Kind.MONEY})),),
    result=same_as_first,
    python=_abs,
    sql=_sql,
    javascript=plain("absolute"),
    doc="Gives a number without its sign.",
    examples=(("abs(-3.5)", "3.5"), ("abs(-20 CNY)", "20 CNY")),
)
