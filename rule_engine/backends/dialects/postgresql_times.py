"""Dates on PostgreSQL.

Its calendar is wider than the years 1 to 9999: results are clamped just outside and become NULL.
"""

from __future__ import annotations

from datetime import time
from typing import Any

import sqlalchemy as sa

from rule_engine.backends.dialects.numbers import Numbers
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

LOCAL = sa.TIMESTAMP()
WRITTEN_INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def _within(element: Element, kind: str, low: str, high: str) -> Element:
    """Gives NULL for what is not between two constants; least() and greatest() pass over NULL."""
    lowest, highest = verbatim(f"{kind} '{low}'"), verbatim(f"{kind} '{high}'")
    clamped = sa.func.greatest(sa.func.least(element, highest), lowest)
    return sa.func.nullif(sa.func.nullif(clamped, highest), lowest)


def _as_date(element: Element) -> Element:
    bounded = _within(sa.cast(element, DATE), "DATE", "0001-12-31 BC", "10000-01-01")
    return retype(bounded, DATE)


def _as_instant(local: Element) -> Element:
    """Gives the instant of a local time in the zone."""
    bounded = _within(local, "TIMESTAMP", "0001-12-31 23:59:59.999 BC", "10000-01-01")
    return _bounded_instant(sa.func.timezone(zone(), bounded))


def _bounded_instant(element: Element) -> Element:
    low, high = "0001-12-31 23:59:59.999+00 BC", "10000-01-01 00:00+00"
    return retype(_within(element, "TIMESTAMPTZ", low, high), INSTANT)


def _local(instant: Element) -> Element:
    return sa.func.timezone(zone(), instant, type_=LOCAL)


def _minus(left: Element, right: Element, kind: sa.types.TypeEngine[Any]) -> Element:
    return left.op("-", precedence=7, return_type=kind)(right)


class PostgresqlTimes(Times):
    """The database's own arithmetic, which clamps at the ends of months."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers

    def _interval(self, length: Length) -> Element:
        months = self.numbers.whole_element(length.months, MAX_MONTHS)
        days = self.numbers.whole_element(length.days, MAX_DAYS)
        none = verbatim(0)
        return sa.func.make_interval(none, months, none, days, type_=sa.Interval())

    def shift_date(self, date: Element, length: Length) -> Element:
        """Adds an interval of months and days."""
        return _as_date(sa.cast(date, LOCAL) + self._interval(length))

    def shift_instant(self, instant: Element, length: Length) -> Element:
        """Adds an interval to the local time."""
        return _as_instant(_local(instant) + self._interval(length))

    def add_clock(self, instant: Element, milliseconds: Number) -> Element:
        """Adds an interval read from text: a number times an interval would be a float."""
        return _bounded_instant(sa.cast(instant, INSTANT) + self._clock(milliseconds))

    def add_to_time(self, clock: Element, milliseconds: Number) -> Element:
        """Adds the length; the database starts over at midnight."""
        return retype(sa.cast(clock, TIME) + self._clock(milliseconds), TIME)

    def _clock(self, milliseconds: Number) -> Element:
        constant = milliseconds.constant
        if constant is not None and abs(constant) <= MAX_MILLISECONDS:
            text = literal(f"{int(constant)} milliseconds", sa.Text())
            return sa.cast(text, sa.Interval())
        limited = self.numbers.whole_element(milliseconds, MAX_MILLISECONDS)
        text = sa.cast(limited, sa.Text()).concat(literal(" milliseconds", sa.Text()))
        return sa.cast(text, sa.Interval())

    def days_between(self, left: Element, right: Element) -> Number:
        """Gives `left - right`, an integer."""
        days = _minus(sa.cast(left, DATE), sa.cast(right, DATE), sa.Integer())
        return self.numbers.whole(days, DAYS_BOUND, nullable=True)

    def milliseconds_between(self, left: Element, right: Element) -> Number:
        """Gives the seconds of the difference, times 1000."""
        between = _minus(sa.cast(left, INSTANT), sa.cast(right, INSTANT), sa.Interval())
        return self._milliseconds_of(between)

    def _milliseconds_of(self, between: Element) -> Number:
        seconds = sa.extract("epoch", between)
        thousand = verbatim("1000")
        count = retype(seconds, sa.Numeric()) * thousand
        return self.numbers.whole(count, MILLISECONDS_BOUND, nullable=True)

    def clock_between(self, left: Element, right: Element) -> Number:
        """Gives the seconds of the difference, times 1000."""
        between = _minus(sa.cast(left, TIME), sa.cast(right, TIME), sa.Interval())
        return self._milliseconds_of(between)

    def local_instant(self, date: Element, at: time) -> Element:
        """Adds the time to the date and reads it in the zone."""
        clock = sa.cast(literal(at, TIME), TIME)
        return _as_instant(retype(sa.cast(date, DATE).op("+", precedence=7)(clock), LOCAL))

    def date_of(self, instant: Element) -> Element:
        """Cuts the local time."""
        return _as_date(_local(instant))

    def start_of_date(self, date: Element, unit: str) -> Element:
        """Gives date_trunc() of the date at midnight."""
        return _as_date(sa.func.date_trunc(unit, sa.cast(date, LOCAL)))

    def start_of_instant(self, instant: Element, unit: str) -> Element:
        """Gives date_trunc() of the local time."""
        return _as_instant(sa.func.date_trunc(unit, _local(instant)))

    def written(self, element: Element, kind: Kind) -> Element:
        """Gives to_char()."""
        if kind is Kind.INSTANT:
            form, element = WRITTEN_INSTANT, sa.func.timezone(verbatim("'UTC'"), element)
        else:
            form = "YYYY-MM-DD" if kind is Kind.DATE else "HH24:MI"
        return sa.func.to_char(element, literal(form, sa.Text()), type_=sa.Text())

    def part(self, date: Element, unit: str) -> Number:
        """Gives extract()."""
        found = sa.extract("isodow" if unit == "weekday" else unit, sa.cast(date, DATE))
        return self.numbers.whole(found, 9999, nullable=True)
