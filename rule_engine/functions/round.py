"""Gives a number rounded to so many digits after the point; ties go away from zero."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rule_engine.arithmetic import MAX_PLACES, ZERO, round_places
from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, on_number, same_as_first
from rule_engine.types import Environment, Kind
from rule_engine.values import Money


def _round(
    environment: Environment, x: Decimal | Money, digits: Decimal = ZERO
) -> Decimal | Money | None:
    del environment
    places = int(round_places(digits, 0))
    if abs(places) > MAX_PLACES:
        return None
    if isinstance(x, Money):
        return replace(x, amount=round_places(x.amount, places))
    return round_places(x, places)


def _sql(call: SqlCall) -> Value:
    numbers = call.dialect.numbers
    places = call.number(1) if len(call.arguments) > 1 else numbers.constant(ZERO)
    return on_number(call.arguments[0], lambda number: numbers.round(number, places))


FUNCTION = Function(
    name="round",
    parameters=(
        Parameter("x", frozenset({Kind.NUMBER, Kind.PERCENT, Kind.MONEY})),
        Parameter("digits", frozenset({Kind.NUMBER}), optional=True),
    ),
    result=same_as_first,
    python=_round,
    sql=_sql,
    javascript=plain("round"),
    doc="Gives a number rounded to so many digits after the point; ties go away from zero.",
    examples=(("round(2.5)", "3"), ("round(1.005, 2)", "1.01"), ("round(1250, -2)", "1300")),
    nullable=lambda arguments: len(arguments) > 1 or arguments[0].nullable,
)
