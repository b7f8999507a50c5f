"""Checks of `calendar` and `sla`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rule_engine import core, program, tree
from rule_engine.check.session import is_kind, place_on
from rule_engine.check.statements.actions import Stage, check_actions
from rule_engine.check.statements.context import Context
from rule_engine.check.times import read_length
from rule_engine.check.words import say
from rule_engine.errors import Span
from rule_engine.types import Kind

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def check_calendar(context: Context, written: tree.Calendar) -> program.WorkingCalendar:
    """Gives the checked calendar."""
    hours: dict[int, tuple[tuple[time, time], ...]] = {}
    for line in written.hours:
        times = _times(context, line.times, line.span)
        for day in _days(line.days):
            if day in hours:
                message = f"{WEEKDAYS[day]} has hours already"
                context.session.report("twice", message, Span(line.span.line, line.span.column))
            hours[day] = times
    return program.WorkingCalendar(
        name=written.name.text,
        label=written.label or written.name.text,
        zone=_zone(context, written),
        hours=hours,
        holidays=tuple(text.value for text in written.holidays),
        closed=tuple(_range(context, line) for line in written.closed),
        open=_open(context, written),
        span=written.span,
    )


def _days(ranges: Sequence[tree.DayRange]) -> list[int]:
    """Gives the weekdays of ranges, 0 is Monday; `friday to monday` goes over the week's end."""
    days: list[int] = []
    for one in ranges:
        first, last = WEEKDAYS.index(one.first), WEEKDAYS.index(one.last)
        days += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return days


def _times(
    context: Context, times: Sequence[tuple[time, time]], span: Span
) -> tuple[tuple[time, time], ...]:
    spans = sorted(times)
    wrong = any(start >= end for start, end in spans)
    wrong = wrong or any(a[1] > b[0] for a, b in pairwise(spans))
    if wrong:
        message = "working times end after they begin and do not overlap"
        context.session.report("bad_times", message, Span(span.line, span.column))
    return tuple(spans)


def _zone(context: Context, written: tree.Calendar) -> str:
    for extra in written.zones[1:]:
        context.session.report("twice", '"timezone" stands here twice', extra.span)
    if not written.zones:
        message = f'the calendar "{written.name.text}" has no timezone'
        hint = 'write e.g.  timezone "Asia/Shanghai"'
        context.session.report("no_zone", message, written.name.span, hint)
        return "UTC"
    zone = written.zones[0]
    try:
        ZoneInfo(zone.value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f'there is no timezone "{zone.value}"'
        context.session.report("unknown_zone", message, zone.span, 'write e.g.  "Asia/Shanghai"')
    return zone.value


def _range(context: Context, line: tree.Closed) -> tuple[date, date]:
    if line.last < line.first:
        message = "these days end before they begin"
        context.session.report("bad_times", message, Span(line.span.line, line.span.column))
    return line.first, line.last


def _open(context: Context, written: tree.Calendar) -> dict[date, tuple[tuple[time, time], ...]]:
    return {line.day: _times(context, line.times, line.span) for line in written.open}


def check_sla(context: Context, written: tree.Sla) -> program.ServiceLevel | None:
    """Gives the checked service level; this version does not run it and says so."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner, sees_changes=True)
    conditions: list[core.Node | None] = []
    actions: list[program.Action] = []
    for line in written.statements:
        match line:
            case tree.SlaCondition():
                conditions.append(context.condition(place, line.condition))
            case tree.SlaCalendar():
                context.calendar(line.name)
            case tree.SlaClock():
                start = context.session.check(place, line.path)
                if start is not None and not is_kind(start, Kind.INSTANT):
                    message = f"a clock starts at a point in time, not at {say(start)}"
                    context.session.report("wrong_type", message, line.path.span)
            case tree.Target():
                for part in line.statements:
                    if isinstance(part, tree.AtPercent):
                        actions += check_actions(context, Stage(place), part.actions)
                        continue
                    conditions.append(context.condition(place, part.condition))
                    if isinstance(part, tree.Within):
                        read_length(context.session, part.length)
    name = written.head.name
    message = f'this version does not run the service level "{name.text}"'
    context.session.warn("not_run", message, name.span, "it is checked only", name=name.text)
    return program.ServiceLevel(
        *context.naming(written.head, owner, written.span),
        conditions=tuple(node for node in conditions if node is not None),
        targets=tuple(t.name.text for t in written.statements if isinstance(t, tree.Target)),
        actions=tuple(actions),
    )
