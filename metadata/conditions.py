"""Conditions in an object's definition, compiled: when fields are asked for, shown or fixed, when
options are offered, and what a record needs before it leaves an option."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from metadata.exclusions import Exclusion
from metadata.fields.option import OptionDefinition
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.record_types import RECORD_TYPE
from rule_engine.backends.python import compile_node
from rule_engine.core import Aggregate, Node, Path, Scope, children
from rule_engine.errors import Diagnostic, RuleCheckError, RuleSyntaxError
from rule_engine.expression import Expression
from rule_engine.types import Environment, Kind, Schema

REQUIRED: Final = "required_when"
VISIBLE: Final = "visible_when"
READ_ONLY: Final = "read_only_when"
CONDITIONS: Final = (REQUIRED, VISIBLE, READ_ONLY)
Record = Mapping[str, object]
Holds = Callable[[Record, Environment], bool]


@dataclass(frozen=True, slots=True)
class Test:
    """A compiled condition on records; `node` is the same for other back ends."""

    node: Node
    holds: Holds


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A condition of one field; `keyword` is one of CONDITIONS."""

    field: FieldDefinition
    keyword: str
    test: Test


@dataclass(frozen=True, slots=True)
class OptionCondition:
    """When an option of a field is offered."""

    field: FieldDefinition
    option: str
    test: Test


@dataclass(frozen=True, slots=True)
class Exit:
    """What is asked of a record before people move it on from an option of a field."""

    field: FieldDefinition
    option: OptionDefinition
    test: Test | None


@dataclass(frozen=True, slots=True)
class Conditions:
    """All conditions of one object. `exclusions` come each with the test of its `when`, those of
    rules of duplicates by the name of their rule; `limited` are the fields with options that not
    every record may take."""

    fields: tuple[FieldCondition, ...] = ()
    options: tuple[OptionCondition, ...] = ()
    exits: tuple[Exit, ...] = ()
    exclusions: tuple[tuple[Exclusion, Test | None], ...] = ()
    duplicates: Mapping[str, Test] = field(default_factory=dict)
    limited: tuple[FieldDefinition, ...] = ()
    _of_option: Mapping[tuple[str, str], Test] = field(default_factory=dict)

    @property
    def has_any(self) -> bool:
        """Says whether anything on a page depends on a condition."""
        return bool(self.fields or self.options or self.exits)

    def of_option(self, field_name: str, option: str) -> Test | None:
        """Gives when an option is offered; None for always."""
        return self._of_option.get((field_name, option))


def compile_conditions(definition: ObjectDefinition, schema: Schema) -> Conditions:
    """Gives an object's conditions. Raises RuleError for one that does not fit."""
    fields = tuple(
        FieldCondition(field, keyword, compile_test(text, schema, definition.name))
        for field in definition.own_fields
        for keyword in CONDITIONS
        if (text := field.text(keyword)) is not None
    )
    options = tuple(
        OptionCondition(field, option.value, compile_test(text, schema, definition.name))
        for field, option in described_options(definition)
        if (text := offered_when(definition, field, option)) is not None
    )
    exits = tuple(
        Exit(field, option, optional_test(option.exit.when, schema, definition.name))
        for field, option in described_options(definition)
        if option.exit is not None
    )
    exclusions = tuple(
        (exclusion, optional_test(exclusion.when, schema, definition.name))
        for exclusion in definition.exclusions
    )
    duplicates = {
        rule.name: compile_test(rule.when, schema, definition.name)
        for rule in definition.duplicates
        if rule.when is not None
    }
    known = {(one.field.name, one.option): one.test for one in options}
    bound = {name for name, _ in known}
    limited = tuple(
        field
        for field in definition.own_fields
        if field.name in bound or any(option.retired for option in field.options)
    )
    return Conditions(fields, options, exits, exclusions, duplicates, limited, known)


def described_options(
    definition: ObjectDefinition,
) -> Iterator[tuple[FieldDefinition, OptionDefinition]]:
    """Gives all options of an object's fields."""
    return ((field, option) for field in definition.own_fields for option in field.options)


