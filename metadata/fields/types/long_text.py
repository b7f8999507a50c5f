"""Text of several lines."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition
from metadata.fields.inputs import LongTextField
from metadata.fields.texts import clean_lines
from metadata.fields.types.text import Text


class LongText(Text):
    """Text of several lines."""

    name = "long_text"
    input = LongTextField
    cell = "long_text"
    operators = ("contains", "starts with", "ends with", "is empty", "is not empty")
    max_length = 100_000

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads several lines."""
        return self.bounded(clean_lines(wire), field)


TYPE = LongText()
