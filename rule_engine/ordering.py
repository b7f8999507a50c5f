"""Orders values of one kind: numbers, amounts, dates, lengths."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal

from rule_engine.arithmetic import order_money
from rule_engine.core import Node
from rule_engine.types import Environment, Kind
from rule_engine.values import Money

Comparable = Decimal | Money | date | time | timedelta

ORDERED = frozenset(
    {
        *(Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.DATE, Kind.INSTANT, Kind.TIME),
        Kind.CLOCK_LENGTH,
    }
)


def pick(environment: Environment, values: Sequence[Comparable], sign: str) -> Comparable | None:
    """Gives the least (`<`) or greatest (`>`) value; None when amounts do not compare."""
    best = values[0]
    for value in values[1:]:
        order = _order(environment, value, best)
        if order is None:
            return None
        if (order < 0) if sign == "<" else (order > 0):
            best = value
    return best


def _order(environment: Environment, left: Comparable, right: Comparable) -> int | None:
    if isinstance(left, Money) and isinstance(right, Money):
        return order_money(left, right, environment.rates)
    # The checker lets only values of one kind through.
    return (left > right) - (left < right)  # type: ignore[operator]


def amounts_nullable(arguments: Sequence[Node]) -> bool:
    """Says that a result can be empty: an argument, or amounts without a rate between them."""
    return any(one.nullable or one.type.kind is Kind.MONEY for one in arguments)