def offered_when(
    definition: ObjectDefinition, field: FieldDefinition, option: OptionDefinition
) -> str | None:
    """Gives the condition under which an option is offered: its own, and to which record types."""
    subsets = {
        one.name: one.options[field.name]
        for one in definition.record_types
        if field.name in one.options
    }
    without = {name for name, values in subsets.items() if option.value not in values}
    terms = [] if option.when is None else [f"({option.when}\n)"]
    if without:
        named = [one.name for one in definition.record_types if one.name not in without]
        some = f" or {RECORD_TYPE} in {json.dumps(named)}" if named else ""
        terms.append(f"({RECORD_TYPE} is empty{some})")
    return " and ".join(terms) or None


def compile_test(text: str, schema: Schema, object_name: str) -> Test:
    """Gives a test of records. Raises RuleError for a text that does not fit the object."""
    return test_of(Expression.parse(text).resolve(schema, object_name, expect=Kind.BOOLEAN))


def test_of(node: Node) -> Test:
    """Gives the test of a checked condition."""
    run = compile_node(node)
    return Test(node, lambda record, environment: run(record, environment, None, None) is True)


def optional_test(text: str | None, schema: Schema, object_name: str) -> Test | None:
    """Gives the test of a text that may be absent."""
    return None if text is None else compile_test(text, schema, object_name)


def hidden_fields(
    conditions: Iterable[FieldCondition], record: Record, environment: Environment
) -> frozenset[str]:
    """Gives the fields that forms and pages of this record do not show."""
    return frozenset(
        condition.field.name
        for condition in conditions
        if condition.keyword == VISIBLE and not condition.test.holds(record, environment)
    )


def demanded_fields(
    conditions: Iterable[FieldCondition], record: Record, environment: Environment
) -> frozenset[str]:
    """Gives the fields that must be filled because of what else the record holds."""
    return frozenset(
        condition.field.name
        for condition in conditions
        if condition.keyword == REQUIRED and condition.test.holds(record, environment)
    )


def fixed_fields(
    conditions: Iterable[FieldCondition],
    record: Record,
    environment: Environment,
    old: Record | None,
) -> frozenset[str]:
    """Gives the fields that people may not change in a save.

    What fixes a field must hold before and after it (`old` None: a new record): closing a record
    and filling in its result is one save, and so is opening it and correcting it.
    """
    return frozenset(
        condition.field.name
        for condition in conditions
        if condition.keyword == READ_ONLY
        and condition.test.holds(record, environment)
        and (old is None or condition.test.holds(old, environment))
    )


def filter_fields(text: str, schema: Schema, object_name: str, this: str) -> tuple[str, ...]:
    """Gives the fields of `this` that a filter on another object's records looks at.

    Raises RuleError for a text that does not fit.
    """
    node = Expression.parse(text).resolve(schema, object_name, expect=Kind.BOOLEAN, this=this)
    return tuple(dict.fromkeys(outer_fields(node)))


def outer_fields(node: Node) -> Iterator[str]:
    """Gives the fields of the record that `this.` means outside of aggregates."""
    if isinstance(node, (Path, Aggregate)) and node.scope is Scope.OUTER:
        yield node.hops[0].field if node.hops else first_field(node)
    if not isinstance(node, Aggregate):
        for child in children(node):
            yield from outer_fields(child)


def first_field(node: Path | Aggregate) -> str:
    """Gives the field that a path without references reads; a link starts from the id."""
    return node.field if isinstance(node, Path) else "id"


def expression_problems(
    text: str, schema: Schema, object_name: str, place: str, this: str | None = None
) -> Iterator[Problem]:
    """Gives what is wrong with a condition at a place; see `Expression.check` for `this`."""
    try:
        Expression.parse(text).resolve(schema, object_name, expect=Kind.BOOLEAN, this=this)
    except (RuleSyntaxError, RuleCheckError) as error:
        yield from (diagnostic_problem(found, place) for found in error.diagnostics)


def diagnostic_problem(found: Diagnostic, place: str) -> Problem:
    """Gives a finding of the rule language as a problem, with line and column."""
    values = {"message": found.said, "hint": found.advice}
    return Problem(place, "expression", values, found.span.line, found.span.column)
