"""Conditions in a field's definition: required, visible and read-only when an expression holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from metadata.coerce import missing_value
from metadata.json_text import pointer
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from rule_engine.backends.python import compile_node
from rule_engine.errors import Diagnostic, RuleCheckError, RuleSyntaxError
from rule_engine.expression import Expression
from rule_engine.types import Environment, Kind, Schema

CONDITIONS: Final = ("required_when", "visible_when", "read_only_when")
Record = Mapping[str, object]
Holds = Callable[[Record, Environment], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition of one field; `keyword` is one of CONDITIONS."""

    field: FieldDefinition
    keyword: str
    holds: Holds


def compile_conditions(definition: ObjectDefinition, schema: Schema) -> tuple[Condition, ...]:
    """Gives the conditions of an object's fields. Raises RuleError for one that does not fit."""
    return tuple(
        Condition(field, keyword, compile_condition(text, schema, definition.name))
        for field in definition.own_fields
        for keyword in CONDITIONS
        if (text := field.text(keyword)) is not None
    )


def compile_condition(text: str, schema: Schema, object_name: str) -> Holds:
    """Gives a test of records. Raises RuleError for a text that does not fit the object."""
    node = Expression.parse(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
    run = compile_node(node)
    return lambda record, environment: run(record, environment, None, None) is True


def conditional_problems(
    conditions: Iterable[Condition],
    record: Record,
    environment: Environment,
    old: Record | None = None,
) -> Iterator[Problem]:
    """Gives what `required_when` finds missing in a record, and what was changed although
    `read_only_when` held in `old`, the record before (None for a new one)."""
    for condition in conditions:
        field = condition.field
        if condition.keyword == "required_when":
            empty = record.get(field.name) is None and not field.required
            if empty and condition.holds(record, environment):
                yield missing_value(field)
        elif condition.keyword == "read_only_when" and old is not None:
            changed = old.get(field.name) != record.get(field.name)
            if changed and condition.holds(old, environment):
                yield Problem(pointer([field.name]), "read_only", {"field": field.name})


def hidden_fields(
    conditions: Iterable[Condition], record: Record, environment: Environment
) -> frozenset[str]:
    """Gives the fields that a form of this record does not show."""
    return frozenset(
        condition.field.name
        for condition in conditions
        if condition.keyword == "visible_when" and not condition.holds(record, environment)
    )


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
    values = {"message": found.said, "hint": found.advice}
    return Problem(place, "expression", values, found.span.line, found.span.column)


def condition_problems(definition: ObjectDefinition, schema: Schema) -> Iterator[Problem]:
    """Gives what is wrong with the conditions of an object's fields."""
    for field in definition.own_fields:
        for keyword in CONDITIONS:
            text = field.text(keyword)
            if text is not None:
                place = pointer(("properties", field.name, "crm", keyword))
                yield from expression_problems(text, schema, definition.name, place)
