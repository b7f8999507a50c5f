"""The ids of records themselves."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, FieldType, Sample, Titles
from metadata.fields.inputs import TextField
from metadata.fields.texts import clean_line


class Identifier(FieldType):
    """A UUID as text; only the system field `id` has this type."""

    name = "identifier"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Id", "zh": "标识"}
    icon = "id-card"
    group = "more"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample({"type": "string"}, (("0197b5c2", "0197b5c2"),), (5,)),
    )
    input = TextField
    is_offered = False
    operators = ("=", "!=", "in")

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an id."""
        return clean_line(wire)


TYPE = Identifier()
