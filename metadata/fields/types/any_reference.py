"""A field that leads to a record of one of several objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    Flaw,
    JsonObject,
    Parameters,
    Refused,
    Sample,
)
from metadata.fields.inputs import WireField
from metadata.fields.nested_inputs import AnyReferenceField
from metadata.fields.types.reference import MAX_KEY_LENGTH, UUID, Reference
from metadata.json_text import nearest, sequence
from rule_engine.types import Kind, Type

SEPARATOR = ":"


class RecordId(str):
    """The id of a record, with the object it is of, and its name where the reader may know it."""

    __slots__ = ("name", "object")

    object: str
    name: str | None

    def __new__(cls, record_id: str, object_name: str, name: str | None = None) -> RecordId:
        """Gives an id of an object's record."""
        made = super().__new__(cls, record_id)
        made.object, made.name = object_name, name
        return made


class AnyReference(FieldType):
    """The id of a record of one of the objects `to`, with the name of its object.

    On the wire `{"object", "id", "name"}`; on input also the text `object:id`, where a unique
    field's value may stand for the id.
    """

    name = "any_reference"
    titles: ClassVar = {"en": "Link to one of several objects", "zh": "多对象关联"}
    icon = "shapes"
    group = "relations"
    json_types: ClassVar[tuple[str, ...]] = ("object", "string")
    parts = ("", "object")
    input: ClassVar[type[WireField]] = AnyReferenceField
    kind = Kind.REFERENCE
    operators = ("is empty", "is not empty")
    cell = "any_reference"
    parameters: ClassVar[Parameters] = {
        **{key: schema for key, schema in Reference.parameters.items() if key != "filter"},
        "to": {
            "type": "array",
            "description": "The objects whose records it leads to",
            "items": Reference.parameters["to"],
            "minItems": 1,
            "maxItems": 20,
            "uniqueItems": True,
        },
    }
    wire_schema: ClassVar[JsonObject] = {
        "type": "object",
        "required": ["object", "id"],
        "properties": {
            "object": {"type": "string"},
            "id": {"type": "string"},
            "name": {"type": ["string", "null"]},
        },
    }
    samples = (
        Sample(
            {"type": "object", "crm": {"field": "any_reference", "to": ["thing", "other"]}},
            good=(
                ({"object": "thing", "id": "a1"}, {"object": "thing", "id": "a1", "name": None}),
                ("other:b1", {"object": "other", "id": "b1", "name": None}),
            ),
            bad=("a1", {"id": "a1"}, {"object": "nothing", "id": "a1"}, 7),
        ),
    )

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the id and its object."""
        if not isinstance(value, RecordId):
            return {"": None, "object": None}
        return {"": str(value), "object": value.object}

    def from_parts(self, parts: Mapping[str, Any], field: FieldDefinition) -> object:
        """Gives the id with its object."""
        found = parts[""]
        return None if found is None else RecordId(found, parts["object"] or "")

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the type of the id's column."""
        return sa.Text()

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads `{"object", "id"}` or `object:id`."""
        if isinstance(wire, RecordId):
            return wire
        if isinstance(wire, str):
            if not wire.strip():
                return None
            named, _, key = wire.partition(SEPARATOR)
            wire = {"object": named.strip(), "id": key.strip()}
        if not isinstance(wire, Mapping) or not set(wire) <= {"object", "id", "name"}:
            raise Refused("any_reference", known=list(self.targets(field)))
        object_name, given = wire.get("object"), wire.get("id")
        if not isinstance(object_name, str) or not isinstance(given, str) or not given.strip():
            raise Refused("any_reference", known=list(self.targets(field)))
        return self.known(object_name, given.strip(), field)

    def known(self, object_name: str, key: str, field: FieldDefinition) -> RecordId:
        """Gives an id of one of the objects. Raises Refused for others and for a key too long."""
        known = list(self.targets(field))
        if object_name not in known:
            hint = nearest(object_name, known)
            raise Refused("not_known", value=object_name, nearest=hint, known=known)
        if len(key) > MAX_KEY_LENGTH:
            raise Refused("max_length", limit=MAX_KEY_LENGTH, length=len(key))
        return RecordId(key.lower() if UUID.fullmatch(key) else key, object_name)

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives object, id, and the name as far as it is known."""
        if not isinstance(value, RecordId):
            return value
        return {"object": value.object, "id": str(value), "name": value.name}

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives `object:id`."""
        return f"{value.object}:{value}" if isinstance(value, RecordId) else str(value)

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives `object:id`."""
        return self.to_text(value, field)

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the record's name; its id where the name is not known."""
        return value.name or str(value) if isinstance(value, RecordId) else str(value)

    def targets(self, field: FieldDefinition) -> tuple[str, ...]:
        """Gives what `to` lists."""
        return tuple(str(name) for name in sequence(field.parameters.get("to")))

    def target_of(self, value: object, field: FieldDefinition) -> str:
        """Gives the object that stands in the value."""
        return value.object if isinstance(value, RecordId) else ""

    def pointing_at(self, target: str, record_id: str, field: FieldDefinition) -> object:
        """Gives the id with its object."""
        return RecordId(record_id, target)

    def rule_type(self, field: FieldDefinition) -> Type:
        """Gives a reference of which the object is not known."""
        return Type(self.kind)

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds a missing `to`, and set_null on a required field."""
        if not self.targets(field):
            yield Flaw("/crm/to", "reference_target_missing")
        if field.required and field.text("on_delete") == "set_null":
            yield Flaw("/crm/on_delete", "required_set_null")


TYPE = AnyReference()
