"""Web addresses."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, JsonObject, Refused, Sample, Titles
from metadata.fields.inputs import UrlField
from metadata.fields.numbers import shown
from metadata.fields.texts import clean_line
from metadata.fields.types.text import Text

SCHEMES: Final = frozenset({"http", "https"})
HOST: Final = re.compile(r"[^\s/?#@\\<>\"{}|^`]+")


def is_web_address(text: str) -> bool:
    """Says whether a text is an http or https address with a host and without a password."""
    if any(character.isspace() or character in '\\<>"' for character in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(
        parts.scheme in SCHEMES
        and HOST.fullmatch(host)
        and "@" not in parts.netloc
        and (port is None or port > 0)
    )


class Url(Text):
    """An address that a page may link to: http and https only, never `javascript:`."""

    name = "url"
    titles: ClassVar[Titles] = {"en": "Web address", "zh": "网址"}
    icon = "link"
    group = "texts"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "format": "uri"},
            (("https://example.com/a?b=c", "https://example.com/a?b=c"),),
            (
                *("javascript:alert(1)", "example.com", "https://", "https://a b.de"),
                *("http://me:secret@x.de", "//x.de", "https://x.de:99999"),
            ),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"text", "long_text"})
    widens = conversions
    input = UrlField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "format": "uri"}
    cell = "url"
    max_length = 2_000

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an address."""
        text = self.bounded(clean_line(wire), field)
        if text is not None and not is_web_address(text):
            raise Refused("url", value=shown(text))
        return text


TYPE = Url()
