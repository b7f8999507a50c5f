"""A dialect: what it does with numbers, texts and times, and what follows from these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from rule_engine.arithmetic import NO_CURRENCY
from rule_engine.backends.dialects.numbers import Condition, Numbers
from rule_engine.backends.dialects.postgresql_numbers import PostgresqlNumbers, strict_extreme
from rule_engine.backends.dialects.postgresql_texts import PostgresqlTexts
from rule_engine.backends.dialects.postgresql_times import PostgresqlTimes
from rule_engine.backends.dialects.sqlite_numbers import SqliteNumbers
from rule_engine.backends.dialects.sqlite_texts import SqliteTexts
from rule_engine.backends.dialects.sqlite_times import SqliteTimes
from rule_engine.backends.dialects.texts import Texts
from rule_engine.backends.dialects.times import Times
from rule_engine.backends.dialects.values import (
    Amount,
    Clock,
    Element,
    Length,
    Number,
    Plain,
    Value,
    literal,
    retype,
)
from rule_engine.check.words import kind_name
from rule_engine.messages import Phrase
from rule_engine.types import Kind


class NoWordError(Exception):
    """What the dialects cannot say; the compiler makes a NotTranslatableError of it."""

    def __init__(self, what: Phrase) -> None:
        self.what = what
        super().__init__(str(what))


@dataclass(frozen=True, slots=True)
class Dialect(ABC):
    """What the compiler and the SQL sides of functions build with."""

    name: str
    numbers: Numbers
    texts: Texts
    times: Times

    @abstractmethod
    def extreme(self, function: str, elements: Sequence[Element]) -> Element:
        """Gives the least ("min") or greatest ("max") of plain values, NULL when one is."""

    @abstractmethod
    def as_identifier(self, element: Element) -> Element:
        """Gives a text that is sorted by code points."""

    def choose(self, arms: Sequence[tuple[Condition, Value]], otherwise: Value) -> Value:
        """Gives the value of the first arm whose condition is true. All are of one kind."""
        values = [*(value for _, value in arms), otherwise]
        conditions = [condition for condition, _ in arms]
        match next((value for value in values if not _is_empty(value)), otherwise):
            case Number():
                return self._choose_number(conditions, [self._number(value) for value in values])
            case Amount():
                amounts = [self._amount(value) for value in values]
                number = self._choose_number(conditions, [each.number for each in amounts])
                currency = _case(conditions, [each.currency for each in amounts])
                lacking = any(each.may_lack_currency for each in amounts)
                return Amount(number, currency, lacking)
            case Length():
                lengths = [self._length(value) for value in values]
                months = self._choose_number(conditions, [each.months for each in lengths])
                days = self._choose_number(conditions, [each.days for each in lengths])
                return Length(months, days)
            case Clock():
                counts = [self._clock(value).milliseconds for value in values]
                return Clock(self._choose_number(conditions, counts))
            case _:
                plain = [value for value in values if isinstance(value, Plain)]
                element = _case(conditions, [value.element for value in plain])
                return Plain(element, any(value.nullable for value in plain))

    def first(self, values: Sequence[Value]) -> Value:
        """Gives the first value that is not empty."""
        full = [value for value in values if not _is_empty(value)] or list(values[:1])
        nullable = all(value.nullable for value in full)
        match full[0]:
            case Number():
                return self.numbers.first([self._number(value) for value in full])
            case Clock():
                counts = [self._clock(value).milliseconds for value in full]
                return Clock(self.numbers.first(counts))
            case Amount():
                return self._first_amount([self._amount(value) for value in full])
            case Length():
                raise NoWordError(Phrase("the first calendar length"))
            case _:
                elements = [value.element for value in full if isinstance(value, Plain)]
                found = sa.func.coalesce(*elements, type_=elements[0].type)
                return Plain(found if len(elements) > 1 else elements[0], nullable)

    def _first_amount(self, amounts: Sequence[Amount]) -> Amount:
        numbers = [self.numbers.settle(amount.number) for amount in amounts]
        currencies: list[Element] = [
            sa.case((number.element.is_not(None), amount.currency), else_=None)
            for number, amount in zip(numbers, amounts, strict=True)
        ]
        lacking = any(amount.may_lack_currency for amount in amounts)
        currency = sa.func.coalesce(*currencies, type_=sa.Text())
        return Amount(self.numbers.first(numbers), currency, lacking)

    def extreme_value(self, function: str, values: Sequence[Value]) -> Value:
        """Gives the least ("min") or greatest ("max") value; empty when one is."""
        nullable = any(value.nullable for value in values)
        match values[0]:
            case Number():
                return self.numbers.extreme(function, [self._number(value) for value in values])
            case Clock():
                counts = [self._clock(value).milliseconds for value in values]
                return Clock(self.numbers.extreme(function, counts))
            case Amount():
                return self._extreme_amount(function, [self._amount(value) for value in values])
            case Length():
                raise NoWordError(Phrase("the order of calendar lengths"))
            case _:
                elements = [value.element for value in values if isinstance(value, Plain)]
                return Plain(self.extreme(function, elements), nullable)

    def _extreme_amount(self, function: str, amounts: Sequence[Amount]) -> Amount:
        """Gives the extreme amount in its own currency; unlike ones are compared by the base."""
        if any(amount.may_lack_currency for amount in amounts):
            raise NoWordError(Phrase("the order of sums of money"))
        numbers = self.numbers
        alike = numbers.extreme(function, [amount.number for amount in amounts])
        if len(amounts) == 1:
            return Amount(alike, amounts[0].currency)
        first = amounts[0].currency
        same = sa.and_(*(first == other.currency for other in amounts[1:]))
        bases = [self.in_base(amount) for amount in amounts]
        order = "<=" if function == "min" else ">="
        wins = [
            sa.and_(*(numbers.compare(order, one, two) for two in bases if two is not one))
            for one in bases
        ]
        pairs = list(zip(wins, amounts, strict=True))
        unlike = numbers.choose([(win, each.number) for win, each in pairs], numbers.empty())
        chosen = sa.case((same, first), *((win, each.currency) for win, each in pairs), else_=None)
        return Amount(numbers.mixed(same, alike, unlike), chosen)

    def in_base(self, amount: Amount) -> Number:
        """Gives an amount in the base currency, empty without a rate."""
        product = self.numbers.multiply(amount.number, self.numbers.rate(amount.currency))
        if not amount.may_lack_currency:
            return product
        nothing = amount.currency == literal(NO_CURRENCY, sa.Text())
        return self.numbers.choose([(nothing, amount.number)], product)

    def written(self, value: Value, kind: Kind) -> Element:
        """Gives a value as text, as in `rule_engine.wording`."""
        match value:
            case Number():
                return self.numbers.digits(value)
            case Amount():
                digits = self.numbers.digits(value.number)
                return digits.concat(literal(" ", sa.Text())).concat(value.currency)
            case Plain() if kind is Kind.BOOLEAN:
                yes, no = literal("true", sa.Text()), literal("false", sa.Text())
                is_false = value.element.is_(sa.false())
                return sa.case((value.element, yes), (is_false, no), else_=None)
            case Plain() if kind in (Kind.DATE, Kind.INSTANT, Kind.TIME):
                return self.times.written(value.element, kind)
            case Plain():
                return value.element
            case _:
                raise NoWordError(Phrase("the text of a {kind}", {"kind": kind_name(kind)}))

    def _choose_number(self, conditions: Sequence[Condition], numbers: Sequence[Number]) -> Number:
        arms = list(zip(conditions, numbers[:-1], strict=True))
        return self.numbers.choose(arms, numbers[-1])

    def _number(self, value: Value) -> Number:
        return value if isinstance(value, Number) else self.numbers.empty()

    def _amount(self, value: Value) -> Amount:
        return value if isinstance(value, Amount) else Amount(self.numbers.empty(), sa.null())

    def _length(self, value: Value) -> Length:
        empty = self.numbers.empty()
        return value if isinstance(value, Length) else Length(empty, empty)

    def _clock(self, value: Value) -> Clock:
        return value if isinstance(value, Clock) else Clock(self.numbers.empty())


class SqliteDialect(Dialect):
    """SQLite 3.38 or later, with the functions of `sqlite_functions`."""

    def extreme(self, function: str, elements: Sequence[Element]) -> Element:
        """Gives SQLite's min() or max(), which are NULL when an argument is."""
        pick = sa.func.min if function == "min" else sa.func.max
        kind: sa.types.TypeEngine[Any] = elements[0].type
        return pick(*elements, type_=kind) if len(elements) > 1 else elements[0]

    def as_identifier(self, element: Element) -> Element:
        """Gives the text: SQLite compares bytes."""
        return element


