"""The JSON Schema of an object's records, as one caller may read or write them."""

from __future__ import annotations

from typing import Final

from metadata.access import Access
from metadata.fields.base import ENGLISH, FieldDefinition
from metadata.fields.limits import LIMITS
from metadata.objects import ObjectDefinition

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PLAIN_TYPES: Final = frozenset({"string", "integer", "array"})
"""JSON types whose limits mean on the wire what they mean in a definition."""


def record_schema(
    definition: ObjectDefinition, access: Access, language: str = ENGLISH, *, writing: bool
) -> dict[str, object]:
    """Gives the schema of a record as it is read, or of a body that creates one (`writing`).

    Fields that do not exist for the caller are not in it.
    """
    fields = [
        field
        for field in definition.fields.values()
        if (field.writable and access.edits(field.name) if writing else access.sees(field.name))
    ]
    schema: dict[str, object] = {
        "$schema": DIALECT,
        "$id": f"/schemas/{definition.name}.json",
        "title": definition.label(language),
        "type": "object",
        "properties": {field.name: field_schema(field, language) for field in fields},
        "additionalProperties": False,
    }
    required = [field.name for field in fields if field.required and field.default is None]
    return {**schema, "required": required} if writing and required else schema


def field_schema(field: FieldDefinition, language: str = ENGLISH) -> dict[str, object]:
    """Gives the schema of one field's wire form; empty is null."""
    wire = field.type.json_schema(field)
    limits = field.limits if str(wire.get("type")) in PLAIN_TYPES else {}
    schema = {**wire, **{key: limit for key, limit in limits.items() if key in LIMITS}}
    help_text = field.help.get(language)
    titled = {"title": field.label(language), **({"description": help_text} if help_text else {})}
    return {**titled, **nullable(schema)}


def nullable(schema: dict[str, object]) -> dict[str, object]:
    """Gives a schema that allows null too."""
    kind = schema.get("type")
    if "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if isinstance(kind, str):
        return {**schema, "type": [kind, "null"]}
    if isinstance(kind, list):
        return {**schema, "type": [*kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}
