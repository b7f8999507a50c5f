"""SQLite's scaled integers: how far they reach, and what is done where they do not.

SQLite turns an integer that overflows into a float. So every expression carries bounds: one that
holds always, and one for each of LEVELS that holds while no column is beyond the level. Where only
extraordinary values could make an expression overflow, a CASE looks at the columns: usual rows are
computed natively, the others by functions on decimal texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from rule_engine.arithmetic import scale_integer
from rule_engine.backends.dialects.numbers import Condition, Numbers
from rule_engine.backends.dialects.values import (
    Element,
    Leaf,
    Native,
    Number,
    literal,
    retype,
    verbatim,
)
from rule_engine.columns import MAX_DIGITS, DeferredText

INTEGER = sa.BigInteger()
TEXT = sa.Text()

MAX_INTEGER = 2**63 - 1
STORED = 10**MAX_DIGITS - 1
HALF = 10**9

#: Limits of columns that are tried one after the other, in units of their last place.
LEVELS = (10**13, 10**11, 10**9, 10**7)

#: Numbers up to here can be moved by three places without overflow.
ROOMY = 10**15

#: SQLAlchemy's precedence of * and /, which operators written by hand do not have.
PRODUCT = 8

#: What holds always, then at each level; None where it could overflow.
Bounds = tuple[int | None, ...]


def function(name: str, *arguments: object) -> Element:
    """Gives a call of one of `sqlite_functions` with a decimal text as result."""
    return getattr(sa.func, f"rule_{name}")(*arguments, type_=TEXT)  # type: ignore[no-any-return]  # sa.func takes any name


def integer(element: Element) -> Element:
    """Gives an expression that SQLAlchemy takes as an integer."""
    return retype(element, INTEGER)


def operate(element: Element, operator: str, right: int | str) -> Element:
    """Gives an operation with a constant as written: SQLAlchemy would cast the sides of `/`."""
    return integer(element.op(operator, PRODUCT)(verbatim(right)))


def exact_of(element: Element, scale: int) -> Callable[[], Element]:
    """Gives a maker of a scaled integer's decimal text."""
    return lambda: function("decimal", element, verbatim(scale))


def is_guarded(number: Number) -> bool:
    """Says whether the integer is right only while its columns hold usual values."""
    return number.native is not None and number.native.guarded


def bounds_of(number: Number) -> Bounds:
    """Gives how large a number can be, always and at each level."""
    if number.native is None:
        return (number.bound,) * (len(LEVELS) + 1)
    return (None if number.native.guarded else number.bound, *number.native.reach)


def combine(numbers: Sequence[Number], operation: Callable[[Sequence[int]], int]) -> Bounds:
    """Gives the bounds of what is computed from numbers."""

    def bound(level: Sequence[int | None]) -> int | None:
        known = [each for each in level if each is not None]
        found = operation(known) if len(known) == len(level) else MAX_INTEGER + 1
        return found if found <= MAX_INTEGER else None

    return tuple(map(bound, zip(*map(bounds_of, numbers), strict=True)))


def leaves_of(numbers: Sequence[Number]) -> tuple[Leaf, ...]:
    """Gives all that the bounds of numbers hang on."""
    found = (leaf for number in numbers if number.native for leaf in number.native.leaves)
    return tuple(dict.fromkeys(found))


def make(
    sources: Sequence[Number],
    element: Element,
    scale: int,
    operation: Callable[[Sequence[int]], int],
    exact: Callable[[], Element],
) -> Number | None:
    """Gives a number computed natively from others; None when it could overflow at every level.

    `operation` gives its bound out of theirs, `exact` makes the same by functions.
    """
    bounds, leaves = combine(sources, operation), leaves_of(sources)
    always, nullable = bounds[0], any(number.nullable for number in sources)
    if all(bound is None for bound in bounds) or (always is None and not leaves):
        return None
    native = Native(bounds[1:], leaves, always is None, exact) if leaves else None
    return Number(integer(element), nullable, scale, always or 0, None, native)


def unusual(number: Number, most: int = MAX_INTEGER) -> Condition | None:
    """Gives when a native number must not be trusted to be right and at most `most` in size.

    None when it always is; TRUE when it never may.
    """
    for level, bound in enumerate(bounds_of(number)):
        if bound is not None and bound <= most:
            return _beyond(number, LEVELS[level - 1]) if level else None
    return sa.true()


def roomy(number: Number) -> int:
    """Gives a bound of a number that leaves room to compute with it, if there is a level for it."""
    known = [bound for bound in bounds_of(number) if bound is not None]
    return next((bound for bound in known if bound <= ROOMY), min(known))


def _beyond(number: Number, limit: int) -> Condition:
    leaves = leaves_of([number])
    return sa.or_(
        *(
            sa.func.abs(leaf.element) > verbatim(limit if leaf.limit is None else leaf.limit)
            for leaf in leaves
        )
    )


