"""Checks of what wakes a rule or an assignment: events, schedules, dates."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Literal, cast

from rule_engine import core, program, tree
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.times import read_length
from rule_engine.check.words import say
from rule_engine.errors import Span
from rule_engine.types import Kind
from rule_engine.values import BusinessLength

#: The units of a clock; the others are counted on the calendar.
CLOCK_UNITS = ("minute", "hour")


def check_trigger(session: Session, place: Place, written: tree.Trigger) -> program.Trigger | None:
    """Gives the checked trigger; None when something was reported."""
    match written:
        case tree.OnEvent():
            return _event(session, written)
        case tree.OnSchedule():
            return _schedule(session, written)
    return _date(session, place, written)


def _event(session: Session, written: tree.OnEvent) -> program.OnEvent:
    span = Span(written.span.line, written.span.column)
    for position, event in enumerate(written.events):
        others = written.events[:position]
        if event in others:
            session.report("twice", '"{word}" stands here twice', span, word=event)
    for event in ("create", "update"):
        if event in written.events and "save" in written.events:
            session.report(
                "twice",
                '"save" means create and update; "{word}" stands here twice',
                span,
                word=event,
            )
    return program.OnEvent(cast("Literal['before', 'after']", written.timing), written.events)


def _schedule(session: Session, written: tree.OnSchedule) -> program.OnSchedule | None:
    every: str | program.Length | None = None
    if isinstance(written.every, str):
        every = written.every.removesuffix("s") if _is_unit(written.every) else written.every
        by_clock = every in CLOCK_UNITS
    else:
        every = read_length(session, written.every)
        by_clock = isinstance(every, timedelta)
        if not _is_usable(session, every, written.every.span):
            return None
    if by_clock and written.at is not None:
        _report_clock(session, written.span)
    return None if every is None else program.OnSchedule(every, written.at)


def _is_unit(word: str) -> bool:
    return not word.endswith("day") or word == "day"


def _is_usable(session: Session, length: program.Length | None, span: Span) -> bool:
    if isinstance(length, BusinessLength):
        session.report(
            "business_time",
            "business time needs a calendar",
            span,
            "it is known in due, reassign and within; write days or hours here",
        )
        return False
    if length is not None and not any(_parts(length)):
        session.report("too_short", "this length of time is nothing", span)
        return False
    return length is not None


def _parts(length: program.Length) -> tuple[object, ...]:
    match length:
        case timedelta():
            return (length,)
        case BusinessLength(minutes=minutes, days=days):
            return minutes, days
    return length.months, length.days


def _report_clock(session: Session, span: Span) -> None:
    session.report(
        "misplaced",
        "what is counted in hours or minutes has no time of day",
        Span(span.line, span.column),
        'leave out "at", or count in days',
    )


def _date(session: Session, place: Place, written: tree.OnDate) -> program.OnDate | None:
    length = read_length(session, written.length)
    path = session.check(place, written.path)
    usable = not isinstance(length, BusinessLength) or _is_usable(
        session, length, written.length.span
    )
    if length is None or path is None or not usable:
        return None
    if not isinstance(path, core.Path) or not is_kind(path, Kind.DATE, Kind.INSTANT):
        session.report(
            "wrong_type",
            "a date or a point in time is needed here, not {found}",
            written.path.span,
            found=say(path),
        )
        return None
    if isinstance(length, timedelta) and written.at is not None:
        _report_clock(session, written.span)
    timing = cast("Literal['before', 'after']", written.timing)
    at: time | None = written.at
    return program.OnDate(length, timing, path, at)
