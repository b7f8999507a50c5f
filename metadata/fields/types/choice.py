"""One value out of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    Parameters,
    Refused,
    choose_label,
)
from metadata.fields.inputs import ChoiceField, WireField
from metadata.fields.numbers import shown
from metadata.fields.options import HUES
from metadata.json_text import nearest
from rule_engine.types import Kind, Type

OPTION: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "hue": {"enum": list(HUES)},
        "category": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
        "retired": {"type": "boolean"},
    },
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}


class Choice(FieldType):
    """An API value among the field's options, exactly as written."""

    name = "choice"
    input: ClassVar[type[WireField]] = ChoiceField
    kind = Kind.CHOICE
    operators: ClassVar[tuple[str, ...]] = ("=", "!=", "in", "not in", "is empty", "is not empty")
    cell = "choice"
    has_options = True
    parameters: ClassVar[Parameters] = {
        "options": {"type": "object", "additionalProperties": OPTION},
        "transitions": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    }

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an API value."""
        return read_option_value(wire, field)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the option's label."""
        option = field.option(value)
        return choose_label(option.labels, language) if option else str(value)

    def rule_type(self, field: FieldDefinition) -> Type:
        """Gives the type with the API values."""
        return Type(self.kind, options=tuple(option.value for option in field.options))

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the schema with the options."""
        return {"type": "string", "enum": [option.value for option in field.options]}


def read_option_value(wire: object, field: FieldDefinition) -> str | None:
    """Gives an option's API value; blank is None. Raises Refused, naming the nearest one."""
    value = wire.strip() if isinstance(wire, str) else wire
    if value == "":
        return None
    known = [option.value for option in field.options]
    if not isinstance(value, str) or value not in known:
        hint = nearest(str(value), known)
        ordered = [hint, *(name for name in known if name != hint)] if hint else known
        raise Refused("not_option", value=shown(value), known=ordered)
    return value


TYPE = Choice()
