"""Source text: queries, templates, configuration."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, Sample, Titles
from metadata.fields.inputs import CodeField
from metadata.fields.texts import clean_code
from metadata.fields.types.long_text import LongText


class Code(LongText):
    """Text in which every space counts: nothing is trimmed but blank lines around it."""

    name = "code"
    titles: ClassVar[Titles] = {"en": "Code", "zh": "代码"}
    icon = "code"
    input = CodeField
    cell = "code"
    conversions = frozenset({"text", "long_text", "markdown", "json"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "code"}},
            (
                ("\n  select 1\r\n\tfrom t\n\n", "  select 1\n\tfrom t"),
                ("x < y && z", "x < y && z"),
            ),
            (5, "a\x00b", "x" * 100_001),
        ),
    )

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads several lines with their indentation."""
        return self.bounded(clean_code(wire), field)


TYPE = Code()
