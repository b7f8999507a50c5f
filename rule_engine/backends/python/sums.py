"""Arithmetic: plain numbers inline, all other kinds by the functions of `operations`."""

from __future__ import annotations

from rule_engine import core
from rule_engine.backends.chains import balance, is_plain, split_sum
from rule_engine.backends.python import operations, syntax
from rule_engine.backends.python.emitter import Emitter, Guards, is_fixed, not_said
from rule_engine.backends.python.syntax import Syntax
from rule_engine.check.words import kind_name

NUMBER_FUNCTIONS = {"+": "add", "-": "subtract", "*": "multiply"}
LONG_SUM = 16


class ArithmeticEmitter(Emitter):
    """Writes sums, products and the like. Operands that may be empty become guards."""

    def computed(self, node: core.Node) -> Syntax:
        """Gives code for an arithmetic node, None for empty."""
        guards: Guards = {}
        return self.guarded(guards, self._open_full(node, guards))

    def full(self, node: core.Node, guards: Guards) -> Syntax:
        """Gives code for a value that is not empty once all guards hold."""
        if is_fixed(node):
            return self.bind(self.value(node), guards)
        return self._open_full(node, guards)

    def _open_full(self, node: core.Node, guards: Guards) -> Syntax:
        match node:
            case core.Arithmetic() if is_plain(node) and node.op in NUMBER_FUNCTIONS:
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
        added, taken = split_sum(node)
        if len(added) + len(taken) < LONG_SUM:
            return self._exact(node, guards)
        total = self._total(added, guards)
        return syntax.call("subtract", total, self._total(taken, guards)) if taken else total

    def _total(self, terms: list[core.Node], guards: Guards) -> Syntax:
        codes = [self.full(term, guards) for term in terms]
        return balance(codes, lambda left, right: syntax.call("add", left, right))

    def _operation(self, node: core.Arithmetic, guards: Guards) -> Syntax:
        kinds = node.left.type.kind, node.op, node.right.type.kind
        operation = operations.find_operation(*kinds)
        if operation is None:
            left_kind, right_kind = kind_name(node.left.type.kind), kind_name(node.right.type.kind)
            raise not_said(
                node,
                "Python has no {left} {op} {right}",
                left=left_kind,
                op=node.op,
                right=right_kind,
            )
        left, right = self.full(node.left, guards), self.full(node.right, guards)
        return self.call_kept(operation, left, right, syntax.name("environment"))
