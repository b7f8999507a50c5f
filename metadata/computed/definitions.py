"""Reading computed fields: from a definition's text to a checked expression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from metadata.fields.base import FieldDefinition
from metadata.fields.read import COMPUTED
from metadata.objects import ObjectDefinition
from rule_engine import core
from rule_engine.errors import RuleError
from rule_engine.expression import Expression
from rule_engine.types import Schema

Key = tuple[str, str]
"""Object and field."""

ROLLUP = "rollup"
THROUGH = "through"


@dataclass(frozen=True, slots=True)
class Computed:
    """A computed field with its checked expression, in the form that the field keeps."""

    object: str
    field: FieldDefinition
    keyword: str
    node: core.Node

    @property
    def key(self) -> Key:
        """Gives object and field."""
        return self.object, self.field.name

    @property
    def as_user(self) -> bool:
        """Says whether everybody gets the value of what he may see himself."""
        return is_as_user(self.field)


def is_as_user(field: FieldDefinition) -> bool:
    """Says whether a roll-up counts with the rights of who looks at it."""
    return field.text("as") == "user"


def keyword_of(field: FieldDefinition) -> str:
    """Gives which of the keywords makes a field computed."""
    return next(name for name in COMPUTED if name in field.parameters)


def computed_fields(
    objects: Mapping[str, ObjectDefinition],
) -> Iterator[tuple[ObjectDefinition, FieldDefinition]]:
    """Gives the computed fields in use."""
    return (
        (definition, field)
        for definition in objects.values()
        for field in definition.own_fields
        if field.computed
    )


@lru_cache(maxsize=4_096)
def parse_text(text: str) -> Expression:
    """Gives a parsed expression, once per text and process. Raises RuleSyntaxError."""
    return Expression.parse(text)


def resolve_field(field: FieldDefinition, object_name: str, schema: Schema) -> core.Node:
    """Gives the checked expression of a computed field.

    Raises RuleError with all that does not fit the schema or the field.
    """
    text = field.text(keyword_of(field)) or ""
    return parse_text(text).resolve_into(schema, object_name, field.name)


def read_computed(objects: Mapping[str, ObjectDefinition], schema: Schema) -> dict[Key, Computed]:
    """Gives the computed fields that can be resolved; checks tell of the others."""
    found: dict[Key, Computed] = {}
    for definition, field in computed_fields(objects):
        try:
            node = resolve_field(field, definition.name, schema)
        except RuleError:
            continue
        found[definition.name, field.name] = Computed(
            definition.name, field, keyword_of(field), node
        )
    return found
