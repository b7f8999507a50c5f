"""SQLite's scaled integers: how far they reach, and what is done where they do not.

SQLite turns an integer that overflows into a float. So every expression carries a bound. One that
could overflow is computed by functions on decimal texts. Where only columns with extraordinary
values could make it overflow, a CASE looks at the columns and computes all usual rows natively.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from rule_engine.arithmetic import scale_integer
from rule_engine.backends.dialects.numbers import Condition, Numbers
from rule_engine.backends.dialects.values import Element, Native, Number, literal, retype, verbatim
from rule_engine.columns import MAX_DIGITS

INTEGER = sa.BigInteger()
TEXT = sa.Text()

MAX_INTEGER = 2**63 - 1
STORED = 10**MAX_DIGITS - 1
USUAL = 10**13
HALF = 10**9

#: SQLAlchemy's precedence of * and /, which operators written by hand do not have.
PRODUCT = 8


def function(name: str, *arguments: object) -> Element:
    """Gives a call of one of `sqlite_functions` with a decimal text as result."""
    return getattr(sa.func, f"rule_{name}")(*arguments, type_=TEXT)  # type: ignore[no-any-return]  # sa.func takes any name


def integer(element: Element) -> Element:
    """Gives an expression that SQLAlchemy takes as an integer."""
    return retype(element, INTEGER)


def exact_of(element: Element, scale: int) -> Callable[[], Element]:
    """Gives a maker of a scaled integer's decimal text."""
    return lambda: function("decimal", element, verbatim(scale))


def is_guarded(number: Number) -> bool:
    """Says whether the integer is right only while its columns hold usual values."""
    return number.native is not None and number.native.guarded


def usual_bound(number: Number) -> int:
    """Gives the bound that holds while all columns hold usual values."""
    return number.native.usual if number.native else number.bound


def join_native(
    numbers: Sequence[Number], usual: int, bound: int, exact: Callable[[], Element]
) -> Native | None:
    """Gives what is known natively of a sum."""
    if all(number.native is None for number in numbers):
        return None
    leaves = tuple(leaf for number in numbers if number.native for leaf in number.native.leaves)
    guarded = bound > MAX_INTEGER or any(map(is_guarded, numbers))
    return Native(usual, tuple(dict.fromkeys(leaves)), guarded, exact)


def guarded_leaves(numbers: Sequence[Number]) -> tuple[Element, ...]:
    """Gives the columns to look at before integers are trusted."""
    found = [number.native for number in numbers if number.native and number.native.guarded]
    return tuple(dict.fromkeys(leaf for native in found for leaf in native.leaves))


def unusual(leaves: Sequence[Element]) -> Condition:
    """Gives whether one of some columns holds an extraordinary value."""
    limit = verbatim(USUAL)
    return sa.or_(*(sa.func.abs(leaf, type_=INTEGER) > limit for leaf in leaves))


class SqliteScales(Numbers):
    """Moves numbers between scales, and to decimal text."""

    def exact(self, number: Number) -> Element:
        """Gives the number as decimal text."""
        if number.constant is not None:
            return literal(format(number.constant, "f"), TEXT)
        if number.scale is None:
            return number.element
        return number.native.exact() if number.native else exact_of(number.element, number.scale)()

    def settle(self, number: Number) -> Number:
        """Gives the number without a guard: as text if it has one."""
        if number.native is None or not number.native.guarded:
            return replace(number, native=None)
        usual = function("decimal", number.element, verbatim(number.scale or 0))
        element = sa.case((unusual(number.native.leaves), self.exact(number)), else_=usual)
        return Number(element, number.nullable)

    def _rescale(self, number: Number, scale: int) -> Number | None:
        """Gives the same number with more places; None when it does not fit 64 bits."""
        factor = 10 ** (scale - (number.scale or 0))
        return number if factor == 1 else self._times(number, factor, scale)

    def _times(self, number: Number, factor: int, scale: int) -> Number | None:
        usual = (number.native.usual if number.native else number.bound) * abs(factor)
        if usual > MAX_INTEGER:
            return None
        if number.constant is not None:
            whole = scale_integer(number.constant, number.scale or 0) or 0
            element = literal(whole * factor, INTEGER)
            return replace(number, element=element, scale=scale, bound=abs(whole * factor))
        bound = number.bound * abs(factor)
        element = integer(number.element * verbatim(factor))
        native = number.native and replace(
            number.native, usual=usual, guarded=number.native.guarded or bound > MAX_INTEGER
        )
        if native is None and bound > MAX_INTEGER:
            return None
        return Number(element, number.nullable, scale, min(bound, MAX_INTEGER), None, native)

    def align(self, numbers: Sequence[Number]) -> list[Number] | None:
        """Gives all numbers with one scale; None when some are text or would not fit."""
        if any(number.scale is None for number in numbers):
            return None
        scale = max(number.scale or 0 for number in numbers)
        aligned = [self._rescale(number, scale) for number in numbers]
        found = [number for number in aligned if number is not None]
        return found if len(found) == len(numbers) else None
