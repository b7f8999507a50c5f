"""Instants, kept in UTC to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC as UTC_ZONE
from datetime import datetime
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import ENGLISH, UTC, FieldDefinition, FieldType, JsonObject, Refused
from metadata.fields.inputs import DateTimeField
from metadata.fields.numbers import shown
from metadata.fields.types.date import DAY_OPERATORS
from rule_engine.columns import Instant, write_instant
from rule_engine.types import Kind

ISO_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s*([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)


def to_milliseconds(moment: datetime) -> datetime:
    """Gives an aware instant in UTC, cut to milliseconds. Raises Refused past year 9999."""
    try:
        in_utc = moment.astimezone(UTC_ZONE)
    except OverflowError as error:
        raise Refused("datetime", value=str(moment)) from error
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


def read_instant(text: str, zone: ZoneInfo) -> datetime:
    """Gives the instant an ISO 8601 text names; without an offset it is in `zone`."""
    if not ISO_INSTANT.fullmatch(text):
        raise Refused("datetime", value=shown(text))
    try:
        moment = datetime.fromisoformat(text.upper().replace(",", ".").replace(" Z", "Z"))
    except ValueError as error:
        raise Refused("datetime", value=shown(text)) from error
    return to_milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=zone))


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
    input = InstantField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "format": "date-time"}
    kind = Kind.INSTANT
    operators = DAY_OPERATORS
    cell = "datetime"

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

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives UTC with milliseconds and `Z`."""
        return write_instant(value) if isinstance(value, datetime) else value

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
