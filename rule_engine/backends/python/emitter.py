"""What all parts of the compiler build on: names, guards, and fields over references."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from rule_engine import arithmetic, core, dates, text
from rule_engine.backends.python import operations, syntax
from rule_engine.backends.python.syntax import Syntax
from rule_engine.errors import Diagnostic, NotTranslatableError, Span
from rule_engine.types import Kind

SCOPES = {core.Scope.RECORD: "record", core.Scope.OUTER: "outer", core.Scope.OLD: "old"}
NOWHERE = Span(1, 1)

#: Variables to test before a value may be used: name → code that says it is not empty.
Guards = dict[str, Syntax]

RUNTIME: Mapping[str, object] = {
    "add": arithmetic.add,
    "subtract": arithmetic.subtract,
    "multiply": arithmetic.multiply,
    "order_money": arithmetic.order_money,
    "order_calendar": dates.order_calendar,
    "clean": text.clean,
    "fold": text.fold,
    "field_of": operations.field_of,
    "follow": operations.follow,
    "identity": operations.identity,
    "linked": operations.linked,
    "local_instant": operations.local_instant,
    "negate": operations.negate,
    "today": operations.today,
    "__builtins__": {},
}


class Emitter(ABC):
    """Writes the code of one function. What the code names besides its variables is in `names`."""

    def __init__(self) -> None:
        self.names: dict[str, object] = dict(RUNTIME)
        self.loaded: dict[core.Path, str] = {}
        self.count = 0

    @abstractmethod
    def value(self, node: core.Node) -> Syntax:
        """Gives code whose value is the node's, None for empty."""

    @abstractmethod
    def condition(self, node: core.Node) -> Syntax:
        """Gives code whose value is True or False; empty counts as false."""

    @abstractmethod
    def full(self, node: core.Node, guards: Guards) -> Syntax:
        """Gives code for a value that is not empty once all guards hold."""

    def new_name(self, stem: str) -> str:
        """Gives a name that the function does not use yet."""
        self.count += 1
        return f"{stem}{self.count}"

    def keep(self, value: object) -> Syntax:
        """Gives code that reads a constant."""
        if value is None or isinstance(value, bool | str):
            return syntax.literal(value)
        name = self.new_name("constant")
        self.names[name] = value
        return syntax.name(name)

    def bind(self, value: Syntax, guards: Guards) -> Syntax:
        """Gives code for a value that is not empty once all guards hold."""
        if isinstance(value, ast.Constant) and value.value is not None:
            return value
        if isinstance(value, ast.Name):
            if not value.id.startswith("constant"):
                guards.setdefault(value.id, syntax.is_full(value))
            return value
        name = self.new_name("value")
        guards[name] = syntax.is_full(syntax.walrus(name, value))
        return syntax.name(name)

    def guarded(self, guards: Guards, value: Syntax) -> Syntax:
        """Gives code for a value, None unless all guards hold."""
        if not guards:
            return value
        return syntax.choose(syntax.all_of(list(guards.values())), value, syntax.literal(None))

    def tested(self, guards: Guards, test: Syntax) -> Syntax:
        """Gives code for a test, false unless all guards hold."""
        return syntax.all_of([*guards.values(), test])

    def call_kept(self, function: object, *arguments: Syntax) -> Syntax:
        """Gives code that calls a function of ours."""
        name = self.new_name("function")
        self.names[name] = function
        return syntax.call(name, *arguments)

    def path(self, path: core.Path) -> Syntax:
        """Gives code for a field, loaded before or here."""
        name = self.loaded.get(without_place(path))
        return syntax.name(name) if name else self.read(path)

    def read(self, path: core.Path) -> Syntax:
        """Gives code that loads a field."""
        if path.hops:
            value = syntax.call("field_of", self.record_of(path), syntax.literal(path.field))
        else:
            value = self._field(path.scope, path.field)
        is_reference = path.type.kind is Kind.REFERENCE and path.field != "id"
        return syntax.call("identity", value) if is_reference else value

    def _field(self, scope: core.Scope, field: str) -> Syntax:
        """Gives code for a field of the record a scope means."""
        if scope is core.Scope.RECORD:
            return syntax.method(syntax.name("record"), "get", syntax.literal(field))
        return syntax.call("field_of", self._start(scope), syntax.literal(field))

    def _start(self, scope: core.Scope) -> Syntax:
        if scope is core.Scope.USER:
            return syntax.member(syntax.name("environment"), "user")
        return syntax.name(SCOPES[scope])

    def record_of(self, path: core.Path | core.Aggregate) -> Syntax:
        """Gives code for the record at the end of the hops, or None."""
        if not path.hops:
            return self._start(path.scope)
        record: Syntax | None = None
        for hop in path.hops:
            field = syntax.literal(hop.field)
            reference = (
                self._field(path.scope, hop.field)
                if record is None
                else syntax.call("field_of", record, field)
            )
            environment, target = syntax.name("environment"), syntax.literal(hop.target)
            record = syntax.call("follow", reference, environment, target)
        return cast("Syntax", record)


def without_place(path: core.Path) -> core.Path:
    """Gives the same path for all places where it is written."""
    return replace(path, span=NOWHERE, nullable=True)


def not_said(node: core.Node, message: str) -> NotTranslatableError:
    """Gives the error for what Python cannot say."""
    return NotTranslatableError(Diagnostic(message, node.span, "not_in_python"))


#: Nodes that know only the moment and the zone, when all their parts do.
FIXED = (core.Constant, core.Parameter, core.LocalInstant, core.Arithmetic, core.Negate)


def is_fixed(node: core.Node) -> bool:
    """Says whether a node is no constant but has one value for all records of a run."""
    if isinstance(node, core.Constant) or node.type.kind is Kind.MONEY:
        return False
    if isinstance(node, core.Parameter):
        return node.name == "today"
    return all(
        isinstance(part, FIXED) and part.type.kind is not Kind.MONEY for part in core.walk(node)
    )
