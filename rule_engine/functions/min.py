"""Gives the least of some values; empty when one of them is."""

from __future__ import annotations

from rule_engine.functions import Function, Parameter, same_kind
from rule_engine.ordering import ORDERED, Comparable, amounts_nullable, pick
from rule_engine.types import Environment


def _min(environment: Environment, *values: Comparable) -> Comparable | None:
    return pick(environment, values, "<")


FUNCTION = Function(
    name="min",
    parameters=(Parameter("x", ORDERED, repeats=True),),
    result=same_kind,
    python=_min,
    doc="Gives the least of some values; empty when one of them is.",
    nullable=amounts_nullable,
)
