"""Any number of values out of a list."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import ENGLISH, UTC, FieldDefinition, Parameters, Sample, Titles
from metadata.fields.inputs import MultiChoiceField
from metadata.fields.texts import SEPARATOR, split_list
from metadata.fields.types.choice import (
    OPTION,
    OPTIONS,
    REPLACED_OPTIONS,
    Choice,
    named_option,
    read_option_value,
)
from rule_engine.columns import Choices
from rule_engine.types import Kind


class MultiChoice(Choice):
    """A set of API values; in CSV they stand in one text, separated by `;`."""

    name = "multi_choice"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Several choices", "zh": "多选"}
    icon = "list-checks"
    group = "choices"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "array", "items": {"enum": ["a", "b", "c"]}},
            ((["c", "a"], ["a", "c"]), ("b;a", ["a", "b"])),
            (["a", "x"], "a,b", 5),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"choice", "tags", "text", "long_text"})
    input = MultiChoiceField
    kind = Kind.CHOICES
    json_types = ("array",)
    operators = ("contains", "=", "is empty", "is not empty")
    cell = "choices"
    keywords = frozenset({"minItems", "maxItems", "uniqueItems"})
    parameters: ClassVar[Parameters] = {
        "options": {
            "type": "object",
            "description": OPTIONS,
            "additionalProperties": OPTION,
        },
        "replaced_options": REPLACED_OPTIONS,
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

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads API values or labels between `;`, commas or line feeds."""
        return self.coerce([named_option(part, field) for part in split_list(text)], field, zone)

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the API values with `;` between them."""
        return SEPARATOR.join(in_order(value, field)) if isinstance(value, frozenset) else ""

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
