"""Checks of `calendar`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rule_engine import program, tree
from rule_engine.calendars import find_mistake
from rule_engine.check.statements.context import Context
from rule_engine.errors import Span
from rule_engine.messages import Phrase

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Times = tuple[tuple[time, time], ...]


def check_calendar(context: Context, written: tree.Calendar) -> program.WorkingCalendar:
    """Gives the checked calendar."""
    return program.WorkingCalendar(
        name=written.name.text,
        label=written.label or written.name.text,
        zone=_zone(context, written),
        hours=_hours(context, written),
        holidays=_holidays(context, written),
        closed=tuple(_range(context, line) for line in written.closed),
        open=_open(context, written),
        span=written.span,
    )


def _zone(context: Context, written: tree.Calendar) -> str:
    for extra in written.zones[1:]:
        context.session.report("twice", '"{word}" stands here twice', extra.span, word="timezone")
    if not written.zones:
        context.session.report(
            "no_zone",
            'the calendar "{name}" has no timezone',
            written.name.span,
            'write e.g.  timezone "Asia/Shanghai"',
            name=written.name.text,
        )
        return "UTC"
    zone = written.zones[0]
    try:
        ZoneInfo(zone.value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        context.session.report(
            "unknown_zone",
            'there is no timezone "{name}"',
            zone.span,
            'write e.g.  "Asia/Shanghai"',
            name=zone.value,
        )
    return zone.value


def _hours(context: Context, written: tree.Calendar) -> dict[int, Times]:
    hours: dict[int, Times] = {}
    for line in written.hours:
        times = _times(context, line.times, line.span)
        for day in _days(line.days):
            if day in hours:
                context.session.report(
                    "twice",
                    "{day} has hours already",
                    _first(line.span),
                    "write all times of a day in one line, joined by and",
                    day=Phrase(WEEKDAYS[day]),
                )
            hours[day] = times
    if not hours:
        context.session.report(
            "no_hours",
            'the calendar "{name}" has no working time',
            written.name.span,
            "write e.g.  hours monday to friday from 09:00 to 17:00",
            name=written.name.text,
        )
    return hours


def _days(ranges: Sequence[tree.DayRange]) -> list[int]:
    """Gives the weekdays of ranges, 0 is Monday; `friday to monday` goes over the week's end."""
    days: list[int] = []
    for one in ranges:
        first, last = WEEKDAYS.index(one.first), WEEKDAYS.index(one.last)
        days += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return days


def _times(context: Context, times: Sequence[tuple[time, time]], span: Span) -> Times:
    """Gives the spans in order; one that ends at 0:00 lasts to the end of the day."""
    spans = tuple(sorted(times))
    if any(time() < end <= start for start, end in spans):
        context.session.report(
            "bad_times",
            "working times end after they begin",
            _first(span),
            "a night has two parts:  from 22:00 to 24:00  and on the next day  from 00:00 to 06:00",
        )
    elif any(first[1] == time() or first[1] > second[0] for first, second in pairwise(spans)):
        message = "the working times of a day do not overlap"
        context.session.report("bad_times", message, _first(span))
    return spans


def _holidays(context: Context, written: tree.Calendar) -> tuple[str, ...]:
    session, names = context.session, list[str]()
    for text in written.holidays:
        if text.value in names:
            template = 'the holidays "{name}" stand here twice'
            session.report("twice", template, text.span, name=text.value)
        elif hint := find_mistake(text.value):
            template = 'there are no holidays "{name}"'
            session.report("unknown_holidays", template, text.span, hint, name=text.value)
        else:
            names.append(text.value)
    return tuple(names)


def _range(context: Context, line: tree.Closed) -> tuple[date, date]:
    if line.last < line.first:
        message = "these days end before they begin"
        context.session.report("bad_times", message, _first(line.span))
    return line.first, line.last


def _open(context: Context, written: tree.Calendar) -> dict[date, Times]:
    found: dict[date, Times] = {}
    for line in written.open:
        if line.day in found:
            context.session.report(
                "twice",
                "{day} is open already",
                _first(line.span),
                "write all times of a day in one line, joined by and",
                day=line.day.isoformat(),
            )
        found[line.day] = _times(context, line.times, line.span)
    return found


def _first(span: Span) -> Span:
    return Span(span.line, span.column)
