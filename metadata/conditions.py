"""Conditions in a field's definition: required, visible and read-only when an expression holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rule_engine.check import Expression

from metadata.catalog import Catalog
from metadata.coerce import missing_value
from metadata.json_text import pointer
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from rule_engine.backends.python import compile_node
from rule_engine.errors import Diagnostic, RuleCheckError, RuleSyntaxError
from rule_engine.types import Environment, Kind, Schema

CONDITIONS: Final = ("required_when", "visible_when", "read_only_when")
Record = Mapping[str, object]
Holds = Callable[[Record, Environment], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition of one field."""

    field: FieldDefinition
    keyword: str
    holds: Holds


def compile_condition(text: str, schema: Schema, object_name: str) -> Holds:
    """Gives a test of records. Raises RuleError for a text that does not fit the object."""
    node = Expression.parse(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
    run = compile_node(node)
    return lambda record, environment: run(record, environment, None, None) is True


def conditions_of(
    catalog: Catalog, definition: ObjectDefinition, keyword: str
) -> Iterator[Condition]:
    """Gives the conditions of one keyword, compiled."""
    for field in definition.own_fields:
        text = field.text(keyword)
        if text is not None:
            yield Condition(
                field, keyword, compile_condition(text, catalog.schema, definition.name)
            )


def conditional_problems(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Record,
    environment: Environment,
    old: Record | None = None,
) -> Iterator[Problem]:
    """Gives what `required_when` finds missing in a record, and what was changed although
    `read_only_when` held in `old`, the record before (None for a new one)."""
    for condition in conditions_of(catalog, definition, "required_when"):
        field = condition.field
        empty = record.get(field.name) is None and not field.required
        if empty and condition.holds(record, environment):
            yield missing_value(field)
    if old is None:
        return
    for condition in conditions_of(catalog, definition, "read_only_when"):
        name = condition.field.name
        if old.get(name) != record.get(name) and condition.holds(old, environment):
            yield Problem(pointer([name]), "read_only", {"field": name})


def visible_fields(
    catalog: Catalog, definition: ObjectDefinition, record: Record, environment: Environment
) -> frozenset[str]:
    """Gives the fields that a form of this record shows."""
    hidden = {
        condition.field.name
        for condition in conditions_of(catalog, definition, "visible_when")
        if not condition.holds(record, environment)
    }
    return frozenset(field.name for field in definition.own_fields) - hidden


def expression_problems(
    text: str, schema: Schema, object_name: str, place: str
) -> Iterator[Problem]:
    """Gives what is wrong with a condition, at a JSON Pointer."""
    try:
        Expression.parse(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
    except (RuleSyntaxError, RuleCheckError) as error:
        yield from (diagnostic_problem(found, place) for found in error.diagnostics)


def diagnostic_problem(found: Diagnostic, place: str) -> Problem:
    """Gives a finding of the rule language as a problem, with line and column."""
    values = {"message": found.message, "hint": found.hint or None}
    return Problem(place, "expression", values, found.span.line, found.span.column)


def condition_problems(definition: ObjectDefinition, schema: Schema) -> Iterator[Problem]:
    """Gives what is wrong with the conditions of an object's fields."""
    for field in definition.own_fields:
        for keyword in CONDITIONS:
            text = field.text(keyword)
            if text is not None:
                place = pointer(("properties", field.name, "crm", keyword))
                yield from expression_problems(text, schema, definition.name, place)
