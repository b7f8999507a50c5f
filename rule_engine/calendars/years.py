"""The working time of one year, with prefix sums."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Times = tuple[tuple[time, time], ...]

ZERO = timedelta()
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Year:
    """A year's working spans between `begin` and `end`, the zone's new years.

    `opens` and `closes` are the spans' ends in order, all in UTC; `before` is the working time of
    the year before each span. `days` are the working days as ordinals, in order.
    """

    begin: datetime
    end: datetime
    opens: Sequence[datetime]
    closes: Sequence[datetime]
    before: Sequence[timedelta]
    after: Sequence[timedelta]
    days: Sequence[int]
    total: timedelta

    def worked(self, instant: datetime) -> timedelta:
        """Gives the working time of the year up to an instant of it."""
        place = bisect_right(self.opens, instant) - 1
        if place < 0:
            return ZERO
        close = self.closes[place]
        if instant >= close:
            return self.after[place]
        return self.before[place] + (instant - self.opens[place])

    def reached(self, worked: timedelta) -> datetime:
        """Gives the first instant up to which so much (more than 0, at most all) was worked."""
        place = bisect_left(self.after, worked)
        return self.opens[place] + (worked - self.before[place])

    def opening(self, instant: datetime) -> datetime | None:
        """Gives the instant itself when it is working time, else the next opening."""
        place = bisect_left(self.closes, instant)
        if place == len(self.opens):
            return None
        return max(instant, self.opens[place])


def make_year(year: int, times: Mapping[date, Times], zone: ZoneInfo) -> Year:
    """Gives the year's table; `times` are the hours of its working days, in order."""
    opens: list[datetime] = []
    closes: list[datetime] = []
    for day, spans in times.items():
        for opened, closed in _spans(day, spans, zone):
            if closes and opened < closes[-1]:
                opened = closes[-1]
            if opened < closed:
                opens.append(opened)
                closes.append(closed)
    before, after, total = [], [], ZERO
    for opened, closed in zip(opens, closes, strict=True):
        before.append(total)
        total += closed - opened
        after.append(total)
    begin, end = (edge(date(at, 1, 1), time(), zone) for at in (year, year + 1))
    days = [day.toordinal() for day, spans in times.items() if spans]
    return Year(begin, end, opens, closes, before, after, days, total)


def _spans(day: date, spans: Times, zone: ZoneInfo) -> Iterable[tuple[datetime, datetime]]:
    """Gives a day's spans as instants; a span that ends at 0:00 lasts to the end of the day."""
    steady = _steady_offset(day, zone)
    for opened, closed in spans:
        ends_on = day if closed > time() else day + DAY
        if steady is None:
            yield edge(day, opened, zone), edge(ends_on, closed, zone)
        else:
            first = datetime.combine(day, opened, UTC) - steady
            yield first, datetime.combine(ends_on, closed, UTC) - steady


def _steady_offset(day: date, zone: ZoneInfo) -> timedelta | None:
    """Gives the zone's offset of a day; None for a day on which it changes."""
    begin = datetime.combine(day, time(), zone)
    end = begin + DAY
    offset = begin.utcoffset()
    if offset == begin.replace(fold=1).utcoffset() == end.utcoffset():
        return offset if offset == end.replace(fold=1).utcoffset() else None
    return None


def in_utc(instant: datetime) -> datetime:
    """Gives an instant in UTC: only there Python's arithmetic is that of real time."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def edge(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Gives the instant at which the zone's clocks come to a time of a day.

    Of a time that comes twice the later is meant, as everywhere in the language. A time that the
    clocks skip is the instant at which they skip: no working time is made up.
    """
    local = datetime.combine(day, clock)
    first = local.replace(tzinfo=zone).utcoffset() or ZERO
    second = local.replace(tzinfo=zone, fold=1).utcoffset() or ZERO
    if first >= second:
        return (local - second).replace(tzinfo=UTC)
    return _skip((local - second).replace(tzinfo=UTC), (local - first).replace(tzinfo=UTC), zone)


def _skip(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Gives the instant between two others at which the zone's offset changes."""
    offset = before.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        here = datetime.fromtimestamp(middle, zone).utcoffset()
        low, high = (middle, high) if here == offset else (low, middle)
    return datetime.fromtimestamp(high, UTC)
