"""What is measured of a group of records: how many, and sums, means and extremes of a field.

The database gives exact pieces, of which the value is put together here: so both databases give
the same, and SQLite's integers do not overflow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import sqlalchemy as sa

from metadata.fields.base import BASE, FieldDefinition
from metadata.fields.currencies import digits_of
from metadata.fields.types.money import DEFAULT_CURRENCY
from metadata.query.paths import ResolvedPath, Source
from rule_engine.arithmetic import EXACT, divide, round_places
from rule_engine.columns import Scaled
from rule_engine.dates import from_milliseconds
from rule_engine.types import Kind
from rule_engine.values import Money

Column = sa.ColumnElement[Any]

CURRENCY: Final = "currency"
MILLIARD: Final = 10**9
ADDED: Final = frozenset({Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.CLOCK_LENGTH})
ORDERED: Final = ADDED | {Kind.DATE, Kind.INSTANT, Kind.TIME}
MEASURED: Final = {"sum": ADDED, "avg": ADDED, "min": ORDERED, "max": ORDERED}
"""The functions with the kinds of fields that they measure; `count` counts whatever it is given."""


@dataclass(frozen=True, slots=True)
class MeasurePath:
    """A measure as it was asked for; `count()` has no path."""

    text: str
    function: str
    path: ResolvedPath | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Gives the parts of the field's columns that are looked at."""
        if self.path is None:
            return ()
        kind = self.path.field.type.rule_type(self.path.field).kind
        is_money = kind is Kind.MONEY and self.function != "count"
        return ("", CURRENCY, BASE) if is_money else ("",)


class Measure(ABC):
    """A measure over the columns of an inner select: the pieces to select, and its value."""

    def __init__(self, asked: MeasurePath, columns: Sequence[Column]) -> None:
        self.text = asked.text
        self.function = asked.function
        self.field = None if asked.path is None else asked.path.field
        self.columns = columns

    @abstractmethod
    def pieces(self, dialect: str) -> list[Column]:
        """Gives the aggregates that the database works out for each group."""

    @abstractmethod
    def value(self, pieces: Sequence[Any], base_currency: str) -> object:
        """Gives the value of one group; None for nothing."""

    def rank(self, pieces: Sequence[Any], base_currency: str) -> object:
        """Gives what groups are sorted by; None is lowest."""
        return self.value(pieces, base_currency)


class Counted(Measure):
    """How many records there are, or have a value."""

    def pieces(self, dialect: str) -> list[Column]:
        """Counts all rows, or those that are not NULL."""
        return [sa.func.count(*self.columns) if self.columns else sa.func.count()]

    def value(self, pieces: Sequence[Any], base_currency: str) -> object:
        """Gives the number."""
        return int(pieces[0])


class Extreme(Measure):
    """The first or last of dates, instants and times of day."""

    def pieces(self, dialect: str) -> list[Column]:
        """Gives min() or max()."""
        return [extreme(self.function, self.columns[0])]

    def value(self, pieces: Sequence[Any], base_currency: str) -> object:
        """Gives the value."""
        return pieces[0]


class Numbered(Measure):
    """A sum, mean or extreme of numbers, percents or lengths of time: of these in milliseconds."""

    def __init__(self, asked: MeasurePath, columns: Sequence[Column]) -> None:
        super().__init__(asked, columns)
        self.is_length = kind_of(self.field) is Kind.CLOCK_LENGTH

    def pieces(self, dialect: str) -> list[Column]:
        """Gives what `total` and `settled` read."""
        return number_pieces(self.function, self.columns[0], dialect)

    def value(self, pieces: Sequence[Any], base_currency: str) -> object:
        """Gives the number; a sum of nothing is 0, all else of nothing is nothing."""
        number = settled(self.function, pieces, scale_of(self.columns[0]))
        if number is None or not self.is_length:
            return number
        return from_milliseconds(int(round_places(number, 0)))


