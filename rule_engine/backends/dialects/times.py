"""What a dialect must be able to do with dates, instants and times of day."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import time

import sqlalchemy as sa

from rule_engine.backends.dialects.values import Element, Length, Number
from rule_engine.columns import Instant
from rule_engine.types import Kind

DATE = sa.Date()
INSTANT = Instant()
TIME = sa.Time()

#: Bounds of what lies between two dates or instants, in days and milliseconds.
DAYS_BOUND = 4_000_000
MILLISECONDS_BOUND = DAYS_BOUND * 86_400_000


def zone() -> Element:
    """Gives the bind parameter for the organisation's zone."""
    return sa.bindparam("zone", type_=sa.Text())


class Times(ABC):
    """Dates and instants as `rule_engine.dates` has them. NULL gives NULL."""

    @abstractmethod
    def shift_date(self, date: Element, length: Length) -> Element:
        """Gives the date a calendar length later."""

    @abstractmethod
    def shift_instant(self, instant: Element, length: Length) -> Element:
        """Gives the instant a calendar length later in the zone."""

    @abstractmethod
    def add_clock(self, instant: Element, milliseconds: Number) -> Element:
        """Gives the instant a clock length later."""

    @abstractmethod
    def add_to_time(self, clock: Element, milliseconds: Number) -> Element:
        """Gives the time of day a clock length later."""

    @abstractmethod
    def days_between(self, left: Element, right: Element) -> Number:
        """Gives left - right in days."""

    @abstractmethod
    def milliseconds_between(self, left: Element, right: Element) -> Number:
        """Gives left - right in milliseconds."""

    @abstractmethod
    def clock_between(self, left: Element, right: Element) -> Number:
        """Gives left - right of two times of day in milliseconds."""

    @abstractmethod
    def written(self, element: Element, kind: Kind) -> Element:
        """Gives a date, an instant or a time as text, as in `rule_engine.wording`."""

    @abstractmethod
    def local_instant(self, date: Element, at: time) -> Element:
        """Gives the instant of a date and a clock time in the zone."""

    @abstractmethod
    def date_of(self, instant: Element) -> Element:
        """Gives the date in the zone."""

    @abstractmethod
    def start_of_date(self, date: Element, unit: str) -> Element:
        """Gives the first day of the year, quarter, month or week."""

    @abstractmethod
    def start_of_instant(self, instant: Element, unit: str) -> Element:
        """Gives the instant at which the period begins in the zone."""

    @abstractmethod
    def part(self, date: Element, unit: str) -> Number:
        """Gives the year, quarter, month, day or weekday (Monday is 1) of a date."""
