"""Conditions: code that is always true or false."""

from __future__ import annotations

from dataclasses import replace

from rule_engine import core, text
from rule_engine.backends.javascript.arithmetic import Arithmetic
from rule_engine.backends.javascript.calls import order_of
from rule_engine.backends.javascript.code import (
    ENVIRONMENT,
    FALSE,
    Choice,
    Code,
    Invoke,
    Items,
    Join,
    Literal,
    Negation,
    run_time,
)
from rule_engine.backends.javascript.frames import Frame, not_said
from rule_engine.types import Kind, Type

TESTS = {"=": "isEqual", "<": "isBelow", "<=": "isAtMost", ">": "isAbove", ">=": "isAtLeast"}
TEXT_TESTS = {"contains": "contains", "starts": "startsWith", "ends": "endsWith"}


class Conditions(Arithmetic):
    """Compiles comparisons and tests."""

    def condition(self, node: core.Node, frame: Frame) -> Code:
        """Gives code that is true or false; empty counts as false."""
        match node:
            case core.Constant():
                return Literal(node.value is True)
            case core.Compare():
                return self._compare(node, frame)
            case core.AllOf():
                return Join("&&", tuple(self.condition(item, frame) for item in node.items))
            case core.AnyOf():
                return Join("||", tuple(self.condition(item, frame) for item in node.items))
            case core.Not():
                return Negation(self.condition(node.operand, frame))
            case core.IsEmpty():
                return run_time("isEmpty", self._cleaned(node.operand, frame))
            case core.Member():
                return self._member(node, frame)
            case core.Contains():
                collection = self.value(node.collection, frame)
                return run_time("holds", collection, self.value(node.item, frame))
            case core.TextTest():
                sides = self.value(node.left, frame), self.value(node.right, frame)
                return run_time(TEXT_TESTS[node.kind], *sides)
            case core.Matches():
                raise not_said(node, "browsers have other regular expressions than matches")
            case core.Changed():
                return self._changed(node, frame)
            case core.If():
                branches = self.condition(node.then, frame), self.condition(node.otherwise, frame)
                return Choice(self.condition(node.condition, frame), *branches)
            case _ if node.type.kind is Kind.BOOLEAN:
                return run_time("isTrue", self.value(node, frame))
            case _:
                raise not_said(node, "JavaScript has no such condition")

    def _cleaned(self, node: core.Node, frame: Frame) -> Code:
        """Gives a value; computed text is compared trimmed, as NFC. Fields are stored so."""
        if node.type.kind is not Kind.TEXT or isinstance(node, core.Path):
            return self.value(node, frame)
        if isinstance(node, core.Constant):
            return self.constant(node, _clean(node))
        return run_time("clean", self.value(node, frame))

    def _compare(self, node: core.Compare, frame: Frame) -> Code:
        if node.op == "!=":
            return Negation(self._compare(replace(node, op="="), frame))
        sides = self._cleaned(node.left, frame), self._cleaned(node.right, frame)
        order = Invoke(order_of(node.left.type.kind), (ENVIRONMENT, *sides))
        return run_time(TESTS[node.op], order)

    def _member(self, node: core.Member, frame: Frame) -> Code:
        if not node.items:
            return FALSE
        item = self._cleaned(node.item, frame)
        constants = [one for one in node.items if isinstance(one, core.Constant)]
        if len(constants) == len(node.items):
            items = self.keep(Items(tuple(self.literal(one, _clean(one)) for one in constants)))
        else:
            items = Items(tuple(self._cleaned(one, frame) for one in node.items))
        return run_time("isAmong", order_of(node.item.type.kind), ENVIRONMENT, item, items)

    def _changed(self, node: core.Changed, frame: Frame) -> Code:
        before = replace(node.path, scope=core.Scope.OLD)
        differs = run_time("differs", self.value(before, frame), self.value(node.path, frame))
        tests = [differs]
        if node.before is not None:
            tests.append(self._compare(_equals(before, node.before), frame))
        if node.after is not None:
            tests.append(self._compare(_equals(node.path, node.after), frame))
        return Join("&&", tuple(tests))


def _clean(node: core.Constant) -> object:
    is_text = node.type.kind is Kind.TEXT and isinstance(node.value, str)
    return text.clean(str(node.value)) if is_text else node.value


def _equals(left: core.Node, right: core.Node) -> core.Compare:
    return core.Compare(Type(Kind.BOOLEAN), False, right.span, "=", left, right)
