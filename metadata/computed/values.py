"""Computed fields of one record, in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from metadata.computed.definitions import Computed
from metadata.computed.graph import Graph
from metadata.fields.base import FieldDefinition
from rule_engine.arithmetic import NO_CURRENCY, round_places
from rule_engine.backends.python import compile_node
from rule_engine.columns import MAX_DIGITS, Kept, Scaled
from rule_engine.types import Environment
from rule_engine.values import Money

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Formula:
    """A computed field as a function; `inputs` are the record's own fields that it looks at."""

    field: FieldDefinition
    inputs: frozenset[str]
    run: Callable[[Record, Environment], object]


def compile_formulas(graph: Graph, object_name: str) -> tuple[Formula, ...]:
    """Gives an object's computed fields that are the same for everybody, in order."""
    return tuple(
        Formula(one.field, graph.own_inputs(one.key), function_of(one))
        for one in graph.of_object.get(object_name, ())
    )


def function_of(one: Computed) -> Callable[[Record, Environment], object]:
    """Gives a computed field's value as it would be kept."""
    compiled, field = compile_node(one.node), one.field

    def run(record: Record, environment: Environment) -> object:
        return as_kept(field, compiled(record, environment, None, None))

    return run


def compute(
    formulas: tuple[Formula, ...], record: Record, before: Record | None, environment: Environment
) -> dict[str, object]:
    """Gives the computed values that a change of the record's own fields makes new.

    `before` is the record for which the values are right; None for a new one: all are computed.
    """
    now = dict(record)
    found: dict[str, object] = {}
    for formula in formulas:
        if before is None or any(before.get(name) != now.get(name) for name in formula.inputs):
            found[formula.field.name] = now[formula.field.name] = formula.run(now, environment)
    return found


def as_kept(field: FieldDefinition, value: object) -> object:
    """Gives a value as the field's columns keep it; numbers of too many digits are empty."""
    kept = field.type.kept_form(field)
    if not isinstance(kept.column, Scaled):
        return value
    scale = kept.column.scale
    match value:
        case Decimal():
            return within(round_places(value, scale), scale)
        case Money(amount=amount, currency=currency):
            currency = kept.currency if currency == NO_CURRENCY else currency
            rounded = within(round_places(amount, places_of(kept, currency)), scale)
            return None if rounded is None else Money(rounded, currency)
    return value


def places_of(kept: Kept, currency: str) -> int:
    """Gives how many places amounts in a currency are kept with."""
    if kept.places is None:
        return cast(Scaled, kept.column).scale
    others = kept.places.others.items()
    return next((count for count, codes in others if currency in codes), kept.places.usual)


def within(number: Decimal, scale: int) -> Decimal | None:
    """Gives a number that a column of a scale can hold."""
    limit = Decimal(10) ** (MAX_DIGITS - scale)
    return number if -limit < number < limit else None
