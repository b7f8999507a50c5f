"""Decimal numbers as they are read, rounded, stored and written."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from metadata.fields.base import Refused

NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
UNITS: Final = tuple(Decimal(1).scaleb(-scale) for scale in range(13))
ROUNDING: Final = Context(prec=60, rounding=ROUND_HALF_UP)
MAX_DIGITS: Final = 18
"""What a scaled 64-bit integer holds: digits before and after the point together."""


def read_decimal(wire: object) -> Decimal | None:
    """Gives a number from JSON or text, exactly; blank is None. Raises Refused."""
    if isinstance(wire, bool):
        raise Refused("number_expected", value=str(wire).lower())
    if isinstance(wire, str):
        return read_text(wire.strip())
    if not isinstance(wire, (int, float, Decimal)):
        raise Refused("number_expected", value=shown(wire))
    number = Decimal(repr(wire)) if isinstance(wire, float) else Decimal(wire)
    if not number.is_finite():
        raise Refused("number_expected", value=str(wire))
    return number


def read_text(text: str) -> Decimal | None:
    """Gives the number a text writes."""
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise Refused("number_expected", value=shown(text))
    return Decimal(text)


def plain_number(typed: str) -> str:
    """Gives a typed number without grouping, in ASCII digits (`１,２００` is 1200)."""
    narrow = unicodedata.normalize("NFKC", typed)
    return "".join(character for character in narrow if character not in ", _'\u00a0\u202f")


def shown(value: object) -> str:
    """Gives a value as a message quotes it, cut to a readable length."""
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def fit(number: Decimal, scale: int, storage_scale: int | None = None) -> Decimal:
    """Rounds half up to `scale` places. Raises Refused when storage cannot hold the number."""
    limit = MAX_DIGITS - (scale if storage_scale is None else storage_scale)
    if number and number.adjusted() >= limit:
        raise Refused("number_size", limit=limit)
    rounded = number.quantize(UNITS[scale], context=ROUNDING)
    if rounded and rounded.adjusted() >= limit:
        raise Refused("number_size", limit=limit)
    return rounded or abs(rounded)


def plain(number: Decimal) -> str:
    """Writes a number without exponent and without zeros at its end."""
    if not number:
        return "0"
    return f"{number.normalize():f}"
