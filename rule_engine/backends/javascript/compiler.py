"""The compiler of checked expressions to JavaScript.

The text is an expression: a pure function of (record, env) that gives the value in wire form, null
for empty. It names one thing outside, `rules`: the run-time library of the front end
(`src/rules/`), which says what env holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rule_engine import core
from rule_engine.backends.javascript.aggregates import Aggregates
from rule_engine.backends.javascript.calls import JavaScriptCall
from rule_engine.backends.javascript.code import (
    ENVIRONMENT,
    Choice,
    Code,
    Function,
    Invoke,
    Items,
    Literal,
    run_time,
    show,
)
from rule_engine.backends.javascript.frames import START, Frame, not_said
from rule_engine.functions import functions
from rule_engine.types import Kind, Schema

if TYPE_CHECKING:
    from rule_engine.expression import Expression

#: The run-time function that gives a value's wire form; of other kinds both forms are the same.
_WIRE = {
    Kind.NUMBER: "wireNumber",
    Kind.PERCENT: "wireNumber",
    Kind.MONEY: "wireMoney",
    Kind.DATE: "textOfDate",
    Kind.INSTANT: "textOfInstant",
    Kind.TIME: "wireTime",
    Kind.CLOCK_LENGTH: "wireLength",
    Kind.CALENDAR_LENGTH: "wireCalendar",
}


def compile_javascript(expression: Expression, schema: Schema, object_name: str) -> str:
    """Gives the text of a function of (record, env).

    Raises RuleCheckError for an expression that does not fit the schema, NotTranslatableError for
    one that JavaScript cannot say.
    """
    return compile_node_javascript(expression.resolve(schema, object_name))


def compile_node_javascript(node: core.Node) -> str:
    """Gives the text of a function of (record, env); raises NotTranslatableError."""
    compiler = Compiler()
    value = compiler.value(node, START)
    wire = _WIRE.get(node.type.kind)
    body = Function(("record", "env"), run_time(wire, value) if wire else value)
    if not compiler.constants:
        return f"({show(body)})"
    kept = compiler.constants
    return show(Invoke(Function(tuple(kept), body), tuple(kept.values())))


class Compiler(Aggregates):
    """Compiles any node."""

    def value(self, node: core.Node, frame: Frame) -> Code:
        """Gives code whose value is the node's, null for empty."""
        match node:
            case core.Constant():
                return self.constant(node, node.value)
            case core.Path():
                return self.path(node, frame)
            case core.Parameter():
                return run_time("today" if node.name == "today" else "now", ENVIRONMENT)
            case core.LocalInstant():
                clock = self.constant(node, node.at)
                return run_time("toInstant", ENVIRONMENT, self.value(node.date, frame), clock)
            case core.OptionAttribute():
                return self._attribute(node, frame)
            case core.Arithmetic():
                return self.computed(node, frame)
            case core.Negate():
                return self.negated(node, frame)
            case core.If():
                branches = self.value(node.then, frame), self.value(node.otherwise, frame)
                return Choice(self.condition(node.condition, frame), *branches)
            case core.Case():
                return self._case(node, frame)
            case core.Call():
                return self._call(node, frame)
            case core.Aggregate():
                return self.aggregate(node, frame)
            case _:
                return self.condition(node, frame)

    def _attribute(self, node: core.OptionAttribute, frame: Frame) -> Code:
        arms = (Items((Literal(name), self.literal(node, value))) for name, value in node.values)
        table = self.keep(run_time("table", Items(tuple(arms))))
        return run_time("attribute", table, self.path(node.path, frame))

    def _case(self, node: core.Case, frame: Frame) -> Code:
        """A list of arms, however many: nested choices would be limited in depth."""
        arms = (
            Items(
                (
                    Function((), self.condition(condition, frame)),
                    Function((), self.value(value, frame)),
                )
            )
            for condition, value in node.arms
        )
        otherwise = Function((), self.value(node.otherwise, frame))
        return run_time("choose", Items(tuple(arms)), otherwise)

    def _call(self, node: core.Call, frame: Frame) -> Code:
        function = functions()[node.function]
        if function.javascript is None:
            raise not_said(node, "{function} is not for browsers", function=node.function)
        arguments = tuple(self.value(argument, frame) for argument in node.arguments)
        return function.javascript(JavaScriptCall(node, arguments))
