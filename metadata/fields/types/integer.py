"""Whole numbers."""

from __future__ import annotations

from decimal import Decimal as Number
from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    UTC,
    FieldDefinition,
    JsonObject,
    Parameters,
    Refused,
    Sample,
    Titles,
    Writer,
)
from metadata.fields.inputs import IntegerField, WireField
from metadata.fields.numbers import fit, plain_number, read_decimal, shown
from metadata.fields.types.decimal import Decimal


class Integer(Decimal):
    """A whole number of at most 18 digits."""

    name = "integer"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Whole number", "zh": "整数"}
    icon = "hash"
    group = "numbers"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "integer"},
            ((7, 7), ("-3", -3), (3.0, 3)),
            ("1.5", 1.5, True, "one", "1_000", "1" * 19, float("nan")),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset(
        {"decimal", "money", "rating", "text", "long_text", "choice"}
    )
    input: ClassVar[type[WireField]] = IntegerField
    wire_schema: ClassVar[JsonObject] = {"type": "integer"}
    json_types = ("integer", "number")
    parameters: ClassVar[Parameters] = {}
    default_scale = 0

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a whole number; 3.0 is one (JSON Schema 2020-12, 6.1.1)."""
        number = read_decimal(wire)
        if number is None:
            return None
        whole = fit(number, 0)
        if whole != number:
            raise Refused("integer_expected", value=shown(wire))
        return whole

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a number and rounds it half up."""
        number = read_decimal(plain_number(text))
        return None if number is None else fit(number, 0)

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives a JSON number."""
        return int(value if isinstance(value, Number) else Number(str(value)))

    def writer(self, field: FieldDefinition) -> Writer:
        """Gives what does the same to a decimal."""
        return int  # type: ignore[return-value]  # takes only what it is given


TYPE = Integer()
