"""Arithmetic by the kinds of both sides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping

from rule_engine import arithmetic, core
from rule_engine.backends.chains import balance, is_plain, split_sum
from rule_engine.backends.dialects.values import (
    Amount,
    Clock,
    Element,
    Length,
    Number,
    Plain,
    Value,
    literal,
)
from rule_engine.backends.sql.frames import Frame, Frames, not_said
from rule_engine.check.words import kind_name
from rule_engine.dates import MAX_MILLISECONDS
from rule_engine.types import Kind

LONG_SUM = 16
MOST_NESTED = 6
MIRRORED_SIGNS = {"+": "-", "-": "+"}

PLAIN: Mapping[str, Callable[[Decimal, Decimal], Decimal | None]] = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
}


def base_currency() -> Element:
    """Gives the bind parameter for the base currency."""
    return sa.bindparam("base_currency", type_=sa.Text())


def _terms(node: core.Node, sign: str = "+") -> list[tuple[str, core.Node]]:
    """Gives the amounts that a tree of sums and differences consists of, with their signs."""
    if not isinstance(node, core.Arithmetic) or node.op not in "+-":
        return [(sign, node)]
    turned = sign if node.op == "+" else MIRRORED_SIGNS[sign]
    return [*_terms(node.left, sign), *_terms(node.right, turned)]


class Arithmetic(Frames, ABC):
    """Compiles sums, products and the like."""

    #: How many sums of money the one at hand stands in.
    nesting = 0

    @abstractmethod
    def value(self, node: core.Node, frame: Frame) -> Value:
        """Gives the value of any node."""

    def computed(self, node: core.Arithmetic, frame: Frame) -> Value:
        """Gives the value of an arithmetic node."""
        if is_plain(node) and node.op in "+-":
            added, taken = split_sum(node)
            if len(added) + len(taken) >= LONG_SUM:
                return self._long_sum(added, taken, frame)
        if node.op in "+-" and node.type.kind is Kind.MONEY:
            total = self._sum_of_money(node, frame)
            if total is not None:
                return total
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        found = self._combine(node.op, left, right)
        if found is None:
            found = self._on_calendar(node, left, right)
        if found is None:
            left_kind, right_kind = kind_name(node.left.type.kind), kind_name(node.right.type.kind)
            raise not_said(
                node, "SQL has no {left} {op} {right}", left=left_kind, op=node.op, right=right_kind
            )
        return found

    def negated(self, value: Value) -> Value | None:
        """Gives the value with the other sign; None for what has no sign."""
        match value:
            case Number():
                return self.numbers.negate(value)
            case Amount():
                number = self.numbers.negate(value.number)
                return Amount(number, value.currency, value.may_lack_currency)
            case Length():
                return self._negated_length(value)
            case Clock():
                return Clock(self.numbers.negate(value.milliseconds))
            case _:
                return None

    def _negated_length(self, value: Length) -> Length:
        return Length(self.numbers.negate(value.months), self.numbers.negate(value.days))

    def _long_sum(self, added: list[core.Node], taken: list[core.Node], frame: Frame) -> Value:
        plus, minus = [
            [value for node in nodes if isinstance(value := self.value(node, frame), Number)]
            for nodes in (added, taken)
        ]
        total = balance(plus, self.bracketed_sum)
        return self.number("-", total, balance(minus, self.bracketed_sum)) if minus else total

    def bracketed_sum(self, left: Number, right: Number) -> Number:
        """Gives a sum in brackets: SQLAlchemy would write a + (b + c) without, deep again."""
        total = self.number("+", left, right)
        return replace(total, element=Grouping(total.element))

    def number(self, operator: str, left: Number, right: Number) -> Number:
        """Gives `left operator right` of two numbers; constants are computed here."""
        if left.constant is not None and right.constant is not None:
            known = PLAIN[operator](left.constant, right.constant)
            return self.numbers.empty() if known is None else self.numbers.constant(known)
        numbers = self.numbers
        return {
            "+": numbers.add,
            "-": numbers.subtract,
            "*": numbers.multiply,
            "/": numbers.divide,
        }[operator](left, right)

    def _combine(self, operator: str, left: Value, right: Value) -> Value | None:
        match left, operator, right:
            case Number(), _, Number():
                return self.number(operator, left, right)
            case Amount(), "+" | "-" | "/", Amount():
                return self._amounts(operator, left, right)
            case Amount(), "*" | "/", Number():
                return self._amount_times(operator, left, right)
            case Number(), "*", Amount():
                return self._amount_times(operator, right, left)
            case Length(), "+" | "-", Length():
                return self._lengths(operator, left, right)
            case Length(), "*" | "/", Number():
                return self._length_times(operator, left, right)
            case Number(), "*", Length():
                return self._length_times(operator, right, left)
            case Clock(), "+" | "-", Clock():
                return self._clock(self.number(operator, left.milliseconds, right.milliseconds))
            case Clock(), "/", Clock():
                return self.number("/", left.milliseconds, right.milliseconds)
            case Clock(), "*" | "/", Number():
                return self._clock_times(operator, left, right)
            case Number(), "*", Clock():
                return self._clock_times(operator, right, left)
            case _:
                return None

    # ------------------------------------------------------------ money

    def same_currency(self, left: Amount, right: Amount) -> sa.ColumnElement[bool]:
        """Gives whether two amounts can be put together without rates."""
        tests: list[sa.ColumnElement[bool]] = [left.currency == right.currency]
        nothing = literal(arithmetic.NO_CURRENCY, sa.Text())
        tests += [each.currency == nothing for each in (left, right) if each.may_lack_currency]
        return sa.or_(*tests)

    def _amounts(self, operator: str, left: Amount, right: Amount) -> Value:
        same = self.same_currency(left, right)
        alike = self.number(operator, left.number, right.number)
        unlike = self.number(operator, *map(self.dialect.in_base, (left, right)))
        number = self.numbers.mixed(same, alike, unlike)
        if operator == "/":
            return number
        lacking = left.may_lack_currency and right.may_lack_currency
        common = self._common_currency(left, right)
        return Amount(number, sa.case((same, common), else_=base_currency()), lacking)

    def _sum_of_money(self, node: core.Arithmetic, frame: Frame) -> Value | None:
        """Gives a sum of amounts, all of one currency or all in the base.

        Two by two each amount would be written twice, with those inside of it: an expression that
        doubles with every `+`. None when no amount is sure to have a currency.
        """
        if self.nesting >= MOST_NESTED:
            raise not_said(node, "sums of money inside of each other are too long for SQL")
        self.nesting += 1
        terms = [(sign, self.value(term, frame)) for sign, term in _terms(node)]
        self.nesting -= 1
        amounts = [(sign, amount) for sign, amount in terms if isinstance(amount, Amount)]
        sure = [amount for _, amount in amounts if not amount.may_lack_currency]
        if len(amounts) < len(terms) or not sure:
            return None
        rest = [amount for _, amount in amounts if amount is not sure[0]]
        same = sa.and_(*(self.same_currency(sure[0], amount) for amount in rest))
        alike = self._signed([(sign, amount.number) for sign, amount in amounts])
        unlike = self._signed([(sign, self.dialect.in_base(each)) for sign, each in amounts])
        currency = sa.case((same, sure[0].currency), else_=base_currency())
        return Amount(self.numbers.mixed(same, alike, unlike), currency)

    def _signed(self, terms: list[tuple[str, Number]]) -> Number:
        signed = [self.numbers.negate(each) if sign == "-" else each for sign, each in terms]
        return balance(signed, self.bracketed_sum)

    def _common_currency(self, left: Amount, right: Amount) -> Element:
        if not left.may_lack_currency:
            return left.currency
        nothing = literal(arithmetic.NO_CURRENCY, sa.Text())
        return sa.case((left.currency == nothing, right.currency), else_=left.currency)

    def _amount_times(self, operator: str, amount: Amount, factor: Number) -> Amount:
        number = self.number(operator, amount.number, factor)
        return Amount(number, amount.currency, amount.may_lack_currency)

    # ------------------------------------------------------------ lengths

    def _lengths(self, operator: str, left: Length, right: Length) -> Length:
        months = self.number(operator, left.months, right.months)
        return Length(months, self.number(operator, left.days, right.days))

    def _length_times(self, operator: str, length: Length, factor: Number) -> Length:
        """A part that is 0 stays so, as long as the other part can carry the emptiness."""
        months, days = length.months, length.days
        if months.constant != 0:
            months = self._rounded(operator, months, factor)
        if days.constant != 0 or length.months.constant == 0:
            days = self._rounded(operator, days, factor)
        return Length(months, days)

    def _rounded(self, operator: str, count: Number, factor: Number) -> Number:
        result = self.number(operator, count, factor)
        if result.constant is not None:
            return self.numbers.constant(arithmetic.round_places(result.constant, 0))
        return self.numbers.round(result, self.numbers.constant(arithmetic.ZERO))

    def _clock_times(self, operator: str, clock: Clock, factor: Number) -> Clock:
        return self._clock(self._rounded(operator, clock.milliseconds, factor))

    def _clock(self, milliseconds: Number) -> Clock:
        return Clock(self.numbers.within(milliseconds, MAX_MILLISECONDS))

    # ------------------------------------------------------------ dates

    def _on_calendar(self, node: core.Arithmetic, left: Value, right: Value) -> Value | None:
        kind = node.left.type.kind
        match left, node.op, right:
            case Plain(), "-", Plain() if kind is Kind.DATE:
                days = self.times.days_between(left.element, right.element)
                return Length(self.numbers.constant(arithmetic.ZERO), days)
            case Plain(), "-", Plain() if kind is Kind.INSTANT:
                return Clock(self.times.milliseconds_between(left.element, right.element))
            case Plain(), "-", Plain() if kind is Kind.TIME:
                return Clock(self.times.clock_between(left.element, right.element))
            case Plain(), "+", Length() | Clock():
                return self._shift(kind, left, right)
            case Plain(), "-", Length():
                return self._shift(kind, left, self._negated_length(right))
            case Plain(), "-", Clock():
                return self._shift(kind, left, Clock(self.numbers.negate(right.milliseconds)))
            case Length() | Clock(), "+", Plain():
                return self._shift(node.right.type.kind, right, left)
            case _:
                return None

    def _shift(self, kind: Kind, start: Plain, length: Length | Clock) -> Value | None:
        match kind, length:
            case Kind.DATE, Length():
                return Plain(self.times.shift_date(start.element, length), True)
            case Kind.INSTANT, Length():
                return Plain(self.times.shift_instant(start.element, length), True)
            case Kind.INSTANT, Clock():
                return Plain(self.times.add_clock(start.element, length.milliseconds), True)
            case Kind.TIME, Clock():
                return Plain(self.times.add_to_time(start.element, length.milliseconds), True)
            case _:
                return None
