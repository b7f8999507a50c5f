"""Gives the greatest whole number that is not above."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rule_engine import arithmetic
from rule_engine.functions import Function, Parameter, same_as_first
from rule_engine.types import Environment, Kind
from rule_engine.values import Money


def _floor(environment: Environment, x: Decimal | Money) -> Decimal | Money:
    del environment
    if isinstance(x, Money):
        return replace(x, amount=arithmetic.round_down(x.amount))
    return arithmetic.round_down(x)


FUNCTION = Function(
    name="floor",
    parameters=(Parameter("x", frozenset({Kind.NUMBER, Kind.PERCENT, Kind.MONEY})),),
    result=same_as_first,
    python=_floor,
    doc="Gives the greatest whole number that is not above.",
)
