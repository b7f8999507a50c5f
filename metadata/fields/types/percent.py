"""Parts of a hundred: 15 % is the fraction 0.15 everywhere but in forms and pages."""

from __future__ import annotations

from decimal import Decimal as Number
from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import ENGLISH, UTC, FieldDefinition, Refused, Sample, Titles, Writer
from metadata.fields.inputs import NumberField
from metadata.fields.numbers import NUMBER, fit, plain, plain_number, read_decimal, shown
from metadata.fields.types.decimal import Decimal
from rule_engine.types import Kind


class PercentField(NumberField):
    """An input of percent points: `15` and `15%` both mean the fraction 0.15."""

    control = "percent"

    def to_wire(self, typed: str) -> object:
        """Gives the fraction of what was typed."""
        points = plain_number(typed).removesuffix("%")
        return plain(Number(points) / 100) if NUMBER.fullmatch(points) else typed


class Percent(Decimal):
    """A fraction with `scale` places (6 unless the definition says otherwise)."""

    name = "percent"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Percent", "zh": "百分比"}
    icon = "percent"
    group = "numbers"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "number", "crm": {"field": "percent"}},
            (("0.15", "0.15"), ("15%", "0.15")),
            ("%", "a%", "1e13"),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"decimal", "text", "long_text"})
    input = PercentField
    kind = Kind.PERCENT
    cell = "percent"
    default_scale = 6

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a fraction (0.15), or percent points with their sign (`15%`)."""
        if isinstance(wire, str) and wire.strip().endswith("%"):
            points = read_decimal(wire.strip().removesuffix("%"))
            if points is None:
                raise Refused("number_expected", value=shown(wire))
            return fit(points / 100, self.scale(field))
        return super().coerce(wire, field, zone)

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the fraction as text."""
        return plain(Number(str(value)))

    def writer(self, field: FieldDefinition) -> Writer:
        """Gives what does the same to a decimal."""
        return plain  # type: ignore[return-value]  # takes only what it is given

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives percent points."""
        return plain(Number(str(value)) * 100)

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives percent points with their sign."""
        return f"{self.to_text(value, field, language, zone)}%"

    def input_attributes(self, field: FieldDefinition) -> dict[str, str | bool]:
        """Gives the limits in percent points."""
        limits = super().input_attributes(field)
        return {name: plain(Number(str(limit)) * 100) for name, limit in limits.items()}


TYPE = Percent()
