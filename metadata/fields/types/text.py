"""One line of text."""

from __future__ import annotations

from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    UTC,
    FieldDefinition,
    FieldType,
    Refused,
)
from metadata.fields.inputs import TextField, WireField
from metadata.fields.texts import clean_line, folded

TEXT_OPERATORS: Final = (
    *("=", "!=", "contains", "starts with", "ends with"),
    *("in", "not in", "is empty", "is not empty"),
)


class Text(FieldType):
    """One line of text, at most `max_length` characters unless the definition allows more."""

    name = "text"
    input: ClassVar[type[WireField]] = TextField
    parts: ClassVar[tuple[str, ...]] = ("", "fold")
    sort_part = "fold"
    operators: ClassVar[tuple[str, ...]] = TEXT_OPERATORS
    keywords = frozenset({"minLength", "maxLength", "pattern"})
    max_length = 255

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the text and its folded companion."""
        return {"": value, "fold": folded(value)}

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads one line."""
        return self.bounded(clean_line(wire), field)

    def bounded(self, text: str | None, field: FieldDefinition) -> str | None:
        """Refuses text longer than the type allows, unless the definition says how long."""
        if text is not None and len(text) > self.max_length and "maxLength" not in field.limits:
            raise Refused("max_length", limit=self.max_length, length=len(text))
        return text

    def input_attributes(self, field: FieldDefinition) -> dict[str, str | bool]:
        """Gives the limits; there always is a longest length."""
        return {"maxlength": str(self.max_length), **super().input_attributes(field)}


TYPE = Text()
