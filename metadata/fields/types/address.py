"""Postal addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from metadata.fields.base import Refused, Sample, Titles
from metadata.fields.composites import CompositeType, Member
from metadata.fields.countries import country_code, country_names, suggest_country
from metadata.fields.numbers import shown
from metadata.fields.part_inputs import PartsField
from metadata.fields.texts import clean_lines, is_east_asian

MAX_LINES = 500


class Address(CompositeType):
    """Lines, city, region, postal code and country (ISO 3166, or its name on input).

    The text people read begins with the country where it is written in Chinese, Japanese or
    Korean, and ends with it elsewhere.
    """

    name = "address"
    titles: ClassVar[Titles] = {"en": "Address", "zh": "地址"}
    icon = "map-pin"
    group = "more"
    input = PartsField
    parts = ("", "fold", "lines", "city", "region", "postal_code", "country")
    cell = "display"
    members = (
        Member("lines", {"en": "Street", "zh": "街道"}, rows=2, is_wide=True),
        Member("city", {"en": "City", "zh": "城市"}),
        Member("region", {"en": "State or province", "zh": "省/州"}),
        Member("postal_code", {"en": "Postal code", "zh": "邮编"}),
        Member("country", {"en": "Country", "zh": "国家/地区"}, offers=country_names),
    )
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "object", "crm": {"field": "address"}},
            (
                (
                    {"lines": ["1 Main St", "Apt 2"], "city": "Springfield", "country": "us"},
                    {"lines": ["1 Main St", "Apt 2"], "city": "Springfield", "country": "US"},
                ),
                (
                    {"lines": "建国路1号", "city": "北京市", "country": "中国"},
                    {"lines": ["建国路1号"], "city": "北京市", "country": "CN"},
                ),
                ("5 High Street\nOxford", {"lines": ["5 High Street", "Oxford"]}),
                ('{"postal_code": "100022"}', {"postal_code": "100022"}),
                ({"country": "JP"}, {"country": "JP"}),
            ),
            (5, {"street": "x"}, {"country": "Atlantis"}, {"city": 7}, {"city": "x" * 256}, "{"),
        ),
    )

    def read_member(self, name: str, given: object) -> object:
        """Reads lines as a list or a text, a country by code or name, the rest as one line."""
        if name == "lines":
            if isinstance(given, (list, tuple)):
                given = "\n".join(line if isinstance(line, str) else "\x00" for line in given)
            text = clean_lines(given)
            if text is not None and len(text) > MAX_LINES:
                raise Refused("max_length", limit=MAX_LINES, length=len(text))
            return "\n".join(filter(None, map(str.strip, text.split("\n")))) if text else None
        text = super().read_member(name, given)  # type: ignore[assignment]
        if name != "country" or text is None:
            return text
        code = country_code(text)
        if code is None:
            raise Refused("country", value=shown(text), hint=suggest_country(text))
        return code

    def write_member(self, name: str, member: object) -> object:
        """Gives lines as a list."""
        return str(member).split("\n") if name == "lines" else member

    def compose(self, members: Mapping[str, object]) -> str:
        """Gives the address in one line."""
        known = {name: str(member) for name, member in members.items()}
        lines = known.get("lines", "").split("\n")
        given = [*lines, known.get("city", ""), known.get("region", "")]
        code = known.get("country")
        if any(map(is_east_asian, given)):
            country = country_names("zh")[code] if code else ""
            place = "".join((country, known.get("region", ""), known.get("city", ""), *lines))
            return " ".join(filter(None, (place, known.get("postal_code", ""))))
        country = country_names("en")[code] if code else ""
        area = " ".join(filter(None, (known.get("region", ""), known.get("postal_code", ""))))
        return ", ".join(filter(None, (*lines, known.get("city", ""), area, country)))

    def parse(self, text: str) -> Mapping[str, object]:
        """Takes a text as the lines."""
        return {"lines": text} if text else {}

    def member_schema(self, name: str) -> Mapping[str, object]:
        """Gives the schema of a member."""
        schema = super().member_schema(name)
        if name == "lines":
            return {"type": "array", "items": schema}
        return {"type": "string", "pattern": "^[A-Z]{2}$"} if name == "country" else schema


TYPE = Address()
