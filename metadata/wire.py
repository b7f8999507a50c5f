"""From records to JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from metadata.objects import FieldDefinition, ObjectDefinition


def to_wire(
    definition: ObjectDefinition,
    record: Mapping[str, object],
    fields: Iterable[str] | None = None,
    *,
    objects: Mapping[str, ObjectDefinition] | None = None,
) -> dict[str, object]:
    """Gives a record's JSON form, field by field in the order asked for.

    Paths over references (`account.name`) need the `objects` they lead through.
    """
    wire: dict[str, object] = {}
    for path in record if fields is None else fields:
        value = record[path]
        field = find_field(definition, path, objects or {})
        wire[path] = None if value is None else field.type.to_wire(value, field)
    return wire


def find_field(
    definition: ObjectDefinition, path: str, objects: Mapping[str, ObjectDefinition]
) -> FieldDefinition:
    """Gives the field at the end of a path that was checked before. Raises KeyError otherwise."""
    head, dot, rest = path.partition(".")
    field = definition.fields[head]
    return find_field(objects[str(field.target)], rest, objects) if dot else field


def encode(content: object) -> bytes:
    """Gives JSON text. Whatever is not JSON yet raises TypeError: `to_wire` comes first."""
    return msgspec.json.encode(content, enc_hook=refuse)


def refuse(value: object) -> object:
    """Raises TypeError for a value without a JSON form."""
    raise TypeError(f"no JSON form for {type(value).__name__}")
