"""Text with structure: headings, lists, links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    Parameters,
    Refused,
    Sample,
    Titles,
)
from metadata.fields.composites import Composite
from metadata.fields.inputs import RichTextField, WireField
from metadata.fields.markup import clean_html, html_of, text_of
from metadata.fields.texts import clean_lines, folded
from metadata.fields.types.text import Text

HTML: str = "html"
MAX_HTML = 500_000


class RichText(Text):
    """HTML, made harmless before it is stored; rules, filters and search see its plain text.

    Scripts, images and styles are taken out; links lead to web, mail and telephone addresses.
    """

    name = "rich_text"
    titles: ClassVar[Titles] = {"en": "Formatted text", "zh": "富文本"}
    icon = "notebook-text"
    input: ClassVar[type[WireField]] = RichTextField
    parts = ("", "fold", HTML)
    cell = "rich_text"
    is_brief = False
    encryptable = False
    operators = ("contains", "starts with", "ends with", "is empty", "is not empty")
    max_length = 100_000
    parameters: ClassVar[Parameters] = {}
    conversions = frozenset({"text", "long_text", "markdown"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "rich_text"}},
            (
                ("<p>Big <b>deal</b> &amp; more</p>", "<p>Big <b>deal</b> &amp; more</p>"),
                ("<p>a</p><script>alert(1)</script><p onclick='x()'>b</p>", "<p>a</p><p>b</p>"),
                ('<a href="javascript:x()">x</a>', '<a rel="noopener noreferrer nofollow">x</a>'),
                ("plain", "plain"),
            ),
            (5, "a\x00b", f"<p>{'x' * 100_001}</p>"),
        ),
    )

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads HTML."""
        if isinstance(wire, Composite):
            wire = wire.members[HTML]
        given = clean_lines(wire)
        if given is None:
            return None
        if len(given) > MAX_HTML:
            raise Refused("max_length", limit=MAX_HTML, length=len(given))
        html = clean_html(given)
        text = self.bounded(text_of(html) or None, field)
        return Composite(text, {HTML: html}) if text else None

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads plain text, in which `<` is a letter like others."""
        return self.coerce(html_of(text), field, zone)

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the plain text, its folded form and the HTML."""
        html = value.members[HTML] if isinstance(value, Composite) else None
        text = None if value is None else str(value)
        return {"": text, "fold": folded(value), HTML: html}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the text with its HTML."""
        text = parts[""]
        return None if text is None else Composite(str(text), {HTML: parts[HTML]})

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the HTML; what is shown of a masked value is plain text."""
        return value.members[HTML] if isinstance(value, Composite) else value

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the plain text."""
        return str(value)

    def plain(self, value: object, field: FieldDefinition) -> str:
        """Gives the plain text."""
        return str(value)


TYPE = RichText()