class PostgresqlDialect(Dialect):
    """PostgreSQL 14 or later."""

    def extreme(self, function: str, elements: Sequence[Element]) -> Element:
        """Gives the extreme of a row of values."""
        return strict_extreme(function, elements, elements[0].type)

    def as_identifier(self, element: Element) -> Element:
        """Gives the text under the collation of code points."""
        return sa.collate(element, "C")


def _case(conditions: Sequence[Condition], elements: Sequence[Element]) -> Element:
    if not conditions:
        return elements[-1]
    whens = zip(conditions, elements[:-1], strict=True)
    kind = next((each.type for each in elements if not _is_null(each)), elements[-1].type)
    return retype(sa.case(*whens, else_=elements[-1]), kind)


def _is_null(element: Element) -> bool:
    return isinstance(element, sa.sql.elements.Null)


def _is_empty(value: Value) -> bool:
    return isinstance(value, Plain) and _is_null(value.element)


def _sqlite() -> Dialect:
    numbers = SqliteNumbers()
    return SqliteDialect("sqlite", numbers, SqliteTexts(), SqliteTimes(numbers))


def _postgresql() -> Dialect:
    numbers = PostgresqlNumbers()
    return PostgresqlDialect("postgresql", numbers, PostgresqlTexts(), PostgresqlTimes(numbers))


DIALECTS = {"sqlite": _sqlite(), "postgresql": _postgresql()}
