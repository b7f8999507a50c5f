"""Whole numbers."""

from __future__ import annotations

from decimal import Decimal as Number
from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, JsonObject, Refused
from metadata.fields.inputs import IntegerField
from metadata.fields.numbers import fit, read_decimal, shown
from metadata.fields.types.decimal import Decimal


class Integer(Decimal):
    """A whole number of at most 18 digits; its Python form is Decimal like all numbers'."""

    name = "integer"
    input = IntegerField
    wire_schema: ClassVar[JsonObject] = {"type": "integer"}
    json_types = ("integer", "number")
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

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives a JSON number."""
        return int(Number(str(value)))


TYPE = Integer()
