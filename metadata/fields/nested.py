"""Field types whose values are records of another object: rows of a table, lists of links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    Flaw,
    Parameters,
    Refused,
)
from metadata.json_text import mapping, read_json

MAX_NESTED: Final = 500
"""How many rows or links one record shows and takes at most; `maxItems` may say fewer."""

NAME: Final = "^[a-z][a-z0-9_]{0,39}$"


class NestedType(FieldType):
    """A kind of field without columns: a value is a tuple of mappings, one per record.

    On the way in the mappings are as they were sent; who saves reads each as a record of its
    object. Shown values hold what the reader sees of each record, in Python forms, with its id.
    """

    json_types: ClassVar[tuple[str, ...]] = ("array",)
    parts: ClassVar[tuple[str, ...]] = ()
    keywords = frozenset({"minItems", "maxItems"})
    group: ClassVar[str] = "relations"
    operators: ClassVar[tuple[str, ...]] = ()
    is_brief: ClassVar[bool] = False
    makes_links: ClassVar[bool] = False
    """Whether values stand in a link object of their own instead of in the object of `to`."""
    parameters: ClassVar[Parameters] = {
        "to": {
            "type": "string",
            "pattern": NAME,
            "description": "The object whose records these are",
            "x-names": "object",
        },
        "reverse": {
            "type": "string",
            "pattern": NAME,
            "description": "The name of the way back, by which the other object knows this one",
        },
        "on_delete": {
            "enum": ["restrict", "cascade"],
            "description": "What deleting this record does: it is refused while there are some, "
            "or deletes them too",
        },
    }

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a list; what stands in it is read by who saves."""
        items = self.items(wire)
        limit = limit_of(field)
        if len(items) > limit:
            raise Refused("max_items", limit=limit, length=len(items))
        return tuple(self.item(item) for item in items) or None

    def items(self, wire: object) -> Sequence[object]:
        """Gives the items of what was sent, in a text as JSON. Raises Refused."""
        if isinstance(wire, str):
            wire = read_json(wire, exact=True)[0] if wire.strip() else ()
        if isinstance(wire, (list, tuple)):
            return wire
        raise Refused("list_expected")

    def item(self, wire: object) -> Mapping[str, object]:
        """Gives one item as a mapping. Raises Refused."""
        if isinstance(wire, Mapping):
            return wire
        raise Refused("rows_expected")

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the list; its members are brought into wire form by who knows their object."""
        return [dict(item) for item in rows_of(value)]

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives how many there are."""
        return str(len(rows_of(value)))

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds a missing `to`, and keywords that take a column."""
        if field.text("to") is None:
            yield Flaw("/crm/to", "reference_target_missing")
        for keyword in ("unique", "index", "mask"):
            if field.parameters.get(keyword):
                yield Flaw(f"/crm/{keyword}", "nested_keyword", {"key": keyword})


def nested_type(field: FieldDefinition) -> NestedType | None:
    """Gives a field's type when its values are records of another object."""
    return field.type if isinstance(field.type, NestedType) else None


def limit_of(field: FieldDefinition) -> int:
    """Gives how many rows or links one record has at most."""
    wanted = field.limits.get("maxItems")
    return min(wanted, MAX_NESTED) if isinstance(wanted, int) else MAX_NESTED


def rows_of(value: object) -> tuple[Mapping[str, Any], ...]:
    """Gives the members of a nested value; none for an empty one."""
    return tuple(map(mapping, value)) if isinstance(value, (tuple, list)) else ()
