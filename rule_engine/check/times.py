"""Lengths of time, windows and `older than`."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from rule_engine import core, tree
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import say
from rule_engine.errors import Span
from rule_engine.messages import Phrase
from rule_engine.types import Kind, Type
from rule_engine.values import BusinessLength, CalendarLength

_DATE, _INSTANT = Kind.DATE, Kind.INSTANT
_DAYS, _HOURS = Kind.CALENDAR_LENGTH, Kind.CLOCK_LENGTH


def check_duration(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the constant of a length of time."""
    if not isinstance(expression, tree.Duration):
        return None
    del place
    value = read_length(session, expression)
    if isinstance(value, BusinessLength):
        session.report(
            "business_time",
            "business time needs a calendar",
            expression.span,
            "it is known in due, reassign and within; write days or hours here",
        )
        return None
    if value is None:
        return None
    kind = _HOURS if isinstance(value, timedelta) else _DAYS
    return core.Constant(Type(kind), False, expression.span, value)


_MINUTES = {"minute": 1, "hour": 60}
_CALENDAR_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
MAX_LENGTH = 100_000
UNITS = {
    "minute": Phrase("minutes"),
    "hour": Phrase("hours"),
    "day": Phrase("days"),
    "week": Phrase("weeks"),
    "month": Phrase("months"),
    "quarter": Phrase("quarters"),
    "year": Phrase("years"),
}


def read_length(
    session: Session, written: tree.Duration
) -> CalendarLength | timedelta | BusinessLength | None:
    """Gives the value of a length of time; reports parts of days and lengths beyond sense."""
    unit, amount = written.unit, written.amount
    if amount > MAX_LENGTH:
        session.report(
            "too_long",
            "a length has at most {most} {unit}",
            written.span,
            most=f"{MAX_LENGTH:,}",
            unit=UNITS[unit],
        )
        return None
    if unit in _MINUTES:
        return _clock(session, written, amount * _MINUTES[unit])
    if amount != int(amount):
        session.report(
            "part_of_day",
            "{unit} are counted whole",
            written.span,
            "write it in {smaller}",
            unit=UNITS[unit],
            smaller=UNITS["hour" if unit == "day" else "day"],
        )
        return None
    if written.business:
        if unit == "day":
            return BusinessLength(days=int(amount))
        session.report(
            "no_such_business_time",
            "there are no business {unit}",
            written.span,
            "write business hours or business days",
            unit=UNITS[unit],
        )
        return None
    if unit in _CALENDAR_DAYS:
        return CalendarLength(days=int(amount) * _CALENDAR_DAYS[unit])
    return CalendarLength(months=int(amount) * _MONTHS[unit])


def _clock(
    session: Session, written: tree.Duration, minutes: Decimal
) -> timedelta | BusinessLength | None:
    if not written.business:
        return timedelta(milliseconds=int(minutes * 60_000))
    if minutes == int(minutes):
        return BusinessLength(minutes=int(minutes))
    session.report("part_of_minute", "business minutes are counted whole", written.span)
    return None


def check_older_than(
    session: Session, place: Place, expression: tree.Expression
) -> core.Node | None:
    """Gives `x < now - length`, for dates `x < today - length`."""
    if not isinstance(expression, tree.OlderThan):
        return None
    sides = _moment_and_length(session, place, expression.operand, expression.length, "older than")
    if sides is None:
        return None
    operand, length = sides
    limit = _shift(_now_like(operand), "-", length, expression.span)
    boolean = Type(Kind.BOOLEAN)
    node: core.Node = core.Compare(boolean, False, expression.span, "<", operand, limit)
    return core.Not(boolean, False, expression.span, node) if expression.negated else node


def check_window(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives `x >= now - length and x <= now` for last, the mirror for next; dates by today."""
    if not isinstance(expression, tree.InWindow):
        return None
    doing = f"in {expression.window}"
    sides = _moment_and_length(session, place, expression.operand, expression.length, doing)
    if sides is None:
        return None
    operand, length = sides
    now, span, boolean = _now_like(operand), expression.span, Type(Kind.BOOLEAN)
    ends: tuple[core.Node, core.Node]
    if expression.window == "last":
        ends = (_shift(now, "-", length, span), now)
    else:
        ends = (now, _shift(now, "+", length, span))
    above = core.Compare(boolean, False, span, ">=", operand, ends[0])
    below = core.Compare(boolean, False, span, "<=", operand, ends[1])
    node: core.Node = core.AllOf(boolean, False, span, (above, below))
    return core.Not(boolean, False, span, node) if expression.negated else node


def _moment_and_length(
    session: Session, place: Place, moment: tree.Expression, length: tree.Expression, doing: str
) -> tuple[core.Node, core.Node] | None:
    operand, amount = session.check(place, moment), session.check(place, length)
    if operand is None or amount is None:
        return None
    if not is_kind(operand, _DATE, _INSTANT):
        template = '"{doing}" looks at dates and points in time, not {found}'
        session.report("wrong_type", template, operand.span, doing=doing, found=say(operand))
        return None
    if not is_kind(amount, _DAYS, _HOURS):
        session.report(
            "wrong_type",
            '"{doing}" needs a length of time, not {found}',
            amount.span,
            "write e.g.  7 days",
            doing=doing,
            found=say(amount),
        )
        return None
    if is_kind(operand, _DATE) and is_kind(amount, _HOURS):
        session.report("mismatch", "a date has no hours", amount.span, "write days")
        return None
    return operand, amount


def _now_like(operand: core.Node) -> core.Parameter:
    name = "today" if is_kind(operand, _DATE) else "now"
    return core.Parameter(Type(operand.type.kind), False, operand.span, name)


def _shift(moment: core.Node, op: str, length: core.Node, span: Span) -> core.Node:
    return core.Arithmetic(moment.type, length.nullable, span, op, moment, length)
