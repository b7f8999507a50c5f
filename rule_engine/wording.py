"""Values as text: `text_of` in rules."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from rule_engine.arithmetic import shorten
from rule_engine.types import Kind
from rule_engine.values import Money

WRITABLE = frozenset(
    {
        *(Kind.TEXT, Kind.CHOICE, Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.BOOLEAN),
        *(Kind.DATE, Kind.INSTANT, Kind.TIME),
    }
)


def text_of_value(value: object) -> str | None:
    """Gives a value's text: `12.5`, `12.5 CNY`, `true`, `2026-03-01`, `09:30`.

    Percentages are fractions (0.15), points in time UTC with milliseconds.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case Decimal():
            return f"{shorten(value):f}"
        case Money():
            return f"{shorten(value.amount):f} {value.currency}"
        case datetime():
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case time():
            return value.strftime("%H:%M")
    return None