def _known_bound(number: Number, most: int | None) -> int | None:
    """Gives how large the integer of a number is that is at most `most`; None if not known."""
    if most is None or number.scale is None:
        return None
    found = most * 10**number.scale
    return found if found <= STORED else None


class SqliteScales(Numbers):
    """Moves numbers between scales, and to decimal text."""

    def exact(self, number: Number) -> Element:
        """Gives the number as decimal text."""
        if number.constant is not None:
            return literal(format(number.constant, "f"), TEXT)
        if number.scale is None:
            return number.element
        if number.native is not None and number.native.guarded:
            return number.native.exact()
        return exact_of(number.element, number.scale)()

    def settle(self, number: Number) -> Number:
        """Gives the number without a guard: as text if it has one."""
        if number.native is None or not number.native.guarded:
            return replace(number, native=None)
        usual = function("decimal", number.element, verbatim(number.scale or 0))
        strange = unusual(number)
        exact = self.exact(number)
        element = usual if strange is None else sa.case((strange, exact), else_=usual)
        return Number(element, number.nullable)

    def is_empty(self, number: Number) -> Condition:
        """Looks at the integer, which is NULL when the number is: but for unlike currencies."""
        native = number.native
        if native is None or not native.guarded or not any(x.empties for x in native.leaves):
            return number.element.is_(None)
        strange = unusual(number)
        exact: Condition = self.exact(number).is_(None)
        return (
            exact if strange is None else sa.case((strange, exact), else_=number.element.is_(None))
        )

    def mixed(self, usual: Condition, number: Number, other: Number) -> Number:
        """Gives the integer of the usual case, guarded by its condition."""
        if number.scale is None or number.constant is not None:
            return self.choose([(usual, number)], other)
        leaf = Leaf(sa.not_(usual), 0, empties=True)
        leaves = (*leaves_of([number]), leaf)
        reach = bounds_of(number)[1:]

        def exact() -> Element:
            return sa.case((usual, self.exact(number)), else_=self.exact(other))

        native = Native(reach, leaves, True, exact)
        nullable = number.nullable or other.nullable
        return Number(number.element, nullable, number.scale, 0, None, native)

    def rate(self, currency: Element) -> Number:
        """Gives rule_rate()."""
        return Number(function("rate", sa.bindparam("rates", type_=DeferredText()), currency), True)

    def carried(self, number: Number, most: int | None = None) -> Element:
        """Gives the integer, in its place the exact text where it cannot be trusted.

        Where the number is known to be small it is an integer even then.
        """
        strange = unusual(number, roomy(number)) if is_guarded(number) else None
        if strange is None:
            return number.element
        exact = self.exact(number)
        if _known_bound(number, most) is not None:
            exact = integer(function("stored", exact, verbatim(number.scale or 0)))
        return sa.case((strange, exact), else_=number.element)

    def taken(self, column: Element, number: Number, most: int | None = None) -> Number:
        """Gives the number out of a column of integers, and of texts in the place of some."""
        if number.scale is None:
            return Number(retype(column, TEXT), number.nullable)
        known = _known_bound(number, most)
        if known is not None:
            return Number(integer(column), number.nullable, number.scale, known)
        bound, scale = roomy(number), number.scale
        if not is_guarded(number):
            return Number(integer(column), number.nullable, scale, number.bound)
        is_text = sa.func.typeof(column, type_=TEXT) == verbatim("'text'")
        whole = function("decimal", column, verbatim(scale))
        exact = sa.case((is_text, retype(column, TEXT)), else_=whole)
        native = Native((bound,) * len(LEVELS), (Leaf(is_text, 0),), True, lambda: exact)
        return Number(integer(column), number.nullable, scale, 0, None, native)

    def _rescale(self, number: Number, scale: int) -> Number | None:
        """Gives the same number with more places; None when it does not fit 64 bits."""
        factor = 10 ** (scale - (number.scale or 0))
        return number if factor == 1 else self._times(number, factor, scale)

    def _times(self, number: Number, factor: int, scale: int) -> Number | None:
        """Gives the integer times a factor, with another scale."""
        if number.constant is not None:
            whole = (scale_integer(number.constant, number.scale or 0) or 0) * factor
            if abs(whole) > MAX_INTEGER:
                return None
            return replace(number, element=literal(whole, INTEGER), scale=scale, bound=abs(whole))
        element = number.element * verbatim(factor)

        def bound(found: Sequence[int]) -> int:
            return found[0] * abs(factor)

        return make([number], element, scale, bound, lambda: self.exact(number))

    def align(self, numbers: Sequence[Number]) -> list[Number] | None:
        """Gives all numbers with one scale; None when some are text or would not fit."""
        if any(number.scale is None for number in numbers):
            return None
        scale = max(number.scale or 0 for number in numbers)
        aligned = [self._rescale(number, scale) for number in numbers]
        found = [number for number in aligned if number is not None]
        return found if len(found) == len(numbers) else None
