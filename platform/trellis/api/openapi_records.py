"""The schemas of one object's records in OpenAPI, as one caller may read and write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from metadata.access import Access, Principal
from metadata.catalog import Catalog
from metadata.fields.base import FieldDefinition
from metadata.objects import ObjectDefinition
from metadata.published import field_schema, nullable
from rule_engine.types import Kind
from trellis.api.components import TEXT_OR_NULL, many
from trellis.api.operations import Schema, component, listed

PATHS: Final = "^[a-z0-9_]+([.][a-z0-9_]+)+$"
"""What `fields` may ask for beyond the object's own: values over references."""
COUNTED: Final[Mapping[str, Schema]] = {
    "count": {"type": ["integer", "null"]},
    "count_is": {"enum": ["exact", "capped", "estimate", None]},
}
EXAMPLES: Final[Mapping[Kind, object]] = {
    Kind.NUMBER: "1",
    Kind.PERCENT: "0.15",
    Kind.MONEY: {"amount": "12.50", "currency": "CNY"},
    Kind.BOOLEAN: True,
    Kind.DATE: "2026-03-01",
    Kind.INSTANT: "2026-03-01T08:00:00Z",
    Kind.TIME: "09:30",
    Kind.CLOCK_LENGTH: "PT8H",
}


def object_schemas(
    catalog: Catalog, definition: ObjectDefinition, principal: Principal, language: str
) -> dict[str, Schema]:
    """Gives the schemas of an object by their names: of a record, a page, and of bodies."""
    access, name = principal.access(definition.name), definition.name
    shown = {
        field.name: shown_schema(field, access, language)
        for field in definition.fields.values()
        if access.sees(field.name)
    }
    found: dict[str, Schema] = {
        f"{name}.record": {
            "title": definition.label(language),
            "type": "object",
            "properties": {**shown, "id": {"type": "string"}, "version": {"type": "integer"}},
            "required": ["id", "version"],
            "patternProperties": {PATHS: {}},
            "additionalProperties": False,
        },
        f"{name}.page": listed(component(f"{name}.record"), COUNTED),
    }
    if access.create or access.may("update"):
        found |= body_schemas(definition, access, language)
    return found


def body_schemas(
    definition: ObjectDefinition, access: Access, language: str
) -> Iterator[tuple[str, Schema]]:
    """Gives the schemas of bodies that change a record and that create one."""
    fields = [one for one in definition.fields.values() if one.writable and access.edits(one.name)]
    title = definition.label(language)
    required = [one.name for one in fields if one.required and one.default is None]
    example = {one.name: made for one in fields[:8] if (made := example_of(one)) is not None}
    whole = all(name in example for name in required)
    yield (
        f"{definition.name}.change",
        {
            "title": title,
            "type": "object",
            "properties": {one.name: titled(one, language) for one in fields},
            "additionalProperties": False,
        },
    )
    yield (
        f"{definition.name}.create",
        {
            "title": title,
            "allOf": [component(f"{definition.name}.change")],
            **({"required": required} if required else {}),
            **({"examples": [example]} if whole else {}),
        },
    )


def shown_schema(field: FieldDefinition, access: Access, language: str) -> Schema:
    """Gives the schema of a value that is read: without limits, which stored ones may break."""
    read_only = {} if field.writable and access.edits(field.name) else {"readOnly": True}
    title = {"title": field.label(language)}
    if not access.reads(field.name):
        return {**title, **TEXT_OR_NULL, **read_only}
    if field.target is not None and not field.nested:
        return {**title, "anyOf": [TEXT_OR_NULL, component("Reference")], **read_only}
    if field.nested:
        return {**title, **many({"anyOf": [{"type": "string"}, {"type": "object"}]}), **read_only}
    schema = options_schema(field, language) or nullable(dict(field.type.json_schema(field)))
    return {**title, **schema, **read_only}


def titled(field: FieldDefinition, language: str) -> Schema:
    """Gives the schema of a value that is written."""
    found = field_schema(field, language)
    options = options_schema(field, language)
    return found if options is None else {"title": field.label(language), **options}


def options_schema(field: FieldDefinition, language: str) -> Schema | None:
    """Gives the options of a choice with what they are called; None for other fields."""
    kind = field.type.rule_type(field).kind
    if not field.options or kind not in (Kind.CHOICE, Kind.CHOICES):
        return None
    titles = {option.value: option.labels.get(language, option.value) for option in field.options}
    each: Schema = {"type": "string", "enum": list(titles), "x-enum-titles": titles}
    if kind is Kind.CHOICES:
        return {"type": ["array", "null"], "items": each, "uniqueItems": True}
    return {**each, "type": ["string", "null"], "enum": [*titles, None]}


def example_of(field: FieldDefinition) -> object:
    """Gives a value that the field takes, when one can be told without looking at records."""
    if field.target is not None or field.nested:
        return None
    offered = [option.value for option in field.options if not option.retired]
    kind = field.type.rule_type(field).kind
    if offered:
        return offered[0] if kind is Kind.CHOICE else [offered[0]]
    names = {"email": "li.na@example.com", "phone": "+8613800138000", "integer": 1, "text": "Acme"}
    wanted = names.get(field.type.name, EXAMPLES.get(kind))
    return wanted if wanted is not None and fits(field, wanted) else None


def fits(field: FieldDefinition, wire: object) -> bool:
    """Says whether a field takes a value."""
    try:
        value = field.type.coerce(wire, field)
        for check in field.checks:
            check(value)
    except ValueError:
        return False
    return value is not None


def unique_fields(definition: ObjectDefinition, access: Access) -> list[str]:
    """Gives the fields by which the caller may name one record."""
    fields = definition.fields.values()
    return [one.name for one in fields if one.unique and access.reads(one.name)]
