"""Gives the least of some values; empty when one of them is."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import of_order
from rule_engine.functions import Function, Parameter, SqlCall, same_kind
from rule_engine.ordering import ORDERED, Comparable, amounts_nullable, pick
from rule_engine.types import Environment


def _min(environment: Environment, *values: Comparable) -> Comparable | None:
    return pick(environment, values, "<")


def _sql(call: SqlCall) -> Value:
    return call.dialect.extreme_value("min", call.arguments)


FUNCTION = Function(
    name="min",
    parameters=(Parameter("x", ORDERED, repeats=True),),
    result=same_kind,
    python=_min,
    sql=_sql,
    javascript=of_order("least"),
    doc="Gives the least of some values; empty when one of them is.",
    examples=(("min(3, 7, 5)", "3"), ("min(120 CNY, 100 CNY)", "100 CNY")),
    nullable=amounts_nullable,
)
