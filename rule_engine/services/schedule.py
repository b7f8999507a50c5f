"""When rules by the clock are due: `every monday at 08:00`, `3 days after due_on at 09:00`.

Clock times are those of the organisation's zone. One that a clock change skips is moved past the
gap, one that comes twice means the later, so that every day has each time once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rule_engine import dates
from rule_engine.program import OnDate, OnSchedule
from rule_engine.services.evaluate import Record, evaluate
from rule_engine.types import Environment
from rule_engine.values import CalendarLength

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

#: `every 2 weeks`, `every 3 months`, `every 5 hours` count from here: a Monday, a month's first.
FIRST_MONDAY = date(2001, 1, 1)
_LENGTHS: dict[str, CalendarLength | timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": CalendarLength(days=1),
    "week": CalendarLength(days=7),
    "month": CalendarLength(months=1),
    "quarter": CalendarLength(months=3),
    "year": CalendarLength(months=12),
}


def next_run(trigger: OnSchedule, after: datetime, zone: ZoneInfo) -> datetime | None:
    """Gives the first instant after `after` at which a schedule is due; None beyond year 9999."""
    return next((moment for moment in _runs(trigger, after, zone) if moment > after), None)


def last_run(
    trigger: OnSchedule, after: datetime, until: datetime, zone: ZoneInfo
) -> datetime | None:
    """Gives the last due instant in (after, until], None without one.

    After a standstill a schedule runs once, not once for each time that was missed.
    """
    step = _step(trigger)
    back = step if isinstance(step, timedelta) else timedelta(days=_longest(step) + 2)
    found = None
    for moment in _runs(trigger, max(after, until - back), zone):
        if moment > until:
            break
        found = moment if moment > after else found
    return found


def _longest(step: CalendarLength) -> int:
    return step.days + step.months * 31


def _step(trigger: OnSchedule) -> CalendarLength | timedelta:
    every = trigger.every
    if isinstance(every, str):
        return _LENGTHS.get(every, CalendarLength(days=7))
    if isinstance(every, timedelta | CalendarLength):
        return every
    raise ValueError("a schedule in business time")  # the check refuses it


def _runs(trigger: OnSchedule, near: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Gives due instants in order, from one at or before `near` on."""
    step = _step(trigger)
    if isinstance(step, timedelta):
        return _by_clock(step, near, zone)
    first = FIRST_MONDAY
    if isinstance(trigger.every, str) and trigger.every in WEEKDAYS:
        first += timedelta(days=WEEKDAYS.index(trigger.every))
    return _by_calendar(step, first, trigger.at or time(), near, zone)


def _by_clock(step: timedelta, near: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Counts real time, so that two runs are always a step apart."""
    anchor = dates.midnight(FIRST_MONDAY, zone)
    if anchor is None:
        return
    moment: datetime | None = anchor + (near - anchor) // step * step
    while moment is not None:
        yield moment
        moment = dates.add_clock(moment, step)


def _by_calendar(
    step: CalendarLength, first: date, at: time, near: datetime, zone: ZoneInfo
) -> Iterator[datetime]:
    count = _steps_before(step, first, near.astimezone(zone).date()) - 1
    while True:
        length = CalendarLength(step.months * count, step.days * count)
        day = dates.shift_date(first, length)
        moment = None if day is None else dates.to_instant(day, at, zone)
        if moment is None:
            return
        yield moment
        count += 1


def _steps_before(step: CalendarLength, first: date, day: date) -> int:
    if step.months:
        months = (day.year - first.year) * 12 + day.month - first.month
        return months // step.months
    return (day - first).days // step.days


def due_of(trigger: OnDate, record: Record, environment: Environment) -> datetime | None:
    """Gives the instant at which a date trigger is due for a record; None while its date is empty.

    A date without `at` means midnight, a point in time without `at` its own clock time.
    """
    value = evaluate(trigger.path, record, environment)
    sign = -1 if trigger.timing == "before" else 1
    length, zone = trigger.length, environment.zone
    if isinstance(length, timedelta):
        start = value if isinstance(value, datetime) else _midnight(value, zone)
        return None if start is None else dates.add_clock(start, sign * length)
    if not isinstance(length, CalendarLength) or not isinstance(value, date):
        return None
    length = length if sign > 0 else -length
    if isinstance(value, datetime) and trigger.at is None:
        return dates.shift_instant(value, length, zone)
    day = dates.day_of_moment(value, zone)
    moved = None if day is None else dates.shift_date(day, length)
    return None if moved is None else dates.to_instant(moved, trigger.at or time(), zone)


def _midnight(value: object, zone: ZoneInfo) -> datetime | None:
    return dates.midnight(value, zone) if isinstance(value, date) else None


def due_key(rule: str, record_id: str, due: datetime) -> str:
    """Gives what a rule by the clock runs at most once for; keep it where it is unique."""
    return f"{rule}/{record_id}/{due.astimezone(UTC).isoformat(timespec='milliseconds')}"
