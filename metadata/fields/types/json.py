"""Data of other systems, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    JsonObject,
    Parameters,
    Refused,
    Sample,
    Titles,
)
from metadata.fields.inputs import CodeField
from metadata.fields.texts import refuse_controls
from metadata.fields.types.text import Text
from metadata.json_text import read_json

USUAL_BYTES = 100_000
MOST_BYTES = 1_000_000


class Json(Text):
    """A JSON object or array, in one canonical form: keys in order, no white space.

    Rules and filters see this form as text. `max_bytes` limits its size (100,000 unless given).
    """

    name = "json"
    titles: ClassVar[Titles] = {"en": "JSON", "zh": "JSON"}
    icon = "braces"
    group = "more"
    input = CodeField
    json_types = ("object", "array")
    wire_schema: ClassVar[JsonObject] = {"type": ["object", "array"]}
    operators = ("contains", "is empty", "is not empty")
    cell = "code"
    is_brief = False
    keywords = frozenset()
    encryptable = False
    parameters: ClassVar[Parameters] = {
        "max_bytes": {
            "type": "integer",
            "minimum": 2,
            "maximum": MOST_BYTES,
            "description": "Most bytes of a value",
        },
    }
    conversions = frozenset({"long_text", "code", "text"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "object", "crm": {"field": "json"}},
            (
                ({"b": [1, 2.5, None], "a": "ü"}, {"a": "ü", "b": [1, 2.5, None]}),
                ('{"x": true}', {"x": True}),
                ([], []),
            ),
            ("{", "text", '{"a": 1, "a": 2}', "[NaN]", 5, '"x"', {"x": "y" * 100_000}),
        ),
    )

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an object, an array, or the text of one."""
        if isinstance(wire, str):
            if not wire.strip():
                return None
            wire, problems = read_json(wire)
            if problems:
                raise Refused(problems[0].code, **problems[0].values)
        if not isinstance(wire, (Mapping, list)):
            raise Refused("json_shape")
        text = refuse_controls(canonical(wire))
        limit = field.number("max_bytes", USUAL_BYTES)
        if len(text.encode()) > limit:
            raise Refused("json_size", limit=limit)
        return text

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the object or array; what is shown of a masked value stays a text."""
        try:
            return json.loads(str(value))
        except ValueError:
            return value

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the canonical text."""
        return str(value)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the text with line feeds and indentation."""
        return json.dumps(self.to_wire(value, field), ensure_ascii=False, indent=2)

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the canonical text."""
        return str(value)


def canonical(value: object) -> str:
    """Gives the one text of a JSON value. Raises Refused for what JSON cannot say."""
    try:
        return json.dumps(
            value,
            ensure_ascii=False,
            sort_keys=True,
            allow_nan=False,
            separators=(",", ":"),
            default=number,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("json_shape") from error


def number(value: object) -> float:
    """Gives a number that was read exactly as JSON has it. Raises TypeError for all else."""
    if not isinstance(value, Decimal):
        raise TypeError(type(value).__name__)
    return float(value)


TYPE = Json()
