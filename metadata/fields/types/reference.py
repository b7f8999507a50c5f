"""A field that leads to a record of another object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    UTC,
    FieldDefinition,
    FieldType,
    Flaw,
    Parameters,
    Refused,
    Sample,
    Titles,
)
from metadata.fields.inputs import ReferenceField, WireField
from metadata.fields.texts import clean_line
from rule_engine.types import Kind, Type

UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
MAX_KEY_LENGTH: Final = 255


def read_key(wire: object) -> str | None:
    """Gives an id, or the value of a unique field that stands for one; blank is None.

    Raises Refused.
    """
    key = clean_line(wire)
    if key is not None and len(key) > MAX_KEY_LENGTH:
        raise Refused("max_length", limit=MAX_KEY_LENGTH, length=len(key))
    return key.lower() if key and UUID.fullmatch(key) else key


class Reference(FieldType):
    """The id of a record of `to`.

    On input a unique field's value may stand for it: whoever saves looks it up. The value is a
    text; only ids are brought into their usual form.
    """

    name = "reference"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Link to a record", "zh": "关联记录"}
    icon = "link-2"
    group = "relations"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "reference", "to": "account"}},
            (
                ("Acme", "Acme"),
                (
                    {"id": "0197B5C2-0000-7000-8000-000000000001", "name": "Acme"},
                    "0197b5c2-0000-7000-8000-000000000001",
                ),
            ),
            (5, "x" * 256, {"id": "a", "x": 1}),
        ),
    )
    input: ClassVar[type[WireField]] = ReferenceField
    kind = Kind.REFERENCE
    operators = ("=", "!=", "in", "is empty", "is not empty")
    cell = "reference"
    parameters: ClassVar[Parameters] = {
        "to": {
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,39}$",
            "description": "The object whose records it leads to",
            "x-names": "object",
        },
        "reverse": {
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,39}$",
            "description": "The name of the way back, by which rules and layouts of the other "
            "object know these records",
        },
        "on_delete": {
            "enum": ["restrict", "set_null", "cascade"],
            "description": "What deleting the other record does: it is refused, empties the "
            "field, or deletes this record too",
        },
        "filter": {
            "type": "string",
            "minLength": 1,
            "maxLength": 16384,
            "description": "Expression of the rule language on the records that may be chosen; "
            "`this.` is the record that refers to them",
            "x-names": "expression",
            "x-at": "to",
        },
    }

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an id, `{id, name}`, or the value of a unique field."""
        if isinstance(wire, Mapping) and set(wire) <= {"id", "name"}:
            wire = wire.get("id")
        return read_key(wire) if wire is not None else None

    def target(self, field: FieldDefinition) -> str | None:
        """Gives what `to` names."""
        return field.text("to")

    def rule_type(self, field: FieldDefinition) -> Type:
        """Gives the type with the object."""
        return Type(self.kind, target=self.target(field))

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds a missing `to`, and set_null on a required field."""
        if self.target(field) is None:
            yield Flaw("/crm/to", "reference_target_missing")
        if field.required and field.text("on_delete") == "set_null":
            yield Flaw("/crm/on_delete", "required_set_null")


TYPE = Reference()
