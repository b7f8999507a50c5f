"""Aggregates over the records of a link, which the environment has loaded."""

from __future__ import annotations

from rule_engine import core
from rule_engine.backends.javascript.calls import order_of
from rule_engine.backends.javascript.code import (
    ENVIRONMENT,
    Code,
    Function,
    Literal,
    Name,
    run_time,
)
from rule_engine.backends.javascript.conditions import Conditions
from rule_engine.backends.javascript.frames import Frame
from rule_engine.types import Kind

_TESTS = {"any": "anyOf", "all": "allOf", "none": "noneOf"}
_FAMILIES = {Kind.MONEY: "Money", Kind.CLOCK_LENGTH: "Clock"}
_SUMS = {"sum": "sum", "avg": "average"}
_EXTREMES = {"min": "leastOf", "max": "greatestOf"}


class Aggregates(Conditions):
    """Compiles aggregates."""

    def aggregate(self, node: core.Aggregate, frame: Frame) -> Code:
        """Gives an aggregate's value."""
        inner = frame.inside()
        start = ENVIRONMENT, self.record_of(node, frame), Literal(node.link)
        rows = run_time("linked", *start, Literal(node.target), Literal(node.field))
        if node.where is not None:
            where = _of_record(inner, self.condition(node.where, inner))
            if node.function in _TESTS:
                return run_time(_TESTS[node.function], rows, where)
            rows = run_time("chosen", rows, where)
        elif node.function in _TESTS:
            return run_time(_TESTS[node.function], rows)
        if node.argument is None:
            return run_time("countOf", rows)
        if node.function in ("latest", "join"):
            rows = self._arranged(node, rows, inner)
        argument = _of_record(inner, self.value(node.argument, inner))
        return _finished(node, node.argument.type.kind, rows, argument)

    def _arranged(self, node: core.Aggregate, rows: Code, inner: Frame) -> Code:
        """Gives the records in ascending order, empties first, equals by id."""
        if node.order is None:
            created = run_time("field", inner.record, Literal("created_at"))
            key, kind = run_time("instant", ENVIRONMENT, created), Kind.INSTANT
        else:
            key, kind = self.value(node.order, inner), node.order.type.kind
        if kind is Kind.MONEY:
            key, kind = run_time("amountIn", key), Kind.NUMBER
        return run_time("arranged", order_of(kind), rows, _of_record(inner, key))


def _finished(node: core.Aggregate, kind: Kind, rows: Code, argument: Code) -> Code:
    values = run_time("valuesOf", rows, argument)
    match node.function:
        case "count":
            return run_time("countOf", values)
        case "join":
            return run_time("joined", values, Literal(node.separator))
        case "latest":
            return run_time("last", rows, argument)
        case "sum" | "avg":
            name = _SUMS[node.function] + _FAMILIES.get(kind, "Numbers")
            return run_time(name, ENVIRONMENT, values)
        case _:
            return run_time(_EXTREMES[node.function], order_of(kind), ENVIRONMENT, values)


def _of_record(inner: Frame, body: Code) -> Code:
    name = inner.record.name if isinstance(inner.record, Name) else ""
    return Function((name,), body)
