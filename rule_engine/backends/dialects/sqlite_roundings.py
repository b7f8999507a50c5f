"""Rounding SQLite's scaled integers: natively while they fit, else as decimal texts."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rule_engine.arithmetic import MAX_PLACES
from rule_engine.backends.dialects.sqlite_scales import (
    INTEGER,
    MAX_INTEGER,
    PRODUCT,
    SqliteScales,
    function,
    integer,
    make,
    operate,
)
from rule_engine.backends.dialects.values import Element, Number, verbatim

#: Floats hold all whole numbers below 2^52 with a half between each two of them.
FLOAT_LIMIT = 2**52
#: Added to make a number positive: its division then rounds down.
LIFT = 4 * 10**18


class Roundings(SqliteScales):
    """round, floor, ceiling, abs."""

    def round(self, number: Number, places: Number) -> Number:
        """Gives the number rounded half up."""
        scale, wanted = number.scale, places.constant
        if scale is not None and wanted is not None and abs(wanted) <= MAX_PLACES:
            count = int(wanted)
            if scale <= count:
                return number
            rounded = self._round_native(number, scale, count)
            if rounded is not None:
                return rounded
        return self._exactly("round", number, places, nullable=True)

    def _round_native(self, number: Number, scale: int, places: int) -> Number | None:
        factor = 10 ** (scale - places)
        whole = self._divided(number, factor)
        if whole is None:
            return None
        back: int = 10 ** max(0, -places)
        element = whole if back == 1 else integer(whole) * verbatim(back)

        def bound(found: Sequence[int]) -> int:
            return _rounded_bound(self._is_column(number), found[0], factor) * back

        def exact() -> Element:
            return function("round", self.exact(number), verbatim(places))

        return make([number], element, max(0, places), bound, exact)

    def _divided(self, number: Number, factor: int) -> Element | None:
        """Gives the integer divided by a power of ten, half up; None for too great a one.

        A column is written twice; of anything longer a float is taken, which is exact as far as
        `_rounded_bound` goes.
        """
        if factor > MAX_INTEGER // 2:
            return None
        if self._is_column(number):
            rest = operate(operate(number.element, "%", factor), "/", factor // 2)
            return operate(number.element, "/", factor) + rest
        quotient = number.element.op("/", PRODUCT)(verbatim(f"{factor}.0"))
        return sa.cast(sa.func.round(quotient), INTEGER)

    def _to_scale(self, number: Number, scale: int) -> Number | None:
        """Gives the number with exactly so many places, rounded half up; None for texts."""
        if number.scale is None:
            return None
        if number.scale > scale:
            return self._round_native(number, number.scale, scale)
        return self._rescale(number, scale)

    def floor(self, number: Number) -> Number:
        """Gives the greatest whole number not above."""
        return self._towards("floor", number, 0)

    def ceiling(self, number: Number) -> Number:
        """Gives the smallest whole number not below."""
        return self._towards("ceiling", number, 1)

    def _towards(self, name: str, number: Number, up: int) -> Number:
        """Divides what was lifted above 0, where SQLite's division rounds down."""
        if number.scale == 0:
            return number
        factor = 10 ** (number.scale or 0)
        if number.scale is not None and factor <= LIFT:
            lift = LIFT - LIFT % factor
            lifted = integer(number.element + verbatim(lift + up * (factor - 1)))
            whole = operate(lifted, "/", factor) - verbatim(lift // factor)

            def bound(found: Sequence[int]) -> int:
                return found[0] // factor + 1 if found[0] <= lift else MAX_INTEGER + 1

            def exact() -> Element:
                return function(name, self.exact(number))

            found = make([number], whole, 0, bound, exact)
            if found is not None:
                return found
        return self._exactly(name, number)

    def absolute(self, number: Number) -> Number:
        """Gives abs()."""

        def exact() -> Element:
            return function("absolute", self.exact(number))

        if number.scale is not None:
            found = make([number], sa.func.abs(number.element), number.scale, max, exact)
            if found is not None:
                return found
        return self._exactly("absolute", number)

    def _exactly(self, name: str, *numbers: Number, nullable: bool | None = None) -> Number:
        found = any(number.nullable for number in numbers) if nullable is None else nullable
        return Number(function(name, *map(self.exact, numbers)), found)

    def _is_column(self, number: Number) -> bool:
        """Says whether the integer is a column as it is."""
        return isinstance(number.element, sa.TypeCoerce) and isinstance(
            number.element.clause, sa.ColumnClause
        )


def _rounded_bound(is_column: bool, bound: int, factor: int) -> int:
    if not is_column and bound >= FLOAT_LIMIT:
        return MAX_INTEGER + 1
    return bound // factor + 1
