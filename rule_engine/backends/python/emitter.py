"""What all parts of the compiler build on: names, guards, and fields over references."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import cast
from unicodedata import normalize

from rule_engine import arithmetic, core, dates, text
from rule_engine.backends.python import operations, syntax
from rule_engine.backends.python.loading import Place, place_of
from rule_engine.backends.python.syntax import Syntax
from rule_engine.errors import NotTranslatableError, finding
from rule_engine.types import Kind

SCOPES = {core.Scope.RECORD: "record", core.Scope.OUTER: "outer", core.Scope.OLD: "old"}

#: What the names of variables begin with that always hold something.
NEVER_EMPTY = ("constant", "moment")

#: Variables to test before a value may be used: name → code that says it is not empty.
Guards = dict[str, Syntax]

RUNTIME: Mapping[str, object] = {
    "add": arithmetic.add,
    "subtract": arithmetic.subtract,
    "multiply": arithmetic.multiply,
    "order_money": arithmetic.order_money,
    "order_calendar": dates.order_calendar,
    "clean": text.clean,
    "field_of": operations.field_of,
    "follow": operations.follow,
    "identity": operations.identity,
    "linked": operations.linked,
    "local_instant": operations.local_instant,
    "negate": operations.negate,
    "normalize": normalize,
    "today": operations.today,
    "__builtins__": {},
}


class Emitter(ABC):
    """Writes the code of one function. What the code names besides its variables is in `names`."""

    def __init__(self) -> None:
        self.names: dict[str, object] = dict(RUNTIME)
        self.loaded: dict[Place, str] = {}
        self.folded: dict[Place, str] = {}
        self.followed: dict[tuple[core.Hop, ...], str] = {}
        self.full_names: frozenset[str] = frozenset()
        self.last_tested: Guards = {}
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
            if not value.id.startswith(NEVER_EMPTY) and value.id not in self.full_names:
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
        self.last_tested = guards
        return syntax.all_of([*guards.values(), test])

    def call_kept(self, function: object, *arguments: Syntax) -> Syntax:
        """Gives code that calls a function of ours."""
        name = self.new_name("function")
        self.names[name] = function
        return syntax.call(name, *arguments)

    def path(self, path: core.Path) -> Syntax:
        """Gives code for a field, loaded before or here."""
        name = self.loaded.get(place_of(path))
        return syntax.name(name) if name else self.read(path)

    def read(self, path: core.Path) -> Syntax:
        """Gives code that loads a field."""
        if path.hops:
            value = syntax.call("field_of", self.record_of(path), syntax.literal(path.field))
        else:
            value = self._field(path.scope, path.field)
        return syntax.call("identity", value) if place_of(path).is_identity else value

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
        return self.record_after(path.scope, path.hops)

    def record_after(self, scope: core.Scope, hops: tuple[core.Hop, ...]) -> Syntax:
        """Gives code for the record that hops lead to from the one a scope means, or None."""
        if not hops:
            return self._start(scope)
        record: Syntax | None = None
        for length, hop in enumerate(hops, start=1):
            known = self.followed.get(hops[:length])
            if known and scope is core.Scope.RECORD:
                record = syntax.name(known)
                continue
            field = syntax.literal(hop.field)
            reference = (
                self._field(scope, hop.field)
                if record is None
                else syntax.call("field_of", record, field)
            )
            environment, target = syntax.name("environment"), syntax.literal(hop.target)
            record = syntax.call("follow", reference, environment, target)
        return cast("Syntax", record)


def not_said(node: core.Node, template: str, /, **values: object) -> NotTranslatableError:
    """Gives the error for what Python cannot say; the values fill the constant text."""
    return NotTranslatableError(finding("not_in_python", template, node.span, "", **values))


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
