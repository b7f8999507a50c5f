"""Values of the rule language as JSON."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from metadata.fields.currencies import digits_of
from metadata.fields.numbers import plain
from metadata.fields.times import write_length, write_time
from rule_engine.columns import write_instant
from rule_engine.values import CalendarLength, Money


def to_json(value: object) -> str:
    """Gives a value as one line of JSON."""
    return json.dumps(to_wire(value), ensure_ascii=False)


def to_wire(value: object) -> object:
    """Gives the wire form of a value; None is empty."""
    match value:
        case Decimal():
            return plain(value)
        case Money():
            return {"amount": amount_text(value), "currency": value.currency}
        case datetime():
            return write_instant(value)
        case date():
            return value.isoformat()
        case time():
            return write_time(value)
        case timedelta():
            return write_length(value)
        case CalendarLength():
            return calendar_duration(value)
        case frozenset() | set():
            return sorted(map(str, value))
        case tuple() | list():
            return [to_wire(item) for item in value]
    return value


def amount_text(money: Money) -> str:
    """Gives an amount with at least the places of its currency."""
    text = plain(money.amount)
    whole, _, places = text.partition(".")
    digits = digits_of(money.currency)
    return f"{whole}.{places.ljust(digits, '0')}" if max(digits, len(places)) else whole


def calendar_duration(length: CalendarLength) -> str:
    """Gives ISO 8601, as in `P1M2D`."""
    parts = ((length.months, "M"), (length.days, "D"))
    return "P" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0D")