class Valued(Measure):
    """A sum, mean or extreme of amounts: of one currency in it, of several in the base currency.

    What they are worth in the base currency was kept with them; where that is unknown of one of
    them, nothing can be said.
    """

    def pieces(self, dialect: str) -> list[Column]:
        """Gives the pieces of amounts and of worths, and whether currencies and worths agree."""
        amount, currency, worth = self.columns
        full = sa.case((amount.is_not(None), currency))
        return [
            *number_pieces(self.function, amount, dialect),
            *number_pieces(self.function, worth, dialect),
            sa.func.min(full),
            sa.func.max(full),
            sa.func.count(amount),
            sa.func.count(worth),
        ]

    def value(self, pieces: Sequence[Any], base_currency: str) -> object:
        """Gives the amount."""
        half = (len(pieces) - 4) // 2
        lowest, highest, amounts, worths = pieces[-4:]
        alike = lowest == highest
        if not alike and amounts != worths:
            return None
        chosen = pieces[:half] if alike else pieces[half : 2 * half]
        number = settled(self.function, chosen, scale_of(self.columns[0]))
        return None if number is None else self.amount(number, lowest if alike else base_currency)

    def rank(self, pieces: Sequence[Any], base_currency: str) -> object:
        """Gives what the amount is worth in the base currency."""
        half = (len(pieces) - 4) // 2
        if pieces[-2] != pieces[-1]:
            return None
        return settled(self.function, pieces[half : 2 * half], scale_of(self.columns[0]))

    def amount(self, number: Decimal, currency: str | None) -> Money:
        """Gives an amount with the places of its currency; that of nothing is the field's."""
        if self.field is None:
            raise TypeError(self.text)
        known = currency or self.field.text(CURRENCY) or DEFAULT_CURRENCY
        places = self.field.number("scale", digits_of(known))
        return Money(half_up(number, places), known)


def measure(asked: MeasurePath, columns: Sequence[Column]) -> Measure:
    """Gives the measure that was asked for, over its columns in an inner select."""
    if asked.function == "count":
        return Counted(asked, columns)
    kind = kind_of(None if asked.path is None else asked.path.field)
    if kind is Kind.MONEY:
        return Valued(asked, columns)
    return Numbered(asked, columns) if kind in ADDED else Extreme(asked, columns)


def measured_columns(source: Source, asked: MeasurePath) -> list[Column]:
    """Gives the columns that a measure looks at, with the joins they need."""
    return [] if asked.path is None else [source.column(asked.path, one) for one in asked.parts]


def kind_of(field: FieldDefinition | None) -> Kind | None:
    """Gives the kind of a field's values."""
    return None if field is None else field.type.rule_type(field).kind


def scale_of(column: Column) -> int:
    """Gives how many places the integers of a column have on SQLite."""
    if not isinstance(column.type, Scaled):
        raise TypeError(column)
    return column.type.scale


def extreme(function: str, column: Column) -> Column:
    """Gives min() or max() of a column."""
    chosen = sa.func.min if function == "min" else sa.func.max
    return chosen(column, type_=column.type)


def number_pieces(function: str, column: Column, dialect: str) -> list[Column]:
    """Gives the pieces of a measure of numbers, the same number of them for each function.

    SQLite adds integers of 18 digits in two halves: one sum could be too long for it.
    """
    if function in ("min", "max"):
        return [extreme(function, column)]
    count = sa.func.count(column)
    if dialect == "postgresql":
        return [sa.func.sum(sa.type_coerce(column, sa.Numeric()), type_=sa.Numeric()), count]
    whole = sa.type_coerce(column, sa.BigInteger())
    half: Column = sa.literal_column(str(MILLIARD), sa.BigInteger())
    high = sa.func.sum(whole.op("/")(half), type_=sa.BigInteger())
    return [high, sa.func.sum(whole.op("%")(half), type_=sa.BigInteger()), count]


def settled(function: str, pieces: Sequence[Any], scale: int) -> Decimal | None:
    """Gives a number out of its pieces; a mean has at most 12 places."""
    if function in ("min", "max"):
        return None if pieces[0] is None else Decimal(pieces[0])
    *sums, count = pieces
    if len(sums) == 1:
        total = Decimal(sums[0] or 0)
    else:
        total = Decimal(int(sums[0] or 0) * MILLIARD + int(sums[1] or 0)).scaleb(-scale, EXACT)
    return divide(total, Decimal(count)) if function == "avg" else total


def half_up(number: Decimal, places: int) -> Decimal:
    """Gives a number rounded half up to exactly so many places."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)
