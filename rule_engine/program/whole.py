"""The whole program of a schema and its fetch plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any

from rule_engine import core
from rule_engine.errors import Diagnostic, Span
from rule_engine.program.actions import Action
from rule_engine.program.cases import TestCase
from rule_engine.program.definition import Period
from rule_engine.program.judgements import Score, Validation
from rule_engine.program.processes import Approval, ServiceLevel, WorkingCalendar
from rule_engine.program.reads import Reads, reads_of
from rule_engine.program.rules import Assignment, Rule
from rule_engine.types import Calendar, Schema

NO_MEANING = frozenset({"ruleset", "version", "source"})
"""Members of definitions that only say where they stand."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition where it is written, about records of `object`.

    `wanted` is what tests should make of it: true, of what is required false. `text` is what was
    written, `source` names the text.
    """

    object: str
    node: core.Node
    wanted: bool
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class ObjectProgram:
    """All that runs for one object, in running order. `rules` are all, `before_save` among them."""

    before_save: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    validations: tuple[Validation, ...]
    scores: tuple[Score, ...]
    approvals: tuple[Approval, ...]
    assignments: tuple[Assignment, ...]
    service_levels: tuple[ServiceLevel, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Checked rule sets against one schema. `warnings` are findings that stop nobody.

    `periods` are by source: those of texts that say when they apply.
    """

    schema: Schema
    scores: tuple[Score, ...] = ()
    validations: tuple[Validation, ...] = ()
    rules: tuple[Rule, ...] = ()
    approvals: tuple[Approval, ...] = ()
    tests: tuple[TestCase, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    calendars: Mapping[str, WorkingCalendar] = field(default_factory=dict)
    business_time: Mapping[str, Calendar] = field(default_factory=dict, compare=False)
    warnings: tuple[Diagnostic, ...] = ()
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    periods: Mapping[str, Period] = field(default_factory=dict)

    def for_object(self, name: str) -> ObjectProgram:
        """Gives what runs for an object; empty for one without rules."""
        own = [rule for rule in self.rules if rule.object == name]
        rules = sorted(own, key=lambda rule: rule.running_order)
        return ObjectProgram(
            before_save=tuple(rule for rule in rules if _runs_before_save(rule)),
            rules=tuple(rules),
            validations=tuple(v for v in self.validations if v.object == name),
            scores=tuple(s for s in self.scores if s.object == name),
            approvals=tuple(a for a in self.approvals if a.object == name),
            assignments=tuple(a for a in self.assignments if a.object == name),
            service_levels=tuple(s for s in self.service_levels if s.object == name),
        )

    def reads(self, name: str) -> Reads:
        """Gives the fetch plan of an object: the paths and links that its rules look at."""
        definitions = (
            *(*self.scores, *self.validations, *self.rules, *self.approvals),
            *(*self.assignments, *self.service_levels),
        )
        return reads_of(
            node
            for definition in definitions
            if definition.object == name
            for node in outer_nodes(definition)
        )


def _runs_before_save(rule: Rule) -> bool:
    return any(rule.listens_to("before", event) for event in ("create", "update"))


def outer_nodes(definition: object) -> Iterator[core.Node]:
    """Gives the outermost core nodes anywhere inside a definition."""
    return _outermost(definition, core.Node)


def outer_actions(definition: object) -> Iterator[Action]:
    """Gives the outermost actions anywhere inside a definition."""
    return _outermost(definition, Action)


def meaning(value: Any) -> object:
    """Gives what a definition says, wherever it is written and whatever its version: two that do
    the same have equal meanings."""
    if isinstance(value, Span):
        return None
    if isinstance(value, tuple):
        return tuple(map(meaning, value))
    if isinstance(value, Mapping):
        return {key: meaning(item) for key, item in value.items()}
    kind: Any = type(value)
    names = [name for name in _members(kind) if name not in NO_MEANING]
    if not names:
        return value
    return kind.__name__, tuple((name, meaning(getattr(value, name))) for name in names)


def _outermost(value: object, wanted: Any) -> Iterator[Any]:
    if isinstance(value, wanted):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _outermost(item, wanted)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _outermost(item, wanted)
    elif not isinstance(value, Span | core.Node):
        kind: Any = type(value)
        for name in _members(kind):
            yield from _outermost(getattr(value, name), wanted)


@cache
def _members(kind: type[Any]) -> tuple[str, ...]:
    """Gives the members of a dataclass; nothing for other types."""
    return tuple(part.name for part in fields(kind)) if is_dataclass(kind) else ()
