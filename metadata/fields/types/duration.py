"""Lengths of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
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
from metadata.fields.inputs import DurationField
from metadata.fields.numbers import shown
from metadata.fields.times import read_length, say_length, write_clock, write_length
from rule_engine.columns import Scaled
from rule_engine.types import Kind

MILLISECOND = timedelta(milliseconds=1)


class Duration(FieldType):
    """A length in hours, minutes and seconds, to the millisecond; a day in it has 24 hours."""

    name = "duration"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Duration", "zh": "时长"}
    icon = "timer"
    group = "dates"
    input = DurationField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "format": "duration"}
    kind = Kind.CLOCK_LENGTH
    operators = ("=", "!=", "<", "<=", ">", ">=", "between", "is empty", "is not empty")
    cell = "display"
    conversions = frozenset({"text", "long_text"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "format": "duration"},
            (
                *(("PT8H", "PT8H"), ("P1DT90M", "PT25H30M"), ("8:30", "PT8H30M")),
                *(("1h 30 min", "PT1H30M"), ("2天3小时", "PT51H"), ("PT0.0015S", "PT0.001S")),
                *(("-PT5M", "-PT5M"), ("PT0S", "PT0S")),
            ),
            ("P1M", "P1Y", "P", "PT", "eight", 8, "8", "P99999999D", "8:75"),
        ),
    )

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the type of whole milliseconds."""
        return Scaled(0)

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the milliseconds."""
        return {"": Decimal(value // MILLISECOND) if isinstance(value, timedelta) else None}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the length of some milliseconds."""
        count = parts[""]
        return None if count is None else int(str(count)) * MILLISECOND

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads ISO 8601, `8:30`, or `8h 30m`."""
        if isinstance(wire, timedelta):
            return wire // MILLISECOND * MILLISECOND
        if not isinstance(wire, str):
            raise Refused("duration", value=shown(wire))
        text = wire.strip()
        return read_length(text) if text else None

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives `PT8H30M`."""
        return write_length(value) if isinstance(value, timedelta) else value

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives `8:30`."""
        return write_clock(value) if isinstance(value, timedelta) else str(value)

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives hours and minutes in words of the language."""
        return say_length(value, language) if isinstance(value, timedelta) else str(value)


TYPE = Duration()
