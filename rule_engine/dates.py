"""Dates and instants: calendar lengths in a zone, midnights, starts of periods.

Instants are aware, UTC, in milliseconds. Results outside the years 1 to 9999 are empty, and so is
a shift by more than 4,000 years (what all databases can count).
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from rule_engine.arithmetic import divide, multiply, round_places
from rule_engine.values import CalendarLength

MAX_MONTHS = 48_000
MAX_DAYS = 1_461_000
MAX_MILLISECONDS = MAX_DAYS * 86_400_000
MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)


def shift_date(start: date, length: CalendarLength) -> date | None:
    """Gives the date a length later: months first, clamped at the month's end, then days."""
    if abs(length.months) > MAX_MONTHS or abs(length.days) > MAX_DAYS:
        return None
    try:
        return _add_months(start, length.months) + timedelta(days=length.days)
    except (ValueError, OverflowError):
        return None


def _add_months(start: date, months: int) -> date:
    if not months:
        return start
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError(year)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))


def shift_instant(start: datetime, length: CalendarLength, zone: ZoneInfo) -> datetime | None:
    """Gives the instant at which the zone's clocks show the same time a length later."""
    try:
        local = start.astimezone(zone)
    except OverflowError:
        return None
    moved = shift_date(local.date(), length)
    return None if moved is None else to_instant(moved, local.time(), zone)


def add_clock(start: datetime, length: timedelta) -> datetime | None:
    """Gives the instant a length of time later."""
    if abs(length) > MAX_DAYS * DAY:
        return None
    try:
        return start + length
    except OverflowError:
        return None


def add_to_time(start: time, length: timedelta) -> time | None:
    """Gives the time of day a length later; it starts over at midnight."""
    if abs(length) > MAX_DAYS * DAY:
        return None
    return (datetime.combine(date(2000, 1, 2), start) + length % DAY).time()


def time_between(left: time, right: time) -> timedelta:
    """Gives `left - right` of two times of the same day."""
    day = date(2000, 1, 1)
    return datetime.combine(day, left) - datetime.combine(day, right)


def to_instant(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    """Gives the instant at which the zone's clocks show a date and time.

    A time that does not exist is moved past the gap, of one that comes twice the later is meant:
    both are the smaller offset, as PostgreSQL has it (manual, appendix B.2).
    """
    local = datetime.combine(day, clock.replace(tzinfo=None, fold=0))
    offsets = [local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)]
    try:
        return (local - min(offset for offset in offsets if offset is not None)).replace(tzinfo=UTC)
    except OverflowError:
        return None


def midnight(day: date, zone: ZoneInfo) -> datetime | None:
    """Gives the instant at which a date begins."""
    return to_instant(day, time(), zone)


def date_in(instant: datetime, zone: ZoneInfo) -> date | None:
    """Gives the date that the zone's calendar shows at an instant."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        return None


def start_of_date(day: date, unit: str) -> date:
    """Gives the first day of the year, quarter, month or week (Monday) that holds a date."""
    if unit == "week":
        return date.fromordinal(max(1, day.toordinal() - day.weekday()))
    if unit == "day":
        return day
    month = {"year": 1, "quarter": day.month - (day.month - 1) % 3}.get(unit, day.month)
    return day.replace(month=month, day=1)


def start_of_instant(instant: datetime, unit: str, zone: ZoneInfo) -> datetime | None:
    """Gives the instant at which that period begins in the zone."""
    day = date_in(instant, zone)
    return None if day is None else midnight(start_of_date(day, unit), zone)


def scale_calendar(length: CalendarLength, factor: Decimal) -> CalendarLength:
    """Gives a multiple, rounded to whole months and whole days."""
    months, days = multiply(Decimal(length.months), factor), multiply(Decimal(length.days), factor)
    return CalendarLength(int(round_places(months, 0)), int(round_places(days, 0)))


@lru_cache(maxsize=1_000)  # promises and their shares are few, their clocks many
def scale_clock(length: timedelta, factor: Decimal) -> timedelta | None:
    """Gives a multiple, rounded to milliseconds; None beyond 4,000 years."""
    count = multiply(Decimal(to_milliseconds(length)), factor)
    return from_milliseconds(int(round_places(count, 0)))


def divide_calendar(length: CalendarLength, divisor: Decimal) -> CalendarLength | None:
    """Gives a part, rounded to whole months and whole days; None for a divisor of 0."""
    months = divide(Decimal(length.months), divisor)
    days = divide(Decimal(length.days), divisor)
    if months is None or days is None:
        return None
    return CalendarLength(int(round_places(months, 0)), int(round_places(days, 0)))


def divide_clock(length: timedelta, divisor: Decimal) -> timedelta | None:
    """Gives a part, rounded to milliseconds; None for a divisor of 0."""
    count = divide(Decimal(to_milliseconds(length)), divisor)
    return None if count is None else from_milliseconds(int(round_places(count, 0)))


def add_lengths(left: timedelta, right: timedelta) -> timedelta | None:
    """Gives the sum; None beyond 4,000 years."""
    return from_milliseconds(to_milliseconds(left) + to_milliseconds(right))


def ratio_of_lengths(left: timedelta, right: timedelta) -> Decimal | None:
    """Gives how many times the right length fits into the left one."""
    return divide(Decimal(to_milliseconds(left)), Decimal(to_milliseconds(right)))


def to_milliseconds(length: timedelta) -> int:
    """Gives a length as a number, cut to whole milliseconds."""
    return length // MILLISECOND


def from_milliseconds(count: int) -> timedelta | None:
    """Gives a number of milliseconds as a length; None beyond 4,000 years."""
    return None if abs(count) > MAX_MILLISECONDS else timedelta(milliseconds=count)


def add_calendar(left: CalendarLength, right: CalendarLength) -> CalendarLength:
    """Gives the sum, months and days apart."""
    return CalendarLength(left.months + right.months, left.days + right.days)


def order_calendar(left: CalendarLength | None, right: CalendarLength | None) -> int | None:
    """Gives -1, 0 or 1; None when days are against months, which do not compare."""
    if left is None or right is None:
        return None
    months = (left.months > right.months) - (left.months < right.months)
    days = (left.days > right.days) - (left.days < right.days)
    return months or days if not months or not days or months == days else None


def day_of_moment(moment: date, zone: ZoneInfo) -> date | None:
    """Gives the date itself, or the date that the zone's calendar shows at an instant."""
    return date_in(moment, zone) if isinstance(moment, datetime) else moment
