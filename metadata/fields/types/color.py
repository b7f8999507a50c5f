"""Colours."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, JsonObject, Refused, Sample, Titles
from metadata.fields.inputs import ColorField
from metadata.fields.numbers import shown
from metadata.fields.texts import clean_line
from metadata.fields.types.text import Text

HEX: Final = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class Color(Text):
    """A colour as `#rrggbb` in small letters."""

    name = "color"
    titles: ClassVar[Titles] = {"en": "Colour", "zh": "颜色"}
    icon = "palette"
    group = "more"
    input = ColorField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "pattern": "^#[0-9a-f]{6}$"}
    operators = ("=", "!=", "in", "not in", "is empty", "is not empty")
    cell = "color"
    keywords = frozenset()
    encryptable = False
    conversions = frozenset({"text", "long_text"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "color"}},
            (("#1E90FF", "#1e90ff"), ("#0af", "#00aaff"), ("1e90ff", "#1e90ff")),
            ("blue", "#12345", "#1234567", 5, "url(x)"),
        ),
    )

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads `#rgb` and `#rrggbb`."""
        text = clean_line(wire)
        if text is None:
            return None
        found = HEX.fullmatch(text)
        if found is None:
            raise Refused("color", value=shown(text))
        digits = found[1].lower()
        return "#" + (digits if len(digits) == 6 else "".join(letter * 2 for letter in digits))


TYPE = Color()
