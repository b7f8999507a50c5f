"""Gives the greatest of some values; empty when one of them is."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import of_order
from rule_engine.functions import Function, Parameter, SqlCall, same_kind
from rule_engine.ordering import ORDERED, Comparable, amounts_nullable, pick
from rule_engine.types import Environment


def _max(environment: Environment, *values: Comparable) -> Comparable | None:
    return pick(environment, values, ">")


def _sql(call: SqlCall) -> Value:
    return call.dialect.extreme_value("max", call.arguments)


FUNCTION = Function(
    name="max",
    parameters=(Parameter("x", ORDERED, repeats=True),),
    result=same_kind,
    python=_max,
    sql=_sql,
    javascript=of_order("greatest"),
    doc="Gives the greatest of some values; empty when one of them is.",
    examples=(("max(3, 7, 5)", "7"), ("max(today, 2026-01-01)", "2026-03-02")),
    nullable=amounts_nullable,
)
