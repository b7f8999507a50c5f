"""Any number of values out of a list."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import ENGLISH, UTC, FieldDefinition, Parameters
from metadata.fields.inputs import MultiChoiceField
from metadata.fields.types.choice import OPTION, Choice, read_option_value
from rule_engine.columns import Choices
from rule_engine.types import Kind

SEPARATOR = ";"


class MultiChoice(Choice):
    """A set of API values; in CSV they stand in one text, separated by `;`."""

    name = "multi_choice"
    input = MultiChoiceField
    kind = Kind.CHOICES
    json_types = ("array",)
    operators = ("contains", "=", "is empty", "is not empty")
    cell = "choices"
    keywords = frozenset({"minItems", "maxItems", "uniqueItems"})
    parameters: ClassVar[Parameters] = {
        "options": {"type": "object", "additionalProperties": OPTION},
    }

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return Choices()

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a list, or a text with `;`."""
        if isinstance(wire, str):
            wire = wire.split(SEPARATOR)
        items = wire if isinstance(wire, (list, tuple, set, frozenset)) else [wire]
        values = (read_option_value(item, field) for item in items if item is not None)
        return frozenset(value for value in values if value is not None) or None

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives a list in the options' order."""
        return in_order(value, field) if isinstance(value, frozenset) else []

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the labels."""
        chosen = in_order(value, field) if isinstance(value, frozenset) else []
        return SEPARATOR.join(super(MultiChoice, self).to_text(v, field, language) for v in chosen)

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the schema with the options."""
        return {"type": "array", "items": super().json_schema(field), "uniqueItems": True}


def in_order(values: frozenset[str], field: FieldDefinition) -> list[str]:
    """Gives chosen values in the order of the options, unknown ones last."""
    known = [option.value for option in field.options if option.value in values]
    return [*known, *sorted(values.difference(known))]


TYPE = MultiChoice()
