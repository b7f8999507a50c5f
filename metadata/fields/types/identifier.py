"""The ids of records themselves."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, FieldType
from metadata.fields.inputs import TextField
from metadata.fields.texts import clean_line


class Identifier(FieldType):
    """A UUID as text; only the system field `id` has this type."""

    name = "identifier"
    input = TextField
    is_offered = False
    operators = ("=", "!=", "in")

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an id."""
        return clean_line(wire)


TYPE = Identifier()
