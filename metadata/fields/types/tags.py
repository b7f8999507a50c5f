"""Words without a fixed list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    JsonObject,
    Refused,
    Sample,
    Titles,
)
from metadata.fields.inputs import TextField
from metadata.fields.numbers import shown
from metadata.fields.texts import SEPARATOR, SEPARATORS, clean_line, folded, split_list
from rule_engine.columns import Choices
from rule_engine.types import Kind

MAX_LENGTH = 50
MAX_TAGS = 50


class Tags(FieldType):
    """A set of free words; the same word in other letters (vip, VIP) is kept once."""

    name = "tags"
    titles: ClassVar[Titles] = {"en": "Tags", "zh": "标签"}
    icon = "tags"
    group = "choices"
    input = TextField
    parts = ("", "fold")
    kind = Kind.CHOICES
    json_types = ("array",)
    wire_schema: ClassVar[JsonObject] = {
        "type": "array",
        "items": {"type": "string", "maxLength": MAX_LENGTH},
        "maxItems": MAX_TAGS,
    }
    operators = ("contains", "=", "is empty", "is not empty")
    cell = "tags"
    keywords = frozenset({"minItems", "maxItems", "uniqueItems"})
    conversions = frozenset({"multi_choice", "choice", "text", "long_text"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "array", "items": {"type": "string"}},
            (
                (["hot", " vip "], ["hot", "vip"]),
                ("vip; hot", ["hot", "vip"]),
                (["VIP", "vip"], ["VIP"]),
                ("重点，老客户", ["老客户", "重点"]),
            ),
            (5, [5], ["a;b"], ["x" * 51], [f"tag {number}" for number in range(51)]),
        ),
    )

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return Choices()

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the set, and the folded words in one text, which search looks at."""
        return {"": value, "fold": folded(joined(value)) if value else None}

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a list, or a text with separators."""
        if isinstance(wire, str):
            wire = split_list(wire)
        if not isinstance(wire, (list, tuple, set, frozenset)):
            raise Refused("tags", value=shown(wire))
        items = sorted(wire) if isinstance(wire, (set, frozenset)) else wire
        kept = {str(folded(word)): word for word in reversed(list(read_words(items)))}
        if len(kept) > MAX_TAGS:
            raise Refused("max_items", limit=MAX_TAGS, length=len(kept))
        return frozenset(kept.values()) or None

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the words in the order of their code points."""
        return sorted(value) if isinstance(value, frozenset) else []

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the words with `;` between them."""
        return joined(value)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the words with commas between them."""
        return joined(value, ", ")


def read_words(items: object) -> Iterator[str]:
    """Gives the words that are not blank. Raises Refused."""
    for item in items if isinstance(items, (list, tuple)) else ():
        word = clean_line(item)
        if word is None:
            continue
        if SEPARATORS.search(word):
            raise Refused("tag_separator", value=shown(word))
        if len(word) > MAX_LENGTH:
            raise Refused("max_length", limit=MAX_LENGTH, length=len(word))
        yield word


def joined(value: object, separator: str = SEPARATOR) -> str:
    """Gives the words in one text."""
    return separator.join(sorted(value)) if isinstance(value, frozenset) else ""


TYPE = Tags()
