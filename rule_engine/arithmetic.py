"""Number and money arithmetic of the language, shared by all that evaluates.

Sums and products are exact, quotients have at most 12 places; ties round away from zero. An empty
argument (None) makes everything empty, so does a divisor of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
)
from functools import reduce

from rule_engine.types import RateTable
from rule_engine.values import Money

#: Far more digits than a text within the language's limits can make: nothing is ever rounded.
EXACT = Context(prec=100_000, rounding=ROUND_HALF_UP, Emax=MAX_EMAX, Emin=MIN_EMIN)

QUOTIENT_PLACES = 12
#: Rounding to more places, before or behind the point, is empty.
MAX_PLACES = 100
ZERO = Decimal(0)
ONE = Decimal(1)

#: ISO 4217's code for "no currency": the sum of no amounts at all. It fits every currency.
NO_CURRENCY = "XXX"

add: Callable[[Decimal, Decimal], Decimal] = EXACT.add
subtract: Callable[[Decimal, Decimal], Decimal] = EXACT.subtract
multiply: Callable[[Decimal, Decimal], Decimal] = EXACT.multiply


#: Quotients are cut so that they can be rounded again: see ROUND_05UP in the decimal module.
_CUT = Context(prec=60, rounding=ROUND_05UP, Emax=MAX_EMAX, Emin=MIN_EMIN)
_LAST_PLACE = Decimal(1).scaleb(-QUOTIENT_PLACES)
_MANY_DIGITS = 40


def divide(left: Decimal, right: Decimal) -> Decimal | None:
    """Gives the quotient with at most 12 places, without end zeros; None for a divisor of 0."""
    if not right:
        return None
    cut = _CUT.divide(left, right)
    if cut.adjusted() > _MANY_DIGITS:
        cut = _divide_long(left, right)
    return shorten(cut.quantize(_LAST_PLACE, ROUND_HALF_UP, EXACT))


def _divide_long(left: Decimal, right: Decimal) -> Decimal:
    """Gives the quotient of a number so long that 60 digits do not reach behind the point."""
    context = EXACT.copy()
    context.rounding = ROUND_05UP
    context.prec = left.adjusted() - right.adjusted() + _MANY_DIGITS
    return context.divide(left, right)


def negate(value: Decimal) -> Decimal:
    """Gives the number with the other sign; 0 has none."""
    return value.copy_negate() if value else ZERO


def shorten(value: Decimal) -> Decimal:
    """Gives the same number without zeros after its last digit behind the point; 0 has no sign."""
    whole = value.to_integral_value()
    if whole == value:
        return EXACT.add(whole, ZERO) if whole else ZERO
    return value.normalize(EXACT)


def modulo(left: Decimal, right: Decimal) -> Decimal | None:
    """Gives what is left of a division towards minus infinity: it has the divisor's sign."""
    if not right:
        return None
    rest = EXACT.remainder(left, right)
    return EXACT.add(rest, right) if rest and (rest < 0) != (right < 0) else rest


def round_places(value: Decimal, places: int) -> Decimal:
    """Gives a number rounded to `places` after the point; negative places round before it."""
    return _to_places(value, places, ROUND_HALF_UP)


def round_down(value: Decimal) -> Decimal:
    """Gives the greatest whole number that is not above the value."""
    return _to_places(value, 0, ROUND_FLOOR)


def round_up(value: Decimal) -> Decimal:
    """Gives the smallest whole number that is not below the value."""
    return _to_places(value, 0, ROUND_CEILING)


def _to_places(value: Decimal, places: int, rounding: str) -> Decimal:
    if int(value.as_tuple().exponent) >= -places:
        return value
    rounded = value.quantize(Decimal((0, (1,), -places)), rounding, EXACT)
    if not rounded:
        return ZERO
    return rounded if places >= 0 else rounded.quantize(ONE, context=EXACT)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Gives the exact sum; 0 for no numbers."""
    return reduce(add, numbers, ZERO)


def scale_integer(value: Decimal, scale: int) -> int | None:
    """Gives value · 10^scale when that is a whole number, else None."""
    scaled = value.scaleb(scale, EXACT)
    whole = int(scaled)
    return whole if whole == scaled else None


# ---------------------------------------------------------------- money


def to_base(money: Money, rates: RateTable | None) -> Money | None:
    """Gives an amount in the base currency; None without a rate."""
    if rates is None:
        return None
    if money.currency == rates.base:
        return money
    rate = rates.rate(money.currency)
    return None if rate is None else Money(multiply(money.amount, rate), rates.base)


def agree(left: Money, right: Money, rates: RateTable | None) -> tuple[Money, Money] | None:
    """Gives both amounts in one currency: their own if it is the same, else the base."""
    if left.currency == right.currency:
        return left, right
    if left.currency == NO_CURRENCY:
        return Money(left.amount, right.currency), right
    if right.currency == NO_CURRENCY:
        return left, Money(right.amount, left.currency)
    left_base, right_base = to_base(left, rates), to_base(right, rates)
    return None if left_base is None or right_base is None else (left_base, right_base)


def order_money(left: Money | None, right: Money | None, rates: RateTable | None) -> int | None:
    """Gives -1, 0 or 1 as left is below, equal to or above right; None when they do not compare."""
    if left is None or right is None:
        return None
    if (pair := agree(left, right, rates)) is None:
        return None
    first, second = pair[0].amount, pair[1].amount
    return (first > second) - (first < second)


def add_money(left: Money | None, right: Money | None, rates: RateTable | None) -> Money | None:
    """Gives the sum, in the base currency when the currencies differ."""
    if left is None or right is None or (pair := agree(left, right, rates)) is None:
        return None
    return Money(add(pair[0].amount, pair[1].amount), pair[0].currency)


def subtract_money(
    left: Money | None, right: Money | None, rates: RateTable | None
) -> Money | None:
    """Gives the difference, in the base currency when the currencies differ."""
    return add_money(left, None if right is None else negate_money(right), rates)


def negate_money(money: Money) -> Money:
    """Gives the amount with the other sign."""
    return Money(negate(money.amount), money.currency)


def multiply_money(money: Money | None, factor: Decimal | None) -> Money | None:
    """Gives an exact multiple."""
    if money is None or factor is None:
        return None
    return Money(multiply(money.amount, factor), money.currency)


def divide_money(money: Money | None, divisor: Decimal | None) -> Money | None:
    """Gives a part with at most 12 places."""
    if money is None or divisor is None or (amount := divide(money.amount, divisor)) is None:
        return None
    return Money(amount, money.currency)


def ratio(left: Money | None, right: Money | None, rates: RateTable | None) -> Decimal | None:
    """Gives how many times `right` fits into `left`."""
    if left is None or right is None or (pair := agree(left, right, rates)) is None:
        return None
    return divide(pair[0].amount, pair[1].amount)
