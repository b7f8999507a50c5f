"""Stars."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import ENGLISH, UTC, FieldDefinition, JsonObject, Refused, Sample, Titles
from metadata.fields.inputs import RatingField, WireField
from metadata.fields.types.integer import Integer

USUAL_STARS = 5
MOST_STARS = 10


class Rating(Integer):
    """One to five stars, or to another `maximum` up to ten."""

    name = "rating"
    titles: ClassVar[Titles] = {"en": "Rating", "zh": "评分"}
    icon = "star"
    input: ClassVar[type[WireField]] = RatingField
    wire_schema: ClassVar[JsonObject] = {"type": "integer", "minimum": 1, "maximum": MOST_STARS}
    cell = "rating"
    conversions = frozenset({"integer", "decimal", "text", "long_text", "choice"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "integer", "crm": {"field": "rating"}},
            ((3, 3), ("5", 5)),
            (0, 6, 2.5, "five", True),
        ),
        Sample({"type": "integer", "maximum": 10, "crm": {"field": "rating"}}, ((10, 10),), (11,)),
    )

    def stars(self, field: FieldDefinition) -> int:
        """Gives how many stars there are."""
        most = field.limits.get("maximum")
        return min(int(str(most)), MOST_STARS) if isinstance(most, int) else USUAL_STARS

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the schema with the number of stars."""
        return {**self.wire_schema, "maximum": self.stars(field)}

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a number of stars."""
        value = super().coerce(wire, field, zone)
        if value is not None and not 1 <= int(str(value)) <= self.stars(field):
            raise Refused("rating", limit=self.stars(field))
        return value

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a number of stars, rounded half up."""
        return self.coerce(super().read_text(text, field, zone), field) if text.strip() else None

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the stars."""
        count = int(str(value))
        return "★" * count + "☆" * (self.stars(field) - count)


TYPE = Rating()
