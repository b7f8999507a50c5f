"""Gives the rest of a division; it has the sign of the divisor, and is empty for 0."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.arithmetic import modulo
from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always, always_nullable
from rule_engine.types import Environment, Kind


def _mod(environment: Environment, a: Decimal, b: Decimal) -> Decimal | None:
    del environment
    return modulo(a, b)


def _sql(call: SqlCall) -> Value:
    return call.dialect.numbers.modulo(call.number(0), call.number(1))


FUNCTION = Function(
    name="mod",
    parameters=(
        Parameter("a", frozenset({Kind.NUMBER})),
        Parameter("b", frozenset({Kind.NUMBER})),
    ),
    result=always(Kind.NUMBER),
    python=_mod,
    sql=_sql,
    javascript=plain("modulo"),
    doc="Gives the rest of a division; it has the sign of the divisor, and is empty for 0.",
    examples=(("mod(7, 3)", "1"), ("mod(-7, 3)", "2")),
    nullable=always_nullable,
)
