"""Instants, kept in UTC to the millisecond."""

from __future__ import annotations

from datetime import datetime, time
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
    Writer,
)
from metadata.fields.inputs import DateTimeField
from metadata.fields.numbers import shown
from metadata.fields.times import ISO_DATE, read_date, read_instant, to_milliseconds
from metadata.fields.types.date import DAY_OPERATORS
from rule_engine.columns import Instant, write_instant
from rule_engine.types import Kind


class InstantField(DateTimeField):
    """An instant typed in the reader's zone."""

    def to_wire(self, typed: str) -> object:
        """Gives UTC; text that is no instant stays as typed."""
        try:
            return write_instant(read_instant(typed, self.setting.zone))
        except Refused:
            return typed


class DateTime(FieldType):
    """An instant."""

    name = "datetime"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Date and time", "zh": "日期和时间"}
    icon = "calendar-clock"
    group = "dates"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "format": "date-time"},
            (
                ("2026-03-01T08:30:00.1239+08:00", "2026-03-01T00:30:00.123Z"),
                ("2026-03-01 00:30Z", "2026-03-01T00:30:00.000Z"),
            ),
            ("2026-03-01", "yesterday", "2026-03-01T25:00", "9999-12-31T23:59:59-23:00", 5),
        ),
    )
    input = InstantField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "format": "date-time"}
    kind = Kind.INSTANT
    operators = DAY_OPERATORS
    cell = "datetime"
    conversions = frozenset({"date", "text", "long_text"})

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return Instant()

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads ISO 8601."""
        if isinstance(wire, datetime):
            return to_milliseconds(wire if wire.tzinfo else wire.replace(tzinfo=zone))
        if not isinstance(wire, str):
            raise Refused("datetime", value=shown(wire))
        text = wire.strip()
        return read_instant(text, zone) if text else None

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads ISO 8601; a day alone is its midnight in `zone`."""
        if ISO_DATE.fullmatch(text.strip()):
            midnight = datetime.combine(read_date(text.strip()), time(), tzinfo=zone)
            return to_milliseconds(midnight)
        return self.coerce(text, field, zone)

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives UTC with milliseconds and `Z`."""
        return write_instant(value) if isinstance(value, datetime) else value

    def writer(self, field: FieldDefinition) -> Writer:
        """Gives what does the same to an instant."""
        return write_instant  # type: ignore[return-value]  # takes only what it is given

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives local time as an input of type datetime-local shows it."""
        if not isinstance(value, datetime):
            return str(value)
        local = value.astimezone(zone).replace(tzinfo=None)
        if local.microsecond:
            return local.isoformat(timespec="milliseconds")
        return local.isoformat(timespec="seconds" if local.second else "minutes")


TYPE = DateTime()
