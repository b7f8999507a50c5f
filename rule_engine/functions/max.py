"""Gives the greatest of some values; empty when one of them is."""

from __future__ import annotations

from rule_engine.functions import Function, Parameter, same_kind
from rule_engine.ordering import ORDERED, Comparable, amounts_nullable, pick
from rule_engine.types import Environment


def _max(environment: Environment, *values: Comparable) -> Comparable | None:
    return pick(environment, values, ">")


FUNCTION = Function(
    name="max",
    parameters=(Parameter("x", ORDERED, repeats=True),),
    result=same_kind,
    python=_max,
    doc="Gives the greatest of some values; empty when one of them is.",
    nullable=amounts_nullable,
)
