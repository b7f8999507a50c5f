"""A field that links a record with any number of records of another object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from wtforms.fields.core import UnboundField

from metadata.fields.base import (
    FieldDefinition,
    Flaw,
    FormSetting,
    JsonObject,
    Parameters,
    Refused,
    Sample,
)
from metadata.fields.inputs import WireField
from metadata.fields.nested import NestedType, rows_of
from metadata.fields.nested_inputs import LinkRowsField, LinksField
from metadata.fields.types.reference import Reference, read_key
from metadata.json_text import mapping, read_json

SEPARATOR = ";"


class ManyToMany(NestedType):
    """Links with records of `to`, which list them too, as `reverse`.

    Each link is a record of the link object `<object>_<field>`; `link` gives it fields of its own.
    A value is a list of ids (or values of a unique field), with those fields of
    `{"id", …fields of the link}`; in CSV it is one text, separated by `;`, or with such fields the
    list as JSON.
    """

    name = "many_to_many"
    titles: ClassVar = {"en": "Links to many", "zh": "多对多关联"}
    icon = "waypoints"
    cell = "links"
    makes_links = True
    input: ClassVar[type[WireField]] = LinksField
    parameters: ClassVar[Parameters] = {
        **NestedType.parameters,
        "filter": Reference.parameters["filter"],
        "link": {
            "type": "object",
            "description": "Fields that each link has of its own, as `properties` and `required`",
            "additionalProperties": False,
            "required": ["properties"],
            "properties": {
                "properties": {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 50,
                    "description": "The fields of a link, as in an object",
                },
                "required": {
                    "type": "array",
                    "items": {"type": "string"},
                    "uniqueItems": True,
                    "description": "Those of them that must be filled",
                },
            },
        },
    }
    wire_schema: ClassVar[JsonObject] = {
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["id"]}]},
    }
    samples = (
        Sample(
            {"type": "array", "crm": {"field": "many_to_many", "to": "thing"}},
            good=((["a", {"id": "b"}], ["a", "b"]), ("a; b", ["a", "b"])),
            bad=(1, [1], [{"name": "A"}]),
        ),
    )

    def form_field(self, field: FieldDefinition, setting: FormSetting) -> UnboundField[Any]:
        """Gives a list of records, or a table where links have fields of their own."""
        kind = LinkRowsField if link_properties(field) else self.input
        return UnboundField(kind, field, setting)

    def items(self, wire: object) -> Sequence[object]:
        """Gives the items of a list, or of a text with `;` or JSON."""
        if isinstance(wire, str):
            listed = read_json(wire, exact=True)[0] if wire.lstrip().startswith("[") else None
            if isinstance(listed, list):
                return listed
            return [part.strip() for part in wire.split(SEPARATOR) if part.strip()]
        return super().items(wire)

    def item(self, wire: object) -> Mapping[str, object]:
        """Gives a link as `{"id", …}`; `name`, which answers hold, is left out."""
        given = {"id": wire} if isinstance(wire, str) else mapping(wire)
        key = given.get("id")
        if not isinstance(key, str) or not key.strip():
            raise Refused("links_expected")
        others = {name: one for name, one in given.items() if name != "name"}
        return {**others, "id": read_key(key)}

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives ids, or objects where the link has fields of its own."""
        if link_properties(field):
            return [
                {name: one for name, one in item.items() if name != "name"}
                for item in rows_of(value)
            ]
        return [item["id"] for item in rows_of(value)]

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the ids in one text, or as JSON what links with fields of their own hold."""
        if link_properties(field):
            return super().export(value, field)
        return SEPARATOR.join(str(item["id"]) for item in rows_of(value))

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds a missing `to`, and required fields of the link that it does not have."""
        yield from super().flaws(field)
        known = link_properties(field)
        for place, name in enumerate(link_required(field)):
            if name not in known:
                values = {"name": name, "object": field.name, "known": list(known)}
                yield Flaw(f"/crm/link/required/{place}", "unknown_field", values)


def link_properties(field: FieldDefinition) -> Mapping[str, object]:
    """Gives the JSON Schemas of the fields that a link has of its own."""
    return mapping(mapping(field.parameters.get("link")).get("properties"))


def link_required(field: FieldDefinition) -> tuple[str, ...]:
    """Gives the names of the link's fields that must be filled."""
    given = mapping(field.parameters.get("link")).get("required")
    return tuple(map(str, given)) if isinstance(given, list) else ()


TYPE = ManyToMany()
