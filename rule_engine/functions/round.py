"""Gives a number rounded to so many digits after the point; ties go away from zero."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rule_engine.arithmetic import ZERO, round_places
from rule_engine.functions import Function, Parameter, same_as_first
from rule_engine.types import Environment, Kind
from rule_engine.values import Money


def _round(environment: Environment, x: Decimal | Money, digits: Decimal = ZERO) -> Decimal | Money:
    del environment
    places = int(digits)
    if isinstance(x, Money):
        return replace(x, amount=round_places(x.amount, places))
    return round_places(x, places)


FUNCTION = Function(
    name="round",
    parameters=(
        Parameter("x", frozenset({Kind.NUMBER, Kind.PERCENT, Kind.MONEY})),
        Parameter("digits", frozenset({Kind.NUMBER}), optional=True),
    ),
    result=same_as_first,
    python=_round,
    doc="Gives a number rounded to so many digits after the point; ties go away from zero.",
)
