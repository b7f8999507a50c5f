"""Values of the language as SQL expressions.

`nullable` says that the expression may be NULL, which is how SQL says empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

Element = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Plain:
    """A text, boolean, date, instant, time, choice, reference or set of choices."""

    element: Element
    nullable: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """What SQLite looks at before it trusts its integers: beyond `limit` it must not.

    Without a limit of its own, the level that is needed decides. `empties`: beyond it the number
    may be empty though the integer is not.
    """

    element: Element
    limit: int | None = None
    empties: bool = False


@dataclass(frozen=True, slots=True)
class Native:
    """How far SQLite's own integers can be trusted with a number.

    `reach` bounds it at each of SQLite's levels, as long as no leaf is beyond the level's limit;
    None says that it could overflow even then. When `guarded`, the integer expression is right
    only within such limits, and `exact` gives it always.
    """

    reach: tuple[int | None, ...]
    leaves: tuple[Leaf, ...]
    guarded: bool
    exact: Callable[[], Element]


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal.

    With a `scale` the element is a whole number of 10^-scale, at most `bound` in size. Without,
    it is a decimal as the dialect has it: NUMERIC on PostgreSQL, text on SQLite. `constant` is
    the value when it is known. `native` is SQLite's own affair.
    """

    element: Element
    nullable: bool
    scale: int | None = None
    bound: int = 0
    constant: Decimal | None = None
    native: Native | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """Money. `may_lack_currency`: it may be the sum of nothing, which fits any currency."""

    number: Number
    currency: Element
    may_lack_currency: bool = False

    @property
    def nullable(self) -> bool:
        """Says that the amount may be NULL."""
        return self.number.nullable


@dataclass(frozen=True, slots=True)
class Length:
    """A calendar length."""

    months: Number
    days: Number

    @property
    def nullable(self) -> bool:
        """Says that a part may be NULL."""
        return self.months.nullable or self.days.nullable


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock length in milliseconds."""

    milliseconds: Number

    @property
    def nullable(self) -> bool:
        """Says that it may be NULL."""
        return self.milliseconds.nullable


Value = Plain | Number | Amount | Length | Clock


def literal(value: object, kind: sa.types.TypeEngine[Any]) -> Element:
    """Gives a bound constant."""
    return sa.literal(value, kind)


def retype(element: Element, kind: sa.types.TypeEngine[Any]) -> Element:
    """Gives an expression that SQLAlchemy takes for another type.

    The type of a bind parameter says how its value is sent, so it gets a cast around it instead.
    """
    if not isinstance(element, sa.BindParameter):
        return sa.type_coerce(element, kind)
    return element if type(element.type) is type(kind) else sa.cast(element, kind)


def verbatim(sql: str | int) -> Element:
    """Gives SQL as written here, never from a user: small constants and literals of types."""
    element: Element = sa.literal_column(str(sql))
    return element


def parts(value: Value) -> dict[str, Number | Plain]:
    """Gives what a value consists of, by name; "" is the main part."""
    match value:
        case Amount():
            return {"": value.number, "currency": Plain(value.currency, value.nullable)}
        case Length():
            return {"months": value.months, "days": value.days}
        case Clock():
            return {"": value.milliseconds}
        case _:
            return {"": value}


def map_parts(value: Value, change: Callable[[Number | Plain], Number | Plain]) -> Value:
    """Gives the value with every part changed, e.g. put into a subquery of its own."""

    def number(old: Number) -> Number:
        new = change(old)
        if not isinstance(new, Number):
            raise TypeError(new)
        return new

    match value:
        case Amount():
            currency = change(Plain(value.currency, value.nullable)).element
            return Amount(number(value.number), currency, value.may_lack_currency)
        case Length():
            return Length(number(value.months), number(value.days))
        case Clock():
            return Clock(number(value.milliseconds))
        case _:
            return change(value)
