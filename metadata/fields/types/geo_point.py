"""Places on earth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal as Number
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from metadata.fields.base import Refused, Sample, Titles
from metadata.fields.composites import CompositeType, Member
from metadata.fields.numbers import fit, plain, read_decimal, shown
from metadata.fields.part_inputs import PartsField
from rule_engine.columns import Scaled

PAIR: Final = re.compile(r"(?:geo:)?\s*([+-]?[\d.]+)\s*[,;，\s]\s*([+-]?[\d.]+)")
LIMITS: Final = {"latitude": 90, "longitude": 180}
PLACES = 6
"""A tenth of a metre."""


class GeoPoint(CompositeType):
    """Latitude and longitude in degrees (WGS 84), to a tenth of a metre."""

    name = "geo_point"
    titles: ClassVar[Titles] = {"en": "Location", "zh": "地理位置"}
    icon = "compass"
    input = PartsField
    parts = ("", "fold", "latitude", "longitude")
    cell = "display"
    is_brief = True
    operators = ("=", "!=", "is empty", "is not empty")
    members = (
        Member("latitude", {"en": "Latitude", "zh": "纬度"}, attributes={"inputmode": "decimal"}),
        Member("longitude", {"en": "Longitude", "zh": "经度"}, attributes={"inputmode": "decimal"}),
    )
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "object", "crm": {"field": "geo_point"}},
            (
                (
                    {"latitude": 39.9042, "longitude": "116.4074"},
                    {"latitude": 39.9042, "longitude": 116.4074},
                ),
                ("-33.8688, 151.2093", {"latitude": -33.8688, "longitude": 151.2093}),
                ({"latitude": 0, "longitude": -0.00000001}, {"latitude": 0.0, "longitude": 0.0}),
            ),
            (5, {"latitude": 1}, {"latitude": 91, "longitude": 0}, "north", {"lat": 1, "lon": 2}),
        ),
    )

    def make(self, given: Mapping[str, object]) -> Any:
        """Gives the place; one number without the other is refused."""
        made = super().make(given)
        if made is not None and len(made.members) != len(self.members):
            raise Refused("geo_point")
        return made

    def read_member(self, name: str, given: object) -> object:
        """Reads degrees."""
        number = read_decimal(given)
        if number is None:
            return None
        if abs(number) > LIMITS[name]:
            raise Refused("degrees", value=shown(given), limit=LIMITS[name])
        return fit(number, PLACES)

    def write_member(self, name: str, member: object) -> object:
        """Gives a JSON number."""
        return float(str(member))

    def show_member(self, name: str, member: object, language: str) -> str:
        """Gives the degrees without zeros at the end."""
        return plain(Number(str(member)))

    def member_storage(self, name: str) -> sa.types.TypeEngine[Any]:
        """Gives the type of degrees."""
        return Scaled(PLACES)

    def compose(self, members: Mapping[str, object]) -> str:
        """Gives `39.9042, 116.4074`."""
        return ", ".join(plain(Number(str(member))) for member in members.values())

    def parse(self, text: str) -> Mapping[str, object]:
        """Reads `39.9042, 116.4074`."""
        if not text:
            return {}
        found = PAIR.fullmatch(text)
        if found is None:
            raise Refused("geo_point")
        return {"latitude": found[1], "longitude": found[2]}

    def member_schema(self, name: str) -> Mapping[str, object]:
        """Gives the schema of degrees."""
        return {"type": "number", "minimum": -LIMITS[name], "maximum": LIMITS[name]}


TYPE = GeoPoint()
