"""Yes or no."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import ENGLISH, UTC, FieldDefinition, FieldType, Refused
from metadata.fields.inputs import BooleanField
from metadata.fields.numbers import shown
from rule_engine.types import Kind

WORDS: Final = {
    **dict.fromkeys(("true", "yes", "y", "on", "1", "是"), True),
    **dict.fromkeys(("false", "no", "n", "off", "0", "否"), False),
}


class Boolean(FieldType):
    """A truth value."""

    name = "boolean"
    input = BooleanField
    kind = Kind.BOOLEAN
    json_types = ("boolean",)
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

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the mark of a check box."""
        return "true" if value else ""


TYPE = Boolean()
