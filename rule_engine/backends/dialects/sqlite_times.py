"""Dates on SQLite: ISO text, computed by registered functions."""

from __future__ import annotations

from datetime import time

import sqlalchemy as sa

from rule_engine.backends.dialects.numbers import Numbers
from rule_engine.backends.dialects.sqlite_scales import function
from rule_engine.backends.dialects.times import (
    DATE,
    DAYS_BOUND,
    INSTANT,
    MILLISECONDS_BOUND,
    TIME,
    Times,
    zone,
)
from rule_engine.backends.dialects.values import Element, Length, Number, literal, retype, verbatim
from rule_engine.dates import MAX_DAYS, MAX_MILLISECONDS, MAX_MONTHS
from rule_engine.types import Kind

FORMATS = {"year": "%Y", "month": "%m", "day": "%d", "weekday": "%w"}


class SqliteTimes(Times):
    """The functions themselves look at limits."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers

    def _parts(self, length: Length) -> tuple[Element, Element]:
        months = self.numbers.whole_element(length.months, MAX_MONTHS)
        return months, self.numbers.whole_element(length.days, MAX_DAYS)

    def shift_date(self, date: Element, length: Length) -> Element:
        """Gives rule_shift_date()."""
        return retype(function("shift_date", date, *self._parts(length)), DATE)

    def shift_instant(self, instant: Element, length: Length) -> Element:
        """Gives rule_shift_instant()."""
        shifted = function("shift_instant", instant, *self._parts(length), zone())
        return retype(shifted, INSTANT)

    def add_clock(self, instant: Element, milliseconds: Number) -> Element:
        """Gives rule_add_clock()."""
        count = self.numbers.whole_element(milliseconds, MAX_MILLISECONDS)
        return retype(function("add_clock", instant, count), INSTANT)

    def add_to_time(self, clock: Element, milliseconds: Number) -> Element:
        """Gives rule_add_to_time()."""
        count = self.numbers.whole_element(milliseconds, MAX_MILLISECONDS)
        return retype(function("add_to_time", clock, count), TIME)

    def days_between(self, left: Element, right: Element) -> Number:
        """Subtracts Julian days, which are exact halves."""
        days = sa.func.julianday(left, type_=sa.Float()) - sa.func.julianday(
            right, type_=sa.Float()
        )
        return self.numbers.whole(sa.cast(days, sa.BigInteger()), DAYS_BOUND, nullable=True)

    def milliseconds_between(self, left: Element, right: Element) -> Number:
        """Gives rule_milliseconds()."""
        count = function("milliseconds", left, right)
        return self.numbers.whole(count, MILLISECONDS_BOUND, nullable=True)

    def clock_between(self, left: Element, right: Element) -> Number:
        """Gives rule_clock_between()."""
        count = function("clock_between", left, right)
        return self.numbers.whole(count, MILLISECONDS_BOUND, nullable=True)

    def local_instant(self, date: Element, at: time) -> Element:
        """Gives rule_local_instant()."""
        clock = literal(at.isoformat(), sa.Text())
        return retype(function("local_instant", date, clock, zone()), INSTANT)

    def date_of(self, instant: Element) -> Element:
        """Gives rule_date_of()."""
        return retype(function("date_of", instant, zone()), DATE)

    def start_of_date(self, date: Element, unit: str) -> Element:
        """Gives rule_start_of_date()."""
        return retype(function("start_of_date", date, sa.literal(unit)), DATE)

    def start_of_instant(self, instant: Element, unit: str) -> Element:
        """Gives rule_start_of_instant()."""
        start = function("start_of_instant", instant, sa.literal(unit), zone())
        return retype(start, INSTANT)

    def written(self, element: Element, kind: Kind) -> Element:
        """Gives the stored text; of times without seconds."""
        text = sa.cast(element, sa.Text())
        if kind is Kind.TIME:
            return sa.func.substr(text, verbatim(1), verbatim(5), type_=sa.Text())
        return text

    def part(self, date: Element, unit: str) -> Number:
        """Cuts the part out of the text; weekdays by strftime()."""
        if unit == "quarter":
            month = self._number(date, "%m")
            return self._whole((month + 2).op("/", precedence=8)(verbatim("3")))
        number = self._number(date, FORMATS[unit])
        if unit == "weekday":
            return self._whole((number + 6).op("%", precedence=8)(verbatim("7")) + 1)
        return self._whole(number)

    def _number(self, date: Element, form: str) -> Element:
        text = sa.func.strftime(verbatim(f"'{form}'"), date, type_=sa.Text())
        return sa.cast(text, sa.BigInteger())

    def _whole(self, element: Element) -> Number:
        return self.numbers.whole(element, 9999, nullable=True)
