"""The compiler: one Python function per expression.

Generated code is one expression. A value that may be empty is bound to a variable where it is
first read (`(v1 := record.get("employees")) is not None and v1 > 5`); what is read more than once
is loaded at the start, what is the same for all records of a run is computed once per run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Protocol, cast

from rule_engine import core
from rule_engine.backends.python import syntax
from rule_engine.backends.python.aggregates import build_aggregate
from rule_engine.backends.python.conditions import ConditionEmitter
from rule_engine.backends.python.emitter import Guards, is_fixed
from rule_engine.backends.python.kept import Kept
from rule_engine.backends.python.loading import place_of, repeated
from rule_engine.backends.python.operations import RunConstants
from rule_engine.backends.python.syntax import Syntax
from rule_engine.functions import functions
from rule_engine.types import Environment

Record = Mapping[str, object]

PARAMETERS = ("record", "environment", "old", "outer")
LONG_CASE = 16


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
    return _COMPILED.get(node)


class Compiler(ConditionEmitter):
    """Compiles one node."""

    def __init__(self) -> None:
        super().__init__()
        self.fixed: dict[str, Compiled] = {}
        self.reads_now = False

    def compile(self, node: core.Node) -> Compiled:
        """Gives the function."""
        load = list(self.load([node]))
        return cast("Compiled", self.build([*load, syntax.give(self.value(node))]))

    def build(self, body: Sequence[ast.stmt]) -> FunctionType:
        """Gives the function of `PARAMETERS` that some statements make."""
        whole = [*self._fixed_values(), *body]
        module = syntax.function("evaluate", PARAMETERS, whole)
        code = compile(module, "<rule>", "exec", dont_inherit=True)
        inner = next(part for part in code.co_consts if isinstance(part, CodeType))
        return FunctionType(inner, self.names, "evaluate", (None, None))

    def load(self, nodes: Sequence[core.Node]) -> Iterator[ast.stmt]:
        """Gives the statements that load what these expressions read more than once."""
        found = repeated(nodes)
        for way in found.records:
            record = self.record_after(core.Scope.RECORD, way)
            self.followed[way] = name = self.new_name("record")
            yield syntax.assign(name, record)
        for path in found.fields:
            value = self.read(path)
            name = self.new_name("field")
            self.loaded[place_of(path)] = name
            yield syntax.assign(name, value)
        for path in found.folded:
            guards: Guards = {}
            value = self.guarded(guards, syntax.fold(self.bind(self.path(path), guards)))
            name = self.new_name("folded")
            self.folded[place_of(path)] = name
            yield syntax.assign(name, value)

    def _fixed_values(self) -> Iterator[ast.stmt]:
        """Gives the statements that bring what is the same for all records of a run."""
        if self.reads_now:
            yield syntax.assign("moment", syntax.member(syntax.name("environment"), "now"))
        if not self.fixed:
            return
        self.names["constants"] = RunConstants(tuple(map(_without_record, self.fixed.values())))
        known, environment = syntax.name("known"), syntax.name("environment")
        yield syntax.assign("known", syntax.member(syntax.name("constants"), "known"))
        stale = [
            syntax.differs(syntax.element(known, place), syntax.member(environment, part))
            for place, part in enumerate(("now", "zone"))
        ]
        renew = syntax.assign("known", syntax.call("constants", environment))
        yield syntax.when(syntax.any_of(stale), [renew])
        yield syntax.unpack(["_", "_", *self.fixed], known)

    def value(self, node: core.Node) -> Syntax:
        """Gives code whose value is the node's, None for empty."""
        if is_fixed(node):
            return self._fixed(node)
        return self._open_value(node)

    def _fixed(self, node: core.Node) -> Syntax:
        """Compiles what is the same for all records of a run to a function of its own."""
        inner = Compiler()
        name = self.new_name("fixed")
        self.fixed[name] = cast("Compiled", inner.build([syntax.give(inner._open_value(node))]))
        return syntax.name(name)

    def _open_value(self, node: core.Node) -> Syntax:
        match node:
            case core.Constant():
                return self.keep(node.value)
            case core.Path():
                return self.path(node)
            case core.Parameter(name="today"):
                return syntax.call("today", syntax.name("environment"))
            case core.Parameter(name="now"):
                self.reads_now = True
                return syntax.name("moment")
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


def _without_record(function: Compiled) -> Callable[[Environment], object]:
    return lambda environment: function({}, environment)


def _compile(node: core.Node) -> Compiled:
    if isinstance(node, core.Constant):
        return _always(node.value)
    return Compiler().compile(node)


def _always(value: object) -> Compiled:
    """Gives the function of a constant, which needs no code of its own."""

    def evaluate(
        record: Record,
        environment: Environment,
        old: Record | None = None,
        outer: Record | None = None,
    ) -> object:
        del record, environment, old, outer
        return value

    return evaluate


_COMPILED: Kept[core.Node, Compiled] = Kept(_compile)
