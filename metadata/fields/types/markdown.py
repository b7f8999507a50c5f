"""Text in Markdown."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, Sample, Titles
from metadata.fields.inputs import CodeField
from metadata.fields.markup import render_markdown
from metadata.fields.types.long_text import LongText
from metadata.fields.types.rich_text import RichText


class Markdown(LongText):
    """CommonMark with tables, stored as written and shown as formatted text without HTML in it."""

    name = "markdown"
    titles: ClassVar[Titles] = {"en": "Markdown", "zh": "Markdown"}
    icon = "file-text"
    input = CodeField
    cell = "markdown"
    conversions = frozenset({"text", "long_text", "rich_text", "code"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "markdown"}},
            (("# Plan\r\n\r\n- **one**\n", "# Plan\n\n- **one**"), ("<b>x</b>", "<b>x</b>")),
            (5, "a\x00b", "x" * 100_001),
        ),
    )

    def convert(
        self, value: object, field: FieldDefinition, after: FieldDefinition, zone: ZoneInfo = UTC
    ) -> object:
        """Gives formatted text its HTML, others the text as written."""
        if isinstance(after.type, RichText):
            return after.type.coerce(render_markdown(str(value)), after, zone)
        return super().convert(value, field, after, zone)


TYPE = Markdown()
