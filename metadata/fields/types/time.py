"""Times of the day."""

from __future__ import annotations

from datetime import time
from typing import Any, ClassVar
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
)
from metadata.fields.inputs import TimeField
from metadata.fields.numbers import shown
from metadata.fields.times import read_time, write_time
from rule_engine.types import Kind


class Time(FieldType):
    """A time of the day without date and zone, to the millisecond."""

    name = "time"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Time", "zh": "时间"}
    icon = "clock"
    group = "dates"
    input = TimeField
    wire_schema: ClassVar[JsonObject] = {
        "type": "string",
        "pattern": r"^\d\d:\d\d(:\d\d(\.\d{1,3})?)?$",
    }
    kind = Kind.TIME
    operators = ("=", "!=", "<", "<=", ">", ">=", "between", "is empty", "is not empty")
    cell = "display"
    conversions = frozenset({"text", "long_text"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "format": "time"},
            (("09:30", "09:30"), ("09:30:15", "09:30:15"), ("23:59:59.1239", "23:59:59.123")),
            ("9:30", "24:00", "12:60", "9am", 930, "09:30+08:00"),
        ),
    )

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the column's type."""
        return sa.Time()

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads `09:30`."""
        if isinstance(wire, time):
            return wire.replace(microsecond=wire.microsecond // 1000 * 1000, tzinfo=None)
        if not isinstance(wire, str):
            raise Refused("time", value=shown(wire))
        text = wire.strip()
        return read_time(text) if text else None

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives `09:30`, with seconds only where there are some."""
        return write_time(value) if isinstance(value, time) else value


TYPE = Time()
