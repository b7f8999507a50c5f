"""The whole program of a schema and its fetch plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal

from rule_engine import core
from rule_engine.errors import Diagnostic, Span
from rule_engine.program.cases import TestCase
from rule_engine.program.judgements import Score, Validation
from rule_engine.program.processes import Approval, ServiceLevel, WorkingCalendar
from rule_engine.program.rules import Assignment, Rule
from rule_engine.types import Schema


@dataclass(frozen=True, slots=True)
class Reads:
    """What the rules of an object look at.

    `paths` are tuples of field names from the object over references; `links` are tuples whose last
    name is a link (the names before it lead there).
    """

    paths: frozenset[tuple[str, ...]]
    links: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ObjectProgram:
    """All that runs for one object, in running order."""

    before_save: tuple[Rule, ...]
    validations: tuple[Validation, ...]
    scores: tuple[Score, ...]
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Checked rule sets against one schema. `warnings` say what this version does not run."""

    schema: Schema
    scores: tuple[Score, ...] = ()
    validations: tuple[Validation, ...] = ()
    rules: tuple[Rule, ...] = ()
    approvals: tuple[Approval, ...] = ()
    tests: tuple[TestCase, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    calendars: Mapping[str, WorkingCalendar] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()

    def for_object(self, name: str) -> ObjectProgram:
        """Gives what runs for an object; empty for one without rules."""
        rules = [r for r in self.rules if r.object == name and r.runs]
        return ObjectProgram(
            before_save=tuple(sorted(rules, key=_running_order)),
            validations=tuple(v for v in self.validations if v.object == name),
            scores=tuple(s for s in self.scores if s.object == name),
            approvals=tuple(a for a in self.approvals if a.object == name),
        )

    def reads(self, name: str) -> Reads:
        """Gives the fetch plan of an object: the paths and links that its rules look at."""
        definitions = (*self.scores, *self.validations, *self.rules, *self.approvals)
        paths: set[tuple[str, ...]] = set()
        links: set[tuple[str, ...]] = set()
        for definition in definitions:
            if definition.object == name:
                for node in _outer_nodes(definition):
                    _note_reads(node, (), paths, links)
        return Reads(frozenset(paths), frozenset(links))


def _running_order(rule: Rule) -> tuple[bool, Decimal, str]:
    return rule.order is None, rule.order or Decimal(0), rule.name


def _outer_nodes(value: object) -> Iterator[core.Node]:
    """Gives the outermost core nodes anywhere inside a definition."""
    if isinstance(value, core.Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _outer_nodes(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _outer_nodes(item)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, Span):
        for part in fields(value):  # type: ignore[arg-type]  # a dataclass, as just seen
            yield from _outer_nodes(getattr(value, part.name))


def _note_reads(
    node: core.Node,
    inside: tuple[str, ...] | None,
    paths: set[tuple[str, ...]],
    links: set[tuple[str, ...]],
) -> None:
    """Notes a node's paths from the object at hand; `inside` is None within an aggregate."""
    match node:
        case core.Path(scope=core.Scope.USER):
            return
        case core.Path(scope=scope):
            if _is_at_hand(scope, inside):
                paths.add((*(hop.field for hop in node.hops), node.field))
            return
        case core.Aggregate(scope=scope):
            if _is_at_hand(scope, inside):
                way = tuple(hop.field for hop in node.hops)
                links.add((*way, node.link))
                paths.update(way[: length + 1] for length in range(len(way)))
            for child in core.children(node):
                _note_reads(child, None, paths, links)
            return
    for child in core.children(node):
        _note_reads(child, inside, paths, links)


def _is_at_hand(scope: core.Scope, inside: tuple[str, ...] | None) -> bool:
    if inside is None:
        return scope in (core.Scope.OUTER, core.Scope.OLD)
    return scope in (core.Scope.RECORD, core.Scope.OLD)
