from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from rule_engine import compile_program, parse
from rule_engine.calendars import BusinessCalendar, Continuous, business_calendar
from rule_engine.dates import to_instant
from rule_engine.errors import RuleCheckError
from tests.rule_engine.schemas import SCHEMA

HOUR = timedelta(hours=1)
WEEK = "hours monday to friday from 09:00 to 12:00 and 13:30 to 18:00"


@cache
def calendar(body: str, zone: str = "Asia/Shanghai") -> BusinessCalendar:
    text = f'calendar c {{ timezone "{zone}" {body} }}'
    return business_calendar(compile_program([parse(text)], SCHEMA).calendars["c"])


def at(text: str, made: BusinessCalendar) -> datetime:
    """Gives an instant from `2026-03-02 09:00` as the calendar's clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=made.zone).astimezone(UTC)


def shown(instant: datetime | None, made: BusinessCalendar) -> str:
    return "" if instant is None else f"{instant.astimezone(made.zone):%Y-%m-%d %H:%M}"


OPEN = "open 2026-03-07 from 9:00 to 10:00"
CHINA = f'{WEEK} holidays "CN public"'
GLPI = "hours monday to friday from 08:00 to 18:00"
ALWAYS = "hours monday to sunday from 00:00 to 24:00"

WORKED = [
    # A lunch break counts for nothing (helpdesk #2212).
    (WEEK, "2026-03-02 11:00", "2026-03-02 14:00", 1.5),
    (WEEK, "2026-03-02 12:10", "2026-03-02 13:20", 0),
    (WEEK, "2026-03-06 17:00", "2026-03-09 10:00", 2),
    (WEEK, "2026-03-07 10:00", "2026-03-08 16:00", 0),
    (WEEK, "2026-03-02 00:00", "2026-03-09 00:00", 37.5),
    # The week of the Spring Festival of 2026: Saturday 14 and 28 February are worked.
    (CHINA, "2026-02-14 00:00", "2026-02-15 00:00", 7.5),
    (CHINA, "2026-02-15 00:00", "2026-02-24 00:00", 0),
    (CHINA, "2026-02-24 00:00", "2026-03-01 00:00", 37.5),
    # The National Day of 2026: Sunday 20 September and Saturday 10 October are worked.
    (CHINA, "2026-09-20 00:00", "2026-09-21 00:00", 7.5),
    (CHINA, "2026-10-01 00:00", "2026-10-08 00:00", 0),
    (CHINA, "2026-10-10 00:00", "2026-10-11 00:00", 7.5),
    # Own days stand above the list's.
    (f"{CHINA} closed 2026-10-10", "2026-10-10 00:00", "2026-10-11 00:00", 0),
    (f"{CHINA} open 2026-10-10 from 10:00 to 11:00", "2026-10-10 00:00", "2026-10-11 00:00", 1),
    (f"{CHINA} open 2026-10-01 from 10:00 to 11:00", "2026-10-01 00:00", "2026-10-08 00:00", 1),
    (
        f"{WEEK} closed 2026-03-02 to 2026-03-06 open 2026-03-04 from 09:00 to 10:00",
        "2026-03-02 00:00",
        "2026-03-07 00:00",
        1,
    ),
    (f'{WEEK} holidays "US public"', "2026-07-03 00:00", "2026-07-04 00:00", 0),
    (
        f'{WEEK} holidays "US public" holidays "CN public"',
        "2026-10-01 00:00",
        "2026-10-03 00:00",
        0,
    ),
    # A make-up day has the hours of the first weekday that has any.
    (
        "hours monday from 10:00 to 12:00 hours tuesday to friday from 09:00 to 17:00 "
        'holidays "CN public"',
        "2026-02-14 00:00",
        "2026-02-15 00:00",
        2,
    ),
    ("hours friday to monday from 22:00 to 24:00", "2026-03-02 00:00", "2026-03-09 00:00", 8),
]


@pytest.mark.parametrize(("body", "since", "until", "hours"), WORKED)
def test_working_time(body: str, since: str, until: str, hours: float) -> None:
    made = calendar(body)
    assert made.worked(at(since, made), at(until, made)) == hours * HOUR
    assert made.worked(at(until, made), at(since, made)) == -hours * HOUR


#: Real time counts: the day of a change of the clocks has 23 or 25 hours.
CHANGES = [
    ("Europe/Berlin", ALWAYS, "2026-03-29", 23),
    ("Europe/Berlin", ALWAYS, "2026-10-25", 25),
    ("Europe/Berlin", "hours sunday from 01:00 to 04:00", "2026-03-29", 2),
    ("Europe/Berlin", "hours sunday from 02:15 to 02:45", "2026-03-29", 0),
    ("Europe/Berlin", "hours sunday from 02:30 to 05:00", "2026-03-29", 2),
    ("Europe/Berlin", "hours sunday from 01:00 to 02:30", "2026-03-29", 1),
    ("Europe/Berlin", "hours sunday from 01:00 to 04:00", "2026-10-25", 4),
    ("Europe/Berlin", "hours sunday from 01:00 to 02:30 and 02:30 to 04:00", "2026-10-25", 4),
    ("Australia/Lord_Howe", ALWAYS, "2026-10-04", 23.5),
    ("Pacific/Apia", ALWAYS, "2011-12-30", 0),
]


@pytest.mark.parametrize(("zone", "body", "day", "hours"), CHANGES)
def test_days_on_which_the_clocks_change(zone: str, body: str, day: str, hours: float) -> None:
    made = calendar(body, zone)
    first = date.fromisoformat(day)
    edges = [to_instant(one, time(), made.zone) for one in (first, first + timedelta(days=1))]
    assert made.worked(*(edge for edge in edges if edge)) == hours * HOUR


DUE = [
    # GLPI's pull request 22678: 4 hours from Monday 17:00, and an hour before them.
    (GLPI, "2026-03-02 17:00", 4, "2026-03-03 11:00"),
    (GLPI, "2026-03-02 17:00", 3, "2026-03-03 10:00"),
    (GLPI, "2026-03-02 10:00", 4, "2026-03-02 14:00"),
    # Zammad's issue 390: 48 hours of 12 a day from Wednesday night, without the two holidays.
    ("hours monday to saturday from 09:00 to 21:00", "2016-11-09 23:00", 48, "2016-11-14 21:00"),
    # Zammad's issue 4432: nothing is due at night.
    (GLPI, "2026-03-02 23:00", 1, "2026-03-03 09:00"),
    (GLPI, "2026-03-07 12:00", 0.5, "2026-03-09 08:30"),
    # The whole day ends with the day, not when the next one begins.
    (GLPI, "2026-03-02 08:00", 10, "2026-03-02 18:00"),
    (WEEK, "2026-03-02 09:00", 3, "2026-03-02 12:00"),
    (WEEK, "2026-03-02 11:00", 2, "2026-03-02 14:30"),
    (CHINA, "2026-02-13 17:00", 2, "2026-02-14 10:00"),
    (CHINA, "2026-02-14 17:00", 2, "2026-02-24 10:00"),
    (CHINA, "2026-12-31 17:00", 8.5, "2027-01-04 18:00"),
    (WEEK, "2026-03-02 09:30", 0, "2026-03-02 09:30"),
    (f"{WEEK} closed 2026-01-01 to 2199-12-31", "2026-03-02 09:00", 1, ""),
]


@pytest.mark.parametrize(("body", "start", "hours", "due"), DUE)
def test_due_in_business_hours(body: str, start: str, hours: float, due: str) -> None:
    made = calendar(body)
    assert shown(made.due(at(start, made), hours * HOUR), made) == due


DUE_DAYS = [
    (WEEK, "2026-03-02 10:00", 1, "2026-03-03 10:00"),
    (WEEK, "2026-03-06 10:00", 1, "2026-03-09 10:00"),
    (WEEK, "2026-03-02 12:30", 1, "2026-03-03 13:30"),
    (WEEK, "2026-03-02 20:00", 1, "2026-03-04 09:00"),
    (WEEK, "2026-03-02 07:00", 3, "2026-03-05 09:00"),
    (WEEK, "2026-03-02 18:00", 1, "2026-03-03 18:00"),
    # From a day off the count begins at the next opening.
    (WEEK, "2026-03-07 07:00", 1, "2026-03-10 09:00"),
    (WEEK, "2026-03-02 10:00", 0, "2026-03-02 10:00"),
    (WEEK, "2026-03-09 10:00", -1, "2026-03-06 10:00"),
    (WEEK, "2026-03-08 10:00", -2, "2026-03-05 10:00"),
    (CHINA, "2026-02-13 10:00", 2, "2026-02-24 10:00"),
    # A short day: 8 business hours and a business day differ.
    (
        "hours monday to thursday from 09:00 to 17:00 hours friday from 09:00 to 13:00",
        "2026-03-05 15:00",
        1,
        "2026-03-09 09:00",
    ),
    (f"{WEEK} closed 2026-03-03 to 2199-12-31", "2026-03-02 09:00", 1, ""),
]


@pytest.mark.parametrize(("body", "start", "days", "due"), DUE_DAYS)
def test_due_in_business_days(body: str, start: str, days: int, due: str) -> None:
    made = calendar(body)
    assert shown(made.due_days(at(start, made), days), made) == due


@pytest.mark.parametrize(
    ("body", "first", "last", "days"),
    [
        (WEEK, "2026-03-02", "2026-03-09", 5),
        (WEEK, "2026-03-06", "2026-03-09", 1),
        (WEEK, "2026-03-07", "2026-03-09", 0),
        (WEEK, "2026-03-02", "2026-03-02", 0),
        (WEEK, "2026-03-09", "2026-03-02", -5),
        (CHINA, "2026-02-13", "2026-02-25", 3),
        (CHINA, "2026-01-01", "2027-01-01", 248),
        (WEEK, "1800-01-01", "1900-01-02", 1),
    ],
)
def test_working_days(body: str, first: str, last: str, days: int) -> None:
    made = calendar(body)
    assert made.working_days(date.fromisoformat(first), date.fromisoformat(last)) == days


def test_years_without_published_make_up_days() -> None:
    china = calendar(CHINA)
    assert china.covers(2026)
    until = china.known_until
    assert until is not None
    assert not china.covers(until + 1)
    germany = calendar(f'{WEEK} holidays "DE-BY public"')
    assert germany.known_until is None
    assert germany.covers(2090)
    assert calendar(f'{WEEK} holidays "DE-BY public" holidays "CN public"').known_until == until
    assert calendar(WEEK).covers(2090)


def test_a_year_is_known_when_its_days_are_published_or_given() -> None:
    china = calendar(CHINA)
    until = china.known_until
    assert until is not None
    zone = china.zone
    new_year = datetime(until + 1, 1, 1, tzinfo=zone)
    before, later = new_year - timedelta.resolution, new_year + timedelta(days=400)
    assert china.unknown_year(new_year - timedelta(days=9), before) is None
    for since, last in ((before, new_year), (before, later), (new_year, new_year)):
        assert china.unknown_year(since, last) == until + 1
    monday, saturday = (
        next(
            day
            for number in range(7)
            if (day := date(until + 1, 2, 1) + timedelta(days=number)).weekday() == weekday
        )
        for weekday in (0, 5)
    )
    for dates, known in (
        (f"open {saturday} from 09:00 to 12:00", True),
        (f"open {monday} from 09:00 to 12:00", False),  # shorter hours say nothing of moved days
        (f"closed {until + 1}-02-01 to {until + 1}-02-06", False),
    ):
        assert calendar(f"{CHINA} {dates}").covers(until + 1) == known, dates
    given = calendar(f"{CHINA} open {saturday} from 09:00 to 12:00")
    assert given.unknown_year(before, later) == until + 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            'timezone "UTC"',
            '1:10: the calendar "c" has no working time '
            "(write e.g.  hours monday to friday from 09:00 to 17:00)",
        ),
        (
            'timezone "UTC" hours monday from 22:00 to 06:00',
            "1:29: working times end after they begin (a night has two parts:  "
            "from 22:00 to 24:00  and on the next day  from 00:00 to 06:00)",
        ),
        (
            'timezone "UTC" hours monday from 09:00 to 12:00 and 11:00 to 13:00',
            "1:29: the working times of a day do not overlap",
        ),
        (
            'timezone "UTC" hours monday from 09:00 to 24:00 and 11:00 to 13:00',
            "1:29: the working times of a day do not overlap",
        ),
        (
            'timezone "UTC" hours friday from 9:00 to 12:00 hours friday from 9:00 to 9:30',
            "1:61: friday has hours already (write all times of a day in one line, joined by and)",
        ),
        (
            f'timezone "UTC" {WEEK} holidays "China public"',
            '1:100: there are no holidays "China public" (did you mean "CN public"?)',
        ),
        (
            f'timezone "UTC" {WEEK} holidays "DE-Bayern"',
            '1:100: there are no holidays "DE-Bayern" (did you mean "DE-BY public"?)',
        ),
        (
            f'timezone "UTC" {WEEK} holidays "CN bank"',
            '1:100: there are no holidays "CN bank" (did you mean "CN public"?)',
        ),
        (
            f'timezone "UTC" {WEEK} holidays "own days"',
            '1:100: there are no holidays "own days" '
            '(write e.g.  "CN public", "US public" or "DE-BY public")',
        ),
        (
            f'timezone "UTC" {WEEK} holidays "CN public" holidays "CN public"',
            '1:121: the holidays "CN public" stand here twice',
        ),
        (
            f'timezone "UTC" {WEEK} {OPEN} {OPEN}',
            "1:126: 2026-03-07 is open already "
            "(write all times of a day in one line, joined by and)",
        ),
        (
            'timezone "Mars/Base" hours monday from 9:00 to 10:00',
            '1:23: there is no timezone "Mars/Base" (write e.g.  "Asia/Shanghai")',
        ),
    ],
)
def test_mistakes(body: str, message: str) -> None:
    with pytest.raises(RuleCheckError) as caught:
        compile_program([parse(f"calendar c {{ {body} }}")], SCHEMA)
    assert [str(one) for one in caught.value.diagnostics] == [message]


def test_zone() -> None:
    assert calendar(WEEK).zone == ZoneInfo("Asia/Shanghai")


def test_long_spans_go_through_many_years() -> None:
    made = calendar(CHINA)
    start, end = at("2013-01-01 00:00", made), at("2040-05-19 00:00", made)
    assert (end - start).days == 10_000
    worked = made.worked(start, end)
    days = made.working_days(date(2013, 1, 1), date(2040, 5, 19))
    assert worked == days * timedelta(hours=7.5)
    due = made.due(start, worked)
    assert due is not None
    assert made.worked(due, end) == timedelta()


def test_outside_the_years_nobody_works() -> None:
    made = calendar(WEEK)
    ends = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
    assert made.worked(*ends) == made.working_days(date(1, 1, 1), date(9999, 12, 30)) * 7.5 * HOUR
    assert made.due(ends[1], HOUR) is None
    assert made.due_days(ends[1], 1) is None
    assert made.due(ends[0], HOUR) == at("1900-01-01 10:00", made)
    assert made.due(ends[0], timedelta(days=100_000)) is None


def test_instants_of_any_zone_are_real_time() -> None:
    made = calendar(ALWAYS, "Europe/Berlin")
    night = [datetime(2026, 3, 29, hour, tzinfo=made.zone) for hour in (1, 4)]
    real = Continuous(made.zone)
    for one in (made, real):
        assert one.worked(*night) == 2 * HOUR
        assert one.due(night[0], 2 * HOUR) == night[1]
    assert real.due_days(night[0], 1) == datetime(2026, 3, 30, 1, tzinfo=made.zone)
    assert real.working_days(date(2026, 3, 1), date(2026, 3, 8)) == 7
    assert real.shift_days(date(2026, 3, 1), 7) == date(2026, 3, 8)
