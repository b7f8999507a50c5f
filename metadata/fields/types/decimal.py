"""Exact decimal numbers."""

from __future__ import annotations

from decimal import Decimal as Number
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    JsonObject,
    Parameters,
    Sample,
    Titles,
    Writer,
)
from metadata.fields.inputs import NumberField, WireField
from metadata.fields.numbers import fit, plain, plain_number, read_decimal
from rule_engine.columns import Scaled
from rule_engine.types import Kind

NUMBER_OPERATORS: Final = (
    *("=", "!=", "<", "<=", ">", ">=", "between"),
    *("is empty", "is not empty"),
)


class Decimal(FieldType):
    """A number with `scale` places, rounded half up."""

    name = "decimal"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Decimal number", "zh": "小数"}
    icon = "calculator"
    group = "numbers"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "number"},
            (("12.50", "12.5"), (0.1, "0.1"), ("1.00005", "1.0001"), ("-0.00001", "0")),
            ("1,5", "NaN", "Infinity", "0x10", "1e900", "1e20", True, {}),
        ),
        Sample({"type": "number", "crm": {"scale": 2}}, (("1.5", "1.50"),)),
    )
    conversions: ClassVar[frozenset[str]] = frozenset(
        {"integer", "percent", "money", "rating", "text", "long_text"}
    )
    input: ClassVar[type[WireField]] = NumberField
    wire_schema: ClassVar[JsonObject] = {"type": ["string", "number"]}
    kind = Kind.NUMBER
    json_types: ClassVar[tuple[str, ...]] = ("number", "integer", "string")
    operators: ClassVar[tuple[str, ...]] = NUMBER_OPERATORS
    cell = "number"
    keywords = frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    )
    parameters: ClassVar[Parameters] = {
        "scale": {
            "type": "integer",
            "minimum": 0,
            "maximum": 12,
            "description": "Places after the point; more are rounded half up",
        },
    }
    default_scale = 4

    def scale(self, field: FieldDefinition) -> int:
        """Gives the number of places after the point."""
        return field.number("scale", self.default_scale)

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return Scaled(self.scale(field))

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a number and rounds it to its scale."""
        number = read_decimal(wire)
        return None if number is None else fit(number, self.scale(field))

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a number with grouping or full-width digits."""
        return self.coerce(plain_number(text), field, zone)

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the digits as text; all places only where `scale` is asked for."""
        number = value if isinstance(value, Number) else Number(str(value))
        return f"{number:f}" if "scale" in field.parameters else plain(number)

    def writer(self, field: FieldDefinition) -> Writer:
        """Gives what does the same to a decimal."""
        return "{:f}".format if "scale" in field.parameters else plain  # type: ignore[return-value]  # takes only what it is given

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the digits without zeros at the end."""
        return plain(Number(str(value)))


TYPE = Decimal()
