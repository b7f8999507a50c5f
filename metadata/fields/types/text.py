"""One line of text."""

from __future__ import annotations

from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, FieldType, Refused, Sample, Titles
from metadata.fields.inputs import TextField, WireField
from metadata.fields.texts import clean_line, folded

TEXT_OPERATORS: Final = (
    *("=", "!=", "contains", "starts with", "ends with"),
    *("in", "not in", "is empty", "is not empty"),
)
WRITTEN: Final = frozenset(
    (
        *("text", "long_text", "rich_text", "markdown", "code", "email", "phone", "url"),
        *("integer", "decimal", "percent", "money", "rating", "boolean", "date", "datetime"),
        *("time", "duration", "choice", "multi_choice", "tags", "color", "auto_number"),
        *("person_name", "address", "geo_point", "json"),
    )
)
"""The types whose values people write as text."""
TEXTS: Final = frozenset(("text", "long_text"))


class Text(FieldType):
    """One line of text, at most 255 characters unless `maxLength` allows more."""

    name = "text"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Text", "zh": "文本"}
    icon = "type"
    group = "texts"
    conversions: ClassVar[frozenset[str]] = WRITTEN - {"text"}
    widens: ClassVar[frozenset[str]] = frozenset({"long_text"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string"},
            (("  Ame\u0301lie ", "Amélie"), ("a\nb", "a b"), ("12,50", "12,50")),
            (5, True, ["a"], "a\x00b", "\ud800", "x" * 256),
        ),
    )
    input: ClassVar[type[WireField]] = TextField
    parts: ClassVar[tuple[str, ...]] = ("", "fold")
    sort_part = "fold"
    operators: ClassVar[tuple[str, ...]] = TEXT_OPERATORS
    encryptable = True
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
