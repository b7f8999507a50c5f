"""Conditions: code that is always True or False."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

import re2

from rule_engine import core, text
from rule_engine.backends.python import syntax
from rule_engine.backends.python.emitter import Guards, not_said
from rule_engine.backends.python.loading import place_of
from rule_engine.backends.python.sums import ArithmeticEmitter
from rule_engine.backends.python.syntax import Syntax
from rule_engine.types import Kind, Type
from rule_engine.values import Money

OPERATORS: Mapping[str, type[ast.cmpop]] = {
    "=": ast.Eq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
#: Kinds whose order is found by a function that gives -1, 0, 1 or None.
ORDERED_BY = {Kind.MONEY: "order_money", Kind.CALENDAR_LENGTH: "order_calendar"}


class ConditionEmitter(ArithmeticEmitter):
    """Writes comparisons and tests."""

    def condition(self, node: core.Node) -> Syntax:
        """Gives code whose value is True or False; empty counts as false."""
        match node:
            case core.Constant():
                return syntax.literal(node.value is True)
            case core.Compare():
                return self._compare(node)
            case core.AllOf():
                return self._all_of(node)
            case core.AnyOf():
                return syntax.any_of([self.condition(item) for item in node.items])
            case core.Not():
                return syntax.negation(self.condition(node.operand))
            case core.IsEmpty():
                return self._is_empty(node)
            case core.Member():
                return self._member(node)
            case core.Contains():
                guards: Guards = {}
                item = self.full(node.item, guards)
                collection = self.bind(self.value(node.collection), guards)
                return self.tested(guards, syntax.compare(item, ast.In(), collection))
            case core.TextTest():
                return self._text_test(node)
            case core.Matches():
                return self._matches(node)
            case core.Changed():
                return self._changed(node)
            case core.If():
                branches = self.condition(node.then), self.condition(node.otherwise)
                return syntax.choose(self.condition(node.condition), *branches)
            case (
                core.Path() | core.OptionAttribute() | core.Call() | core.Aggregate() | core.Case()
            ):
                return syntax.is_true(self.value(node))
            case _:
                raise not_said(
                    node, "Python has no {node} as a condition", node=type(node).__name__
                )

    def _all_of(self, node: core.AllOf) -> Syntax:
        """Gives `a and b`; what is not empty where a holds is not asked for in b again."""
        before = self.full_names
        tests: list[Syntax] = []
        for item in node.items:
            tests.append(self.condition(item))
            if isinstance(item, core.TextTest) or (
                isinstance(item, core.Compare) and item.op != "!="
            ):
                self.full_names = self.full_names | self.last_tested.keys()
        self.full_names = before
        return syntax.all_of(tests)

    def _is_free(self, node: core.Node) -> bool:
        """Says whether a field may be compared while empty: it equals no constant then."""
        return isinstance(node, core.Path) and node.type.kind not in ORDERED_BY

    def _compared(self, node: core.Node, guards: Guards) -> Syntax:
        """Gives code for a side of a comparison: computed text is compared trimmed, as NFC."""
        if node.type.kind is not Kind.TEXT or isinstance(node, core.Path):
            return self.full(node, guards)
        if isinstance(node, core.Constant):
            return self.bind(self.keep(_clean_constant(node.value)), guards)
        return self.bind(syntax.call("clean", self.value(node)), guards)

    def _compare(self, node: core.Compare) -> Syntax:
        if node.op == "!=":
            return syntax.negation(self._compare(replace(node, op="=")))
        guards: Guards = {}
        if node.op == "=" and self._is_free(node.left) and isinstance(node.right, core.Constant):
            right = self._compared(node.right, guards)
            return self.tested(guards, syntax.compare(self.value(node.left), ast.Eq(), right))
        left, right = self._compared(node.left, guards), self._compared(node.right, guards)
        operator = OPERATORS[node.op]()
        kind = node.left.type.kind
        if kind in ORDERED_BY:
            rates = [syntax.member(syntax.name("environment"), "rates")]
            extra = rates if kind is Kind.MONEY else []
            ordered: Guards = {}
            order = self.bind(syntax.call(ORDERED_BY[kind], left, right, *extra), ordered)
            test = self.tested(ordered, syntax.compare(order, operator, syntax.literal(0)))
            return self.tested(guards, self._compare_amounts(node, left, test))
        return self.tested(guards, syntax.compare(left, operator, right))

    def _compare_amounts(self, node: core.Compare, left: Syntax, by_rates: Syntax) -> Syntax:
        """Gives code that looks at the amounts alone where the left side has the currency of a
        constant right side, and orders by rates elsewhere."""
        money = node.right.value if isinstance(node.right, core.Constant) else None
        if not isinstance(money, Money):
            return by_rates
        amount = syntax.member(left, "amount")
        test = syntax.compare(amount, OPERATORS[node.op](), self.keep(money.amount))
        currency = syntax.compare(
            syntax.member(left, "currency"), ast.Eq(), syntax.literal(money.currency)
        )
        return syntax.choose(currency, test, by_rates)

    def _is_empty(self, node: core.IsEmpty) -> Syntax:
        operand = node.operand
        kind = operand.type.kind
        if kind in (Kind.CHOICES, Kind.LIST):
            return syntax.negation(self.value(operand))
        if kind is Kind.TEXT and not isinstance(operand, core.Path):
            return syntax.is_none(syntax.call("clean", self.value(operand)))
        value = self.value(operand)
        if isinstance(value, ast.Constant):
            return syntax.literal(value.value is None)
        return syntax.is_none(value)

    def _member(self, node: core.Member) -> Syntax:
        kind = node.item.type.kind
        constants = [item for item in node.items if isinstance(item, core.Constant)]
        if kind in ORDERED_BY or len(constants) < len(node.items):
            tests = [_equals(node.item, item) for item in node.items]
            return syntax.any_of([self._compare(test) for test in tests])
        values = [
            _clean_constant(item.value) if kind is Kind.TEXT else item.value for item in constants
        ]
        guards: Guards = {}
        free = self._is_free(node.item)
        item = self.value(node.item) if free else self._compared(node.item, guards)
        full = self.keep(frozenset(value for value in values if value is not None))
        return self.tested(guards, syntax.compare(item, ast.In(), full))

    def _text_test(self, node: core.TextTest) -> Syntax:
        guards: Guards = {}
        left = self._folded(node.left, guards)
        if isinstance(node.right, core.Constant):
            if not isinstance(node.right.value, str) or not node.right.value:
                return syntax.literal(False)
            right = self.keep(text.fold(node.right.value))
        else:
            right = self._folded(node.right, guards)
        if node.kind == "contains":
            return self.tested(guards, syntax.compare(right, ast.In(), left))
        method = {"starts": "startswith", "ends": "endswith"}[node.kind]
        return self.tested(guards, syntax.method(left, method, right))

    def _folded(self, node: core.Node, guards: Guards) -> Syntax:
        """Gives code for a text as `contains` looks at it."""
        known = self.folded.get(place_of(node)) if isinstance(node, core.Path) else None
        if known is None:
            return syntax.fold(self.full(node, guards))
        return self.bind(syntax.name(known), guards)

    def _matches(self, node: core.Matches) -> Syntax:
        guards: Guards = {}
        try:
            pattern = self.keep(re2.compile(node.pattern))
        except re2.error as error:
            raise not_said(node, "the pattern is not RE2: {error}", error=error) from error
        found = syntax.method(pattern, "search", self.full(node.operand, guards))
        return self.tested(guards, syntax.is_full(found))

    def _changed(self, node: core.Changed) -> Syntax:
        before = replace(node.path, scope=core.Scope.OLD)
        tests = [syntax.compare(self.value(before), ast.NotEq(), self.value(node.path))]
        if node.before is not None:
            tests.append(self._compare(_equals(before, node.before)))
        if node.after is not None:
            tests.append(self._compare(_equals(node.path, node.after)))
        return syntax.all_of(tests)


def _equals(left: core.Node, right: core.Node) -> core.Compare:
    return core.Compare(Type(Kind.BOOLEAN), False, right.span, "=", left, right)


def _clean_constant(value: object) -> object:
    return text.clean(value) if isinstance(value, str) else value
