"""Decimal arithmetic of the language: exact to 38 digits, ties away from zero."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

MAX_DIGITS = 38
DIVISION_PLACES = 12

#: Wide enough that a product of two full numbers is exact before it is rounded.
CONTEXT = Context(prec=2 * MAX_DIGITS + 4, rounding=ROUND_HALF_UP)


def divide(left: Decimal, right: Decimal) -> Decimal | None:
    """Gives the quotient with at most 12 places; None for a divisor of 0."""
    if not right:
        return None
    return round_places(CONTEXT.divide(left, right), DIVISION_PLACES)


def round_places(value: Decimal, places: int) -> Decimal:
    """Gives a number rounded to `places` after the point; negative places round before it."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return value
    return value.quantize(Decimal(1).scaleb(-places), context=CONTEXT)
