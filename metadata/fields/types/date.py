"""Days of the calendar."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import UTC, FieldDefinition, FieldType, JsonObject, Refused
from metadata.fields.inputs import DateField, WireField
from metadata.fields.numbers import shown
from rule_engine.types import Kind

ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
DAY_OPERATORS: Final = (
    *("=", "!=", "<", "<=", ">", ">=", "between", "in last", "in next", "older than"),
    *("is empty", "is not empty"),
)


class Date(FieldType):
    """A day without time and zone."""

    name = "date"
    input: ClassVar[type[WireField]] = DateField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "format": "date"}
    kind = Kind.DATE
    operators = DAY_OPERATORS
    cell = "date"

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return sa.Date()

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads `2026-03-01`."""
        if isinstance(wire, date) and not isinstance(wire, datetime):
            return wire
        text = wire.strip() if isinstance(wire, str) else None
        if text == "":
            return None
        if text is None or not ISO_DATE.fullmatch(text):
            raise Refused("date", value=shown(wire))
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise Refused("date", value=shown(wire)) from error

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives `2026-03-01`."""
        return value.isoformat() if isinstance(value, date) else value


TYPE = Date()
