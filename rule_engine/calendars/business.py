"""A calendar of business time, ready to count with."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rule_engine.calendars.holiday_lists import HolidayList, HolidayYear, read_list
from rule_engine.calendars.years import DAY, ZERO, Times, Year, edge, in_utc, make_year
from rule_engine.program import WorkingCalendar

#: Outside these years nobody works, and nothing comes due.
FIRST_YEAR, LAST_YEAR = 1900, 2199
#: The rule set's calendar of this name holds where no other is named.
ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Working time in a zone. Tables are made year by year when first asked for, and kept.

    What holds on a day, the first that says something: own `open`, own `closed`, a holiday of any
    list, a make-up working day of a list, the weekday's hours. A make-up day without hours of its
    weekday works those of the first weekday, from Monday, that has any.
    """

    definition: WorkingCalendar
    zone: ZoneInfo
    lists: tuple[HolidayList, ...]
    _years: dict[int, Year] = field(default_factory=dict, repr=False, compare=False)
    _starts: dict[int, timedelta] = field(default_factory=dict, repr=False, compare=False)

    @property
    def known_until(self) -> int | None:
        """Gives the last year whose make-up days are known; None when nothing moves days."""
        years = [until for one in self.lists if (until := one.known_until) is not None]
        return min(years, default=None)

    def covers(self, year: int) -> bool:
        """Says whether all make-up days of a year are known: they are published, or somebody has
        given them, so that an own `open` is on a weekday without hours."""
        until = self.known_until
        own = (day for day in self.definition.open if day.weekday() not in self.definition.hours)
        return until is None or year <= until or any(day.year == year for day in own)

    def unknown_year(self, since: datetime, until: datetime) -> int | None:
        """Gives the first year from one instant to another that is not covered, if there is one."""
        first, last = (one.astimezone(self.zone).year for one in (since, until))
        return next((year for year in range(first, last + 1) if not self.covers(year)), None)

    def worked(self, since: datetime, until: datetime) -> timedelta:
        """Gives the working time between two instants, F(until) − F(since)."""
        since, until = in_utc(since), in_utc(until)
        first, last = self._year_of(since), self._year_of(until)
        inside = self._years[last].worked(until) - self._years[first].worked(since)
        return inside if first == last else inside + (self._start(last) - self._start(first))

    def due(self, start: datetime, length: timedelta) -> datetime | None:
        """Gives F⁻¹(F(start) + length): the first instant by which so much was worked.

        That is a closing rather than the next opening. None where there is no such instant; the
        start itself for a length of 0 or less.
        """
        if length <= ZERO:
            return start
        start = in_utc(start)
        number = self._year_of(start)
        year = self._years[number]
        wanted = year.worked(start) + length
        while wanted > year.total:
            wanted -= year.total
            number += 1
            if number > LAST_YEAR:
                return None
            year = self._year(number)
        return year.reached(wanted)

    def due_days(self, start: datetime, days: int) -> datetime | None:
        """Gives the same clock time on the n-th next working day, or the next opening from there.

        A start on a day that is not worked counts from the next opening; days below 0 go back.
        None where there is no such day.
        """
        local = start.astimezone(self.zone)
        if days >= 0 and not self.works_on(local.date()):
            opening = self.opening(start)
            if opening is None:
                return None
            local = opening.astimezone(self.zone)
        day = self.shift_days(local.date(), days)
        return None if day is None else self.opening(edge(day, local.time(), self.zone))

    def working_days(self, first: date, last: date) -> int:
        """Gives the number of working days from a day to before another; negative backwards."""
        if last < first:
            return -self.working_days(last, first)
        begin, end = first.toordinal(), last.toordinal()
        years = range(max(first.year, FIRST_YEAR), min(last.year, LAST_YEAR) + 1)
        tables = (self._year(number).days for number in years)
        return sum(bisect_left(days, end) - bisect_left(days, begin) for days in tables)

    def works_on(self, day: date) -> bool:
        """Says whether a day has working time."""
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            return False
        days = self._year(day.year).days
        place = bisect_left(days, day.toordinal())
        return place < len(days) and days[place] == day.toordinal()

    def shift_days(self, day: date, days: int) -> date | None:
        """Gives the n-th working day after a day, or before it; None where there is none.

        Forwards a day off counts as the next working day, which 0 gives.
        """
        begin = day.toordinal()
        if days >= 0:
            for number in range(max(day.year, FIRST_YEAR), LAST_YEAR + 1):
                known = self._year(number).days
                place = bisect_left(known, begin) + days
                if place < len(known):
                    return date.fromordinal(known[place])
                days = place - len(known)
            return None
        for number in range(min(day.year, LAST_YEAR), FIRST_YEAR - 1, -1):
            known = self._year(number).days
            place = bisect_left(known, begin) + days
            if place >= 0:
                return date.fromordinal(known[place])
            days = place
        return None

    def opening(self, instant: datetime) -> datetime | None:
        """Gives the instant itself in working time, else the next opening; None without one."""
        instant = in_utc(instant)
        for number in range(self._year_of(instant), LAST_YEAR + 1):
            found = self._year(number).opening(instant)
            if found is not None:
                return found
        return None

    def times(self, year: int) -> Iterator[tuple[date, Times]]:
        """Gives the working days of a year with their hours, in order."""
        known = [one.year(year) for one in self.lists]
        day, end = date(year, 1, 1), date(year + 1, 1, 1)
        while day < end:
            spans = self._times_on(day, known)
            if spans:
                yield day, spans
            day += DAY

    def _times_on(self, day: date, lists: Sequence[HolidayYear]) -> Times:
        own = self.definition
        if day in own.open:
            return own.open[day]
        if any(first <= day <= last for first, last in own.closed):
            return ()
        if any(day in one.closed for one in lists):
            return ()
        usual = own.hours.get(day.weekday(), ())
        if not usual and any(day in one.open for one in lists):
            return own.hours[min(own.hours)]
        return usual

    def _year_of(self, instant: datetime) -> int:
        """Gives the year, in the zone, of an instant; its table is there afterwards."""
        number = min(max(instant.year, FIRST_YEAR), LAST_YEAR)
        year = self._years.get(number) or self._year(number)
        if year.begin > instant and number > FIRST_YEAR:
            number -= 1
            self._year(number)
        elif year.end <= instant and number < LAST_YEAR:
            number += 1
            self._year(number)
        return number

    def _year(self, number: int) -> Year:
        found = self._years.get(number)
        if found is None:
            found = make_year(number, dict(self.times(number)), self.zone)
            self._years[number] = found
        return found

    def _start(self, number: int) -> timedelta:
        """Gives F at the beginning of a year, counted from some year on."""
        known = self._starts
        if not known:
            known[number] = ZERO
        if number not in known:
            first, last = min(known), max(known)
            for later in range(last, number):
                known[later + 1] = known[later] + self._year(later).total
            for earlier in range(first, number, -1):
                known[earlier - 1] = known[earlier] - self._year(earlier - 1).total
        return known[number]


def business_calendar(definition: WorkingCalendar) -> BusinessCalendar:
    """Gives the calendar of a checked definition."""
    lists = tuple(map(read_list, definition.holidays))
    return BusinessCalendar(definition, ZoneInfo(definition.zone), lists)


def business_calendars(
    definitions: Mapping[str, WorkingCalendar],
) -> dict[str, BusinessCalendar]:
    """Gives all calendars by name; the organisation's, if there is one, also by ""."""
    made = {name: business_calendar(one) for name, one in definitions.items()}
    return {"": made[ORGANISATION], **made} if ORGANISATION in made else made
