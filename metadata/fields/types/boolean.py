"""Yes or no."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    JsonObject,
    Refused,
    Sample,
    Titles,
    choose_label,
)
from metadata.fields.inputs import BooleanField
from metadata.fields.numbers import shown
from rule_engine.types import Kind

SHOWN: Final = {True: {"en": "Yes", "zh": "是"}, False: {"en": "No", "zh": "否"}}
WORDS: Final = {
    **dict.fromkeys(("true", "yes", "y", "on", "1", "是"), True),
    **dict.fromkeys(("false", "no", "n", "off", "0", "否"), False),
}


class Boolean(FieldType):
    """A truth value."""

    name = "boolean"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Yes or no", "zh": "是或否"}
    icon = "toggle-right"
    group = "choices"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample({"type": "boolean"}, ((True, True), ("否", False)), ("maybe", 1, 0.0)),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"choice", "text", "long_text"})
    input = BooleanField
    kind = Kind.BOOLEAN
    json_types = ("boolean",)
    wire_schema: ClassVar[JsonObject] = {"type": "boolean"}
    operators = ("=", "is empty", "is not empty")
    cell = "boolean"

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return sa.Boolean()

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads true and false, and the words people use for them."""
        if isinstance(wire, bool):
            return wire
        word = wire.strip().lower() if isinstance(wire, str) else None
        if word == "":
            return None
        if word not in WORDS:
            raise Refused("boolean", value=shown(wire))
        return WORDS[word]

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives `true` or `false`."""
        return "true" if value else "false"

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the word of the language."""
        return choose_label(SHOWN[value is True], language)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the mark of a check box."""
        return "true" if value else ""


TYPE = Boolean()
