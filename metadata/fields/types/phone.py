"""Telephone numbers, kept in the international form of E.164."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo

import phonenumbers

from metadata.fields.base import ENGLISH, UTC, FieldDefinition, Parameters, Refused, Sample, Titles
from metadata.fields.inputs import PhoneField
from metadata.fields.numbers import shown
from metadata.fields.texts import clean_line
from metadata.fields.types.text import Text

DEFAULT_REGION = "CN"


class Phone(Text):
    """A number without extension; `region` is the country of numbers typed without a code."""

    name = "phone"
    titles: ClassVar[Titles] = {"en": "Phone", "zh": "电话"}
    icon = "phone"
    group = "texts"
    is_searched = True
    default_sensitivity = "personal"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "phone"}},
            (("138 0013 8000", "+8613800138000"), ("+1 (650) 253-0000", "+16502530000")),
            ("12", "abc", "+86 138 0013 8000 ext. 5", "+999 123456789"),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"text", "long_text"})
    widens = conversions
    input = PhoneField
    cell = "phone"
    parameters: ClassVar[Parameters] = {
        "region": {
            "type": "string",
            "enum": sorted(phonenumbers.SUPPORTED_REGIONS),
            "description": "The country (ISO 3166) of numbers typed without a country code",
        },
    }

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a number in any usual form."""
        text = clean_line(wire)
        if text is None:
            return None
        region = field.text("region") or DEFAULT_REGION
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException as error:
            raise Refused("phone", value=shown(text), region=region) from error
        if number.extension or not phonenumbers.is_possible_number(number):
            raise Refused("phone", value=shown(text), region=region)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the number with spaces, as people read it."""
        number = phonenumbers.parse(str(value), None)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


TYPE = Phone()
