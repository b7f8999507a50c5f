"""Arithmetic: plain numbers inline, all other kinds by the functions of `operations`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from rule_engine import core
from rule_engine.backends.python import operations, syntax
from rule_engine.backends.python.emitter import Emitter, Guards, not_said
from rule_engine.backends.python.syntax import Syntax

NUMBER_FUNCTIONS = {"+": "add", "-": "subtract", "*": "multiply"}
LONG_SUM = 16


class ArithmeticEmitter(Emitter):
    """Writes sums, products and the like. Operands that may be empty become guards."""

    def computed(self, node: core.Node) -> Syntax:
        """Gives code for an arithmetic node, None for empty."""
        guards: Guards = {}
        return self.guarded(guards, self.full(node, guards))

    def full(self, node: core.Node, guards: Guards) -> Syntax:
        """Gives code for a value that is not empty once all guards hold."""
        match node:
            case core.Arithmetic() if _is_plain(node):
                return self._sum(node, guards) if node.op in "+-" else self._exact(node, guards)
            case core.Arithmetic():
                return self.bind(self._operation(node, guards), guards)
            case core.Negate():
                return syntax.call("negate", self.full(node.operand, guards))
            case _:
                return self.bind(self.value(node), guards)

    def _exact(self, node: core.Arithmetic, guards: Guards) -> Syntax:
        left, right = self.full(node.left, guards), self.full(node.right, guards)
        return syntax.call(NUMBER_FUNCTIONS[node.op], left, right)

    def _sum(self, node: core.Arithmetic, guards: Guards) -> Syntax:
        """Long sums become balanced trees: added and subtracted terms apart."""
        terms = list(_terms(node))
        if len(terms) < LONG_SUM:
            return self._exact(node, guards)
        added = [self.full(term, guards) for sign, term in terms if sign]
        taken = [self.full(term, guards) for sign, term in terms if not sign]
        total = _balance(added)
        return syntax.call("subtract", total, _balance(taken)) if taken else total

    def _operation(self, node: core.Arithmetic, guards: Guards) -> Syntax:
        kinds = node.left.type.kind, node.op, node.right.type.kind
        operation = operations.find_operation(*kinds)
        if operation is None:
            raise not_said(node, f"Python has no {kinds[0]} {node.op} {kinds[2]}")
        left, right = self.full(node.left, guards), self.full(node.right, guards)
        return self.call_kept(operation, left, right, syntax.name("environment"))


def _is_plain(node: core.Arithmetic) -> bool:
    sides = {node.left.type.kind, node.right.type.kind}
    return node.op in NUMBER_FUNCTIONS and sides <= operations.NUMBERS


def _terms(node: core.Node) -> Iterator[tuple[bool, core.Node]]:
    """Gives the terms of a sum of numbers; False stands before those that are taken away."""
    found: list[tuple[bool, core.Node]] = []
    while isinstance(node, core.Arithmetic) and node.op in "+-" and _is_plain(node):
        found.append((node.op == "+", node.right))
        node = node.left
    return chain([(True, node)], reversed(found))


def _balance(terms: list[Syntax]) -> Syntax:
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return syntax.call("add", _balance(terms[:half]), _balance(terms[half:]))
