"""Days of the calendar."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    UTC,
    FieldDefinition,
    FieldType,
    JsonObject,
    Refused,
    Sample,
    Titles,
    Writer,
)
from metadata.fields.inputs import DateField, WireField
from metadata.fields.numbers import shown
from metadata.fields.times import ISO_INSTANT, read_date, read_instant, read_written_date
from rule_engine.types import Kind

DAY_OPERATORS: Final = (
    *("=", "!=", "<", "<=", ">", ">=", "between", "in last", "in next", "older than"),
    *("is empty", "is not empty"),
)


class Date(FieldType):
    """A day without time and zone."""

    name = "date"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Date", "zh": "日期"}
    icon = "calendar"
    group = "dates"
    encryptable = True
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "format": "date"},
            (("2026-03-01", "2026-03-01"),),
            ("2026-02-30", "01.03.2026", "2026-3-1", 20260301, "20260301"),
        ),
    )
    input: ClassVar[type[WireField]] = DateField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "format": "date"}
    kind = Kind.DATE
    operators = DAY_OPERATORS
    cell = "date"
    conversions = frozenset({"datetime", "text", "long_text"})

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return sa.Date()

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads `2026-03-01`."""
        if isinstance(wire, date) and not isinstance(wire, datetime):
            return wire
        if not isinstance(wire, str):
            raise Refused("date", value=shown(wire))
        text = wire.strip()
        return read_date(text) if text else None

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a day in the order year, month, day, or the day of an instant in `zone`."""
        written = text.strip()
        if ISO_INSTANT.fullmatch(written):
            return read_instant(written, zone).astimezone(zone).date()
        return read_written_date(written) if written else None

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives `2026-03-01`."""
        return value.isoformat() if isinstance(value, date) else value

    def writer(self, field: FieldDefinition) -> Writer:
        """Gives what does the same to a day."""
        return date.isoformat  # type: ignore[return-value]  # takes only what it is given


TYPE = Date()
