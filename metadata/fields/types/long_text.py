"""Text of several lines."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, Sample, Titles
from metadata.fields.inputs import LongTextField
from metadata.fields.texts import clean_lines
from metadata.fields.types.text import WRITTEN, Text


class LongText(Text):
    """Text of several lines."""

    name = "long_text"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Long text", "zh": "长文本"}
    icon = "align-left"
    group = "texts"
    conversions = WRITTEN - {"long_text"}
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "long_text"}},
            ((" a\r\nb ", "a\nb"),),
            (5, "a\x00b", "x" * 100_001),
        ),
    )
    input = LongTextField
    cell = "long_text"
    is_brief = False
    operators = ("contains", "starts with", "ends with", "is empty", "is not empty")
    max_length = 100_000

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads several lines."""
        return self.bounded(clean_lines(wire), field)


TYPE = LongText()
