"""Aggregates over the records of a link, in memory.

Each takes the values that are not empty, in the order of the records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from rule_engine import arithmetic, core, dates
from rule_engine.types import Environment, Kind, RateTable
from rule_engine.values import Money

Record = Mapping[str, object]
Compiled = Callable[..., object]
Aggregator = Callable[[Sequence[Record], Environment, Record | None, Record | None], object]


def build_aggregate(
    node: core.Aggregate, argument: Compiled | None, where: Compiled | None, order: Compiled | None
) -> Aggregator:
    """Gives a function of (records, environment, old, outer) for an aggregate's compiled parts."""
    if node.function in ("any", "all", "none"):
        return _build_test(node.function, where)
    if node.function == "latest":
        return _build_latest(argument, where, order)
    finish = _finisher(node)

    def aggregate(
        rows: Sequence[Record],
        environment: Environment,
        old: Record | None,
        outer: Record | None,
    ) -> object:
        chosen = _choose(rows, where, environment, old, outer)
        if argument is None:
            return Decimal(len(chosen))
        if node.function == "join":
            chosen = _arrange(chosen, order, environment, old, outer)
        values = [argument(row, environment, old, outer) for row in chosen]
        return finish([value for value in values if value is not None], environment)

    return aggregate


def _choose(
    rows: Sequence[Record],
    where: Compiled | None,
    environment: Environment,
    old: Record | None,
    outer: Record | None,
) -> Sequence[Record]:
    return rows if where is None else [r for r in rows if where(r, environment, old, outer)]


def _build_test(function: str, where: Compiled | None) -> Aggregator:
    def holds(
        rows: Sequence[Record],
        environment: Environment,
        old: Record | None,
        outer: Record | None,
    ) -> bool:
        found = (where is None or bool(where(row, environment, old, outer)) for row in rows)
        if function == "all":
            return all(found)
        return any(found) == (function == "any")

    return holds


def _build_latest(
    argument: Compiled | None, where: Compiled | None, order: Compiled | None
) -> Aggregator:
    def latest(
        rows: Sequence[Record],
        environment: Environment,
        old: Record | None,
        outer: Record | None,
    ) -> object:
        chosen = _choose(rows, where, environment, old, outer)
        arranged = _arrange(chosen, order, environment, old, outer)
        if not arranged or argument is None:
            return None
        return argument(arranged[-1], environment, old, outer)

    return latest


def _arrange(
    rows: Sequence[Record],
    order: Compiled | None,
    environment: Environment,
    old: Record | None,
    outer: Record | None,
) -> Sequence[Record]:
    """Gives the records in ascending order, empties first, equals by id."""
    empty: list[tuple[str, Record]] = []
    full: list[tuple[Any, str, Record]] = []
    for row in rows:
        identifier = str(row.get("id") or "")
        value = row.get("created_at") if order is None else order(row, environment, old, outer)
        if value is None:
            empty.append((identifier, row))
        else:
            full.append((value.amount if isinstance(value, Money) else value, identifier, row))
    empty.sort(key=lambda found: found[0])
    full.sort(key=lambda found: found[:2])
    return [*(found[1] for found in empty), *(found[2] for found in full)]


Finisher = Callable[[list[object], Environment], object]


def _finisher(node: core.Aggregate) -> Finisher:
    if node.function == "count":
        return lambda values, _: Decimal(len(values))
    if node.function == "join":
        return lambda values, _: node.separator.join(map(str, values)) or None
    kind = node.argument.type.kind if node.argument is not None else Kind.NUMBER
    family = {Kind.MONEY: "money", Kind.CLOCK_LENGTH: "clock"}.get(kind, "number")
    return _FINISHERS[node.function, family]


def _sum_numbers(values: list[object], environment: Environment) -> object:
    return arithmetic.total(value for value in values if isinstance(value, Decimal))


def _average(values: list[object], environment: Environment) -> object:
    numbers = [value for value in values if isinstance(value, Decimal)]
    return arithmetic.divide(arithmetic.total(numbers), Decimal(len(numbers)))


def _least(values: list[object], environment: Environment) -> object:
    return min(values, default=None)  # type: ignore[type-var]  # the checker lets only ordered kinds in


def _greatest(values: list[object], environment: Environment) -> object:
    return max(values, default=None)  # type: ignore[type-var]  # as above


def _sum_clock(values: list[object], environment: Environment) -> timedelta | None:
    counts = [dates.to_milliseconds(value) for value in values if isinstance(value, timedelta)]
    return dates.from_milliseconds(sum(counts))


def _average_clock(values: list[object], environment: Environment) -> timedelta | None:
    total = _sum_clock(values, environment)
    return None if total is None else dates.divide_clock(total, Decimal(len(values)))


def _sum_money(values: list[object], environment: Environment) -> Money | None:
    nothing: Money | None = Money(arithmetic.ZERO, arithmetic.NO_CURRENCY)
    amounts = [value for value in values if isinstance(value, Money)]
    if len({amount.currency for amount in amounts}) == 1:
        return Money(arithmetic.total(each.amount for each in amounts), amounts[0].currency)
    rates = environment.rates
    return reduce(lambda sum_, each: arithmetic.add_money(sum_, each, rates), amounts, nothing)


def _average_money(values: list[object], environment: Environment) -> Money | None:
    return arithmetic.divide_money(_sum_money(values, environment), Decimal(len(values)))


def _least_money(values: list[object], environment: Environment) -> Money | None:
    return _extreme(values, environment.rates, -1)


def _greatest_money(values: list[object], environment: Environment) -> Money | None:
    return _extreme(values, environment.rates, 1)


def _extreme(values: list[object], rates: RateTable, wanted: int) -> Money | None:
    best: Money | None = None
    for value in values:
        if not isinstance(value, Money):
            continue
        if best is None:
            best = value
            continue
        order = arithmetic.order_money(value, best, rates)
        if order is None:
            return None
        best = value if order == wanted else best
    return best


_FINISHERS: Mapping[tuple[str, str], Finisher] = {
    ("sum", "number"): _sum_numbers,
    ("avg", "number"): _average,
    ("min", "number"): _least,
    ("max", "number"): _greatest,
    ("sum", "clock"): _sum_clock,
    ("avg", "clock"): _average_clock,
    ("min", "clock"): _least,
    ("max", "clock"): _greatest,
    ("sum", "money"): _sum_money,
    ("avg", "money"): _average_money,
    ("min", "money"): _least_money,
    ("max", "money"): _greatest_money,
}
