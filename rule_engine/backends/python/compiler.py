"""The compiler: one Python function per expression.

Generated code is one expression. A value that may be empty is bound to a variable where it is
first read (`(v1 := record.get("employees")) is not None and v1 > 5`); fields that are read more
than once are loaded at the start.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Protocol, cast

from rule_engine import core
from rule_engine.backends.python import syntax
from rule_engine.backends.python.aggregates import build_aggregate
from rule_engine.backends.python.conditions import ConditionEmitter
from rule_engine.backends.python.emitter import Guards, is_fixed, without_place
from rule_engine.backends.python.operations import RunConstant
from rule_engine.backends.python.syntax import Syntax
from rule_engine.functions import functions
from rule_engine.types import Environment

Record = Mapping[str, object]

PARAMETERS = ("record", "environment", "old", "outer")
LONG_CASE = 16
CACHE_SIZE = 4096


class Compiled(Protocol):
    """A compiled expression. `old` is the record before, `outer` what `this.` means."""

    def __call__(
        self,
        record: Record,
        environment: Environment,
        old: Record | None = None,
        outer: Record | None = None,
    ) -> object:
        """Gives the value in its Python form, or None for empty."""


def compile_node(node: core.Node) -> Compiled:
    """Gives a function that evaluates a node; the same function for the same node object.

    Raises NotTranslatableError for what Python cannot say.
    """
    return _compile_cached(_Identity(node))


class _Identity:
    """A node as a key: equal only to itself, hashed without walking through it."""

    __slots__ = ("node",)

    def __init__(self, node: core.Node) -> None:
        self.node = node

    def __hash__(self) -> int:
        return id(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.node is self.node


@lru_cache(CACHE_SIZE)
def _compile_cached(key: _Identity) -> Compiled:
    return Compiler().compile(key.node)


class Compiler(ConditionEmitter):
    """Compiles one node."""

    def compile(self, node: core.Node) -> Compiled:
        """Gives the function."""
        load = list(self._load_repeated(node))
        return self.build(self.value(node), load)

    def build(self, value: Syntax, before: list[ast.stmt]) -> Compiled:
        """Gives a function that gives a value after some assignments."""
        module = syntax.function("evaluate", PARAMETERS, [*before, ast.Return(value)])
        code = compile(module, "<rule>", "exec", dont_inherit=True)
        inner = next(part for part in code.co_consts if isinstance(part, CodeType))
        return cast("Compiled", FunctionType(inner, self.names, "evaluate", (None, None)))

    def _load_repeated(self, node: core.Node) -> Iterator[ast.stmt]:
        found = Counter(part for part in _outside_aggregates(node) if isinstance(part, core.Path))
        plain = Counter[core.Path]()
        for path, times in found.items():
            plain[without_place(path)] += times
        for path, times in plain.items():
            if times > 1 and path.scope is core.Scope.RECORD:
                value = self.read(path)
                name = self.new_name("field")
                self.loaded[path] = name
                yield syntax.assign(name, value)

    def value(self, node: core.Node) -> Syntax:
        """Gives code whose value is the node's, None for empty."""
        if is_fixed(node):
            return self._fixed(node)
        return self._open_value(node)

    def _fixed(self, node: core.Node) -> Syntax:
        """Compiles what is the same for all records of a run to a function of its own."""
        inner = Compiler()
        function = inner.build(inner._open_value(node), [])
        compute = RunConstant(lambda environment: function({}, environment))
        return self.call_kept(compute, syntax.name("environment"))

    def _open_value(self, node: core.Node) -> Syntax:
        match node:
            case core.Constant():
                return self.keep(node.value)
            case core.Path():
                return self.path(node)
            case core.Parameter(name="today"):
                return syntax.call("today", syntax.name("environment"))
            case core.Parameter(name="now"):
                return syntax.member(syntax.name("environment"), "now")
            case core.LocalInstant():
                at, environment = self.keep(node.at), syntax.name("environment")
                return syntax.call("local_instant", self.value(node.date), at, environment)
            case core.OptionAttribute():
                attributes = self.keep(dict(node.values))
                return syntax.method(attributes, "get", self.value(node.path))
            case core.Arithmetic() | core.Negate():
                return self.computed(node)
            case core.If():
                branches = self.value(node.then), self.value(node.otherwise)
                return syntax.choose(self.condition(node.condition), *branches)
            case core.Case():
                return self._case(node)
            case core.Call():
                return self._call(node)
            case core.Aggregate():
                return self._aggregate(node)
            case _:
                return self.condition(node)

    def _case(self, node: core.Case) -> Syntax:
        """Nested choices are limited in depth: a block of arms calls the next block."""
        arms, rest = node.arms[:LONG_CASE], node.arms[LONG_CASE:]
        if rest:
            apart = Compiler().compile(replace(node, arms=rest))
            code = self.call_kept(apart, *map(syntax.name, PARAMETERS))
        else:
            code = self.value(node.otherwise)
        for condition, value in reversed(arms):
            code = syntax.choose(self.condition(condition), self.value(value), code)
        return code

    def _call(self, node: core.Call) -> Syntax:
        function = functions()[node.function]
        environment = syntax.name("environment")
        if function.takes_empty:
            return self.call_kept(function.python, environment, *map(self.value, node.arguments))
        guards: Guards = {}
        values = [self.bind(self.value(each), guards) for each in node.arguments]
        return self.guarded(guards, self.call_kept(function.python, environment, *values))

    def _aggregate(self, node: core.Aggregate) -> Syntax:
        argument, where, order = (
            None if part is None else Compiler().compile(part)
            for part in (node.argument, node.where, node.order)
        )
        environment = syntax.name("environment")
        start = [self.record_of(node), syntax.literal(node.link), environment]
        rows = syntax.call(
            "linked", *start, syntax.literal(node.target), syntax.literal(node.field)
        )
        around = [environment, syntax.name("old"), syntax.name("record")]
        return self.call_kept(build_aggregate(node, argument, where, order), rows, *around)


def _outside_aggregates(node: core.Node) -> Iterator[core.Node]:
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if not isinstance(current, core.Aggregate):
            pending.extend(core.children(current))
