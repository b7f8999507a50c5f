"""What holds of every calendar, in zones whose clocks change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine.calendars import BusinessCalendar, business_calendar
from rule_engine.errors import Span
from rule_engine.program import WorkingCalendar
from tests.rule_engine.law_run import IS_SOAK, law
from tests.rule_engine.test_calendars import WEEK, calendar

pytestmark = pytest.mark.soak

MINUTES = st.integers(0, 24 * 60)


@st.composite
def day_spans(draw: st.DrawFn) -> tuple[tuple[time, time], ...]:
    """Some spans of a day that do not overlap; the last may last to midnight."""
    edges = sorted(draw(st.sets(MINUTES, min_size=2, max_size=6)))
    clock = [time(minute // 60 % 24, minute % 60) for minute in edges]
    return tuple(zip(clock[0::2], clock[1::2], strict=False))


@st.composite
def calendars(draw: st.DrawFn) -> BusinessCalendar:
    days: Mapping[int, Sequence[tuple[time, time]]] = draw(
        st.dictionaries(st.integers(0, 6), day_spans(), min_size=1)
    )
    first = draw(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
    closed = ((first, first + timedelta(days=draw(st.integers(0, 40)))),)
    opened = draw(st.dictionaries(st.dates(date(2025, 1, 1), date(2027, 1, 1)), day_spans()))
    lists = draw(st.sampled_from([(), ("CN public",), ("DE-BY public", "US public")]))
    zone = draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/Santiago"]))
    hours = {day: tuple(spans) for day, spans in days.items()}
    return business_calendar(
        WorkingCalendar("c", "c", zone, hours, lists, closed, opened, Span(1, 1))
    )


NAIVE = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1))  # noqa: DTZ001 - made UTC below
MOMENTS = NAIVE.map(lambda one: one.replace(tzinfo=UTC))
LENGTHS = st.timedeltas(timedelta(), timedelta(hours=100))
LAW = law(1000 if IS_SOAK else 50)


@LAW
@given(calendars(), MOMENTS, LENGTHS)
def test_law_due_is_the_inverse_of_worked(
    made: BusinessCalendar, start: datetime, length: timedelta
) -> None:
    due = made.due(start, length)
    assert due is not None
    assert due >= start
    assert made.worked(start, due) == length
    assert not length or made.worked(start, due - timedelta(microseconds=1)) < length


@LAW
@given(calendars(), MOMENTS, MOMENTS, MOMENTS)
def test_law_worked_adds_up_and_never_falls(
    made: BusinessCalendar, a: datetime, b: datetime, c: datetime
) -> None:
    a, b, c = sorted((a, b, c))
    assert made.worked(a, b) + made.worked(b, c) == made.worked(a, c)
    assert timedelta() <= made.worked(a, b) <= b - a
    days = [one.astimezone(made.zone).date() for one in (a, b, c)]
    counted = [made.working_days(*pair) for pair in (days[:2], days[1:], days[::2])]
    assert counted[0] + counted[1] == counted[2]


@LAW
@given(calendars(), MOMENTS, MOMENTS, LENGTHS, st.integers(0, 30))
def test_law_a_later_start_is_due_no_earlier(
    made: BusinessCalendar, a: datetime, b: datetime, length: timedelta, days: int
) -> None:
    a, b = sorted((a, b))
    for due in (lambda start: made.due(start, length), lambda start: made.due_days(start, days)):
        first, second = due(a), due(b)
        assert first is not None
        assert second is not None
        assert first <= second


@LAW
@given(calendars(), MOMENTS, LENGTHS, st.dates(date(2025, 1, 1), date(2028, 1, 1)))
def test_law_a_day_off_only_delays(
    made: BusinessCalendar, start: datetime, length: timedelta, day: date
) -> None:
    own = made.definition
    kept = {one: spans for one, spans in own.open.items() if one != day}
    fewer = business_calendar(
        WorkingCalendar(
            "c", "c", own.zone, own.hours, own.holidays, (*own.closed, (day, day)), kept, own.span
        )
    )
    before, after = made.due(start, length), fewer.due(start, length)
    assert before is not None
    assert after is not None
    assert before <= after


@LAW
@given(MOMENTS, st.integers(-60, 60), LENGTHS)
def test_law_whole_weeks_shift_a_calendar_without_holidays(
    start: datetime, weeks: int, length: timedelta
) -> None:
    made = calendar(WEEK, "UTC")
    shift = timedelta(weeks=weeks)
    due, later = made.due(start, length), made.due(start + shift, length)
    assert due is not None
    assert later == due + shift


@LAW
@given(calendars(), MOMENTS, st.integers(-40, 40))
def test_law_shifted_days_are_counted(made: BusinessCalendar, start: datetime, days: int) -> None:
    day = start.astimezone(made.zone).date()
    found = made.shift_days(day, days)
    assert found is not None
    assert made.works_on(found)
    assert made.working_days(day, found) == days
