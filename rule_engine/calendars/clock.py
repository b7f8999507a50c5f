"""The calendar in which every hour counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rule_engine.calendars.years import in_utc
from rule_engine.dates import add_clock, shift_date, shift_instant
from rule_engine.values import CalendarLength


@dataclass(frozen=True, slots=True)
class Continuous:
    """Real time as a Calendar: days and nights, weekends and holidays all count."""

    zone: ZoneInfo

    def unknown_year(self, since: datetime, until: datetime) -> None:
        """Gives None: no day is moved."""

    def worked(self, since: datetime, until: datetime) -> timedelta:
        """Gives the time from one instant to the other."""
        return in_utc(until) - in_utc(since)

    def due(self, start: datetime, length: timedelta) -> datetime | None:
        """Gives the instant a length later."""
        return add_clock(in_utc(start), length)

    def due_days(self, start: datetime, days: int) -> datetime | None:
        """Gives the same clock time days later."""
        return shift_instant(start, CalendarLength(days=days), self.zone)

    def shift_days(self, day: date, days: int) -> date | None:
        """Gives the date days later."""
        return shift_date(day, CalendarLength(days=days))

    def working_days(self, first: date, last: date) -> int:
        """Gives the days from the first to before the last."""
        return (last - first).days
