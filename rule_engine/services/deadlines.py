"""When a length of time is over: on the clock, on the calendar, in business time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from rule_engine import dates
from rule_engine.program import Length
from rule_engine.types import Calendar
from rule_engine.values import BusinessLength, CalendarLength


def due_after(
    start: datetime, length: Length, zone: ZoneInfo, calendar: Calendar | None
) -> datetime | None:
    """Gives the instant at which a length counted from `start` is over.

    None for business time without a calendar, or beyond what can be counted.
    """
    match length:
        case timedelta():
            return dates.add_clock(start, length)
        case CalendarLength():
            return dates.shift_instant(start, length, zone)
        case BusinessLength(minutes=minutes, days=days):
            if calendar is None:
                return None
            if days:
                return calendar.due_days(start, days)
            return calendar.due(start, timedelta(minutes=minutes))


def part_after(
    start: datetime, due: datetime, share: Decimal, length: Length, calendar: Calendar | None
) -> datetime | None:
    """Gives the instant at which a share of the time between start and due is over.

    Business time is counted as such: half of 8 business hours are 4 business hours.
    """
    if isinstance(length, BusinessLength):
        if calendar is None:
            return None
        return calendar.due(start, _share(calendar.worked(start, due), share))
    return start + _share(due - start, share)


def _share(length: timedelta, share: Decimal) -> timedelta:
    return timedelta(milliseconds=int(dates.to_milliseconds(length) * share))
