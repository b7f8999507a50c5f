"""What a dialect must be able to do with numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import Any

import sqlalchemy as sa

from rule_engine.backends.dialects.values import Element, Number, retype, verbatim

Condition = sa.ColumnElement[bool]

OPERATORS: Mapping[str, Any] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Numbers(ABC):
    """Exact decimal arithmetic. NULL makes everything NULL, so does a divisor of 0."""

    @abstractmethod
    def constant(self, value: Decimal) -> Number:
        """Gives a bound constant."""

    @abstractmethod
    def column(self, column: Element, *, nullable: bool) -> Number:
        """Gives a stored number; the column's type is Scaled or an integer type."""

    @abstractmethod
    def parameter(self, name: str) -> Number:
        """Gives a bind parameter whose value will be a Decimal or None."""

    def given(self, name: str) -> Number:
        """Gives a bind parameter that stands for a literal: never empty."""
        return replace(self.parameter(name), nullable=False)

    @abstractmethod
    def whole(self, element: Element, bound: int, *, nullable: bool) -> Number:
        """Gives the number of an integer expression."""

    @abstractmethod
    def compare(self, operator: str, left: Number, right: Number) -> Condition:
        """Gives `left operator right` for = < <= > >=, NULL (or false) when a side is empty."""

    @abstractmethod
    def one_of(self, number: Number, values: Sequence[Decimal]) -> Condition:
        """Gives `number in values`."""

    @abstractmethod
    def add(self, left: Number, right: Number) -> Number:
        """Gives the sum."""

    @abstractmethod
    def multiply(self, left: Number, right: Number) -> Number:
        """Gives the product."""

    @abstractmethod
    def negate(self, number: Number) -> Number:
        """Gives the number with the other sign."""

    @abstractmethod
    def divide(self, left: Number, right: Number) -> Number:
        """Gives the quotient, half up to 12 places."""

    @abstractmethod
    def modulo(self, left: Number, right: Number) -> Number:
        """Gives the rest, which has the divisor's sign."""

    @abstractmethod
    def round(self, number: Number, places: Number) -> Number:
        """Gives the number rounded half up to a number of places, which may be negative."""

    @abstractmethod
    def floor(self, number: Number) -> Number:
        """Gives the greatest whole number not above."""

    @abstractmethod
    def ceiling(self, number: Number) -> Number:
        """Gives the smallest whole number not below."""

    @abstractmethod
    def absolute(self, number: Number) -> Number:
        """Gives the size without the sign."""

    @abstractmethod
    def extreme(self, function: str, numbers: Sequence[Number]) -> Number:
        """Gives the least ("min") or greatest ("max") number; NULL when one is."""

    @abstractmethod
    def first(self, numbers: Sequence[Number]) -> Number:
        """Gives the first number that is not NULL."""

    @abstractmethod
    def choose(self, arms: Sequence[tuple[Condition, Number]], otherwise: Number) -> Number:
        """Gives the number of the first arm whose condition is true."""

    @abstractmethod
    def total(self, number: Number) -> Number:
        """Gives the aggregate sum over rows; 0 for none."""

    @abstractmethod
    def aggregate_extreme(self, function: str, number: Number) -> Number:
        """Gives the aggregate "min" or "max" over rows; NULL for none."""

    @abstractmethod
    def within(self, number: Number, limit: int) -> Number:
        """Gives the number, NULL beyond ±limit."""

    @abstractmethod
    def whole_element(self, number: Number, limit: int) -> Element:
        """Gives a whole number as an integer expression, NULL beyond ±limit."""

    @abstractmethod
    def result(self, number: Number) -> sa.ColumnElement[Decimal]:
        """Gives an expression that is read as a Decimal."""

    @abstractmethod
    def stored(self, number: Number, scale: int, most: int | None = None) -> Element:
        """Gives what a Scaled column keeps: rounded half up, NULL beyond 18 digits.

        `most` says how large the number can be, when that is known.
        """

    @abstractmethod
    def digits(self, number: Number) -> Element:
        """Gives the number as text without zeros after its last digit behind the point."""

    @abstractmethod
    def parse(self, text: Element) -> Number:
        """Gives the number that a text is, NULL for any other text."""

    def subtract(self, left: Number, right: Number) -> Number:
        """Gives the difference."""
        return self.add(left, self.negate(right))

    def settle(self, number: Number) -> Number:
        """Gives the number in a form that may be moved into another place of the statement."""
        return number

    def is_empty(self, number: Number) -> Condition:
        """Gives whether there is no number."""
        return number.element.is_(None)

    @abstractmethod
    def rate(self, currency: Element) -> Number:
        """Gives what one unit of a currency is worth in the base currency, NULL without a rate."""

    def mixed(self, usual: Condition, number: Number, other: Number) -> Number:
        """Gives `number` where a condition is true, else `other`."""
        return self.choose([(usual, number)], other)

    def carried(self, number: Number, most: int | None = None) -> Element:
        """Gives the number as a column of a derived table, for `taken`.

        `most` says how large it can be, when that is known.
        """
        return number.element

    def taken(self, column: Element, number: Number, most: int | None = None) -> Number:
        """Gives the number again out of the column that carries it, with the same `most`."""
        return replace(number, element=retype(column, number.element.type), constant=None)

    def order_element(self, number: Number) -> Element:
        """Gives an expression that sorts as the number does."""
        return number.element

    def empty(self) -> Number:
        """Gives the empty number."""
        return Number(verbatim("NULL"), True, 0, 0)
