"""Typing of + - * / and of signs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from rule_engine import core, tree
from rule_engine.check.agreement import midnight, mismatch_hint, report_mismatch
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import say, say_both
from rule_engine.messages import Phrase
from rule_engine.types import Kind, Type
from rule_engine.values import CalendarLength

_N, _P, _M = Kind.NUMBER, Kind.PERCENT, Kind.MONEY
_DATE, _INSTANT, _TIME = Kind.DATE, Kind.INSTANT, Kind.TIME
_DAYS, _HOURS = Kind.CALENDAR_LENGTH, Kind.CLOCK_LENGTH

#: What each operation gives for the kinds of its sides. What is missing is refused.
RESULTS: dict[tuple[str, Kind, Kind], Kind] = {
    **{(op, kind, kind): kind for op in "+-" for kind in (_N, _P, _M, _DAYS, _HOURS)},
    ("*", _N, _N): _N,
    ("*", _P, _P): _P,
    ("*", _N, _P): _N,
    ("*", _P, _N): _N,
    ("*", _M, _N): _M,
    ("*", _N, _M): _M,
    ("*", _M, _P): _M,
    ("*", _P, _M): _M,
    ("*", _DAYS, _N): _DAYS,
    ("*", _N, _DAYS): _DAYS,
    ("*", _HOURS, _N): _HOURS,
    ("*", _N, _HOURS): _HOURS,
    ("/", _N, _N): _N,
    ("/", _N, _P): _N,
    ("/", _P, _P): _N,
    ("/", _P, _N): _P,
    ("/", _M, _M): _N,
    ("/", _M, _N): _M,
    ("/", _M, _P): _M,
    ("/", _HOURS, _HOURS): _N,
    ("/", _HOURS, _N): _HOURS,
    ("-", _DATE, _DATE): _DAYS,
    ("-", _INSTANT, _INSTANT): _HOURS,
    ("-", _TIME, _TIME): _HOURS,
    **{(op, _DATE, _DAYS): _DATE for op in "+-"},
    **{(op, _INSTANT, length): _INSTANT for op in "+-" for length in (_DAYS, _HOURS)},
    **{(op, _TIME, _HOURS): _TIME for op in "+-"},
    ("+", _DAYS, _DATE): _DATE,
    ("+", _DAYS, _INSTANT): _INSTANT,
    ("+", _HOURS, _INSTANT): _INSTANT,
    ("+", _HOURS, _TIME): _TIME,
}

_SIGNED = (_N, _P, _M, _DAYS, _HOURS)
_DOING = {
    "+": Phrase("{right} added to {left}"),
    "-": Phrase("{left} minus {right}"),
    "*": Phrase("{left} multiplied by {right}"),
    "/": Phrase("{left} divided by {right}"),
}


def check_arithmetic(
    session: Session, place: Place, expression: tree.Expression
) -> core.Node | None:
    """Gives the node of `left op right`; a length stands on the right of a time."""
    if not isinstance(expression, tree.Arithmetic):
        return None
    left = session.check(place, expression.left)
    right = session.check(place, expression.right)
    if left is None or right is None:
        return None
    op = expression.op
    if op == "-" and {left.type.kind, right.type.kind} == {_DATE, _INSTANT}:
        left = midnight(left) if is_kind(left, _DATE) else left
        right = midnight(right) if is_kind(right, _DATE) else right
    kind = RESULTS.get((op, left.type.kind, right.type.kind))
    if kind is None:
        _report(session, op, left, right)
        return None
    if op == "+" and is_kind(left, _DAYS, _HOURS) and is_kind(right, _DATE, _INSTANT, _TIME):
        left, right = right, left
    divides = op == "/" and not _is_not_zero(right)
    currencies = (kind is _M and op in "+-") or (is_kind(right, _M) and op == "/")
    nullable = left.nullable or right.nullable or divides or currencies
    return core.Arithmetic(Type(kind), nullable, expression.span, op, left, right)


def _is_not_zero(node: core.Node) -> bool:
    return isinstance(node, core.Constant) and isinstance(node.value, Decimal) and bool(node.value)


def _report(session: Session, op: str, left: core.Node, right: core.Node) -> None:
    kinds = (left.type.kind, right.type.kind)
    if op == "+" and Kind.TEXT in kinds:
        hint = "join texts with  concat(a, b)"
        session.report("mismatch", "text cannot be added", right.span, hint)
        return
    if op in "+-" and kinds[0] in (_DATE, _INSTANT) and is_kind(right, _N):
        session.report(
            "mismatch",
            "{left} plus a bare number" if op == "+" else "{left} minus a bare number",
            right.span,
            "say the unit:  {number} days",
            left=say(left),
            number=_plain(right),
        )
        return
    if kinds == (_DATE, _HOURS) and op in "+-":
        template = "hours added to a date" if op == "+" else "hours taken from a date"
        session.report("mismatch", template, right.span, "add days, or use a point in time")
        return
    if kinds == (_M, _M) and op == "*":
        hint = "multiply by a number or a percentage"
        session.report("mismatch", "money multiplied by money", right.span, hint)
        return
    if kinds[0] is kinds[1] or op in "*/":
        first, second = say_both(left, right)
        advice = _hint(session, op, left, right)
        session.report("mismatch", _DOING[op], right.span, advice, left=first, right=second)
        return
    report_mismatch(session, left, right, _DOING[op])


def _hint(session: Session, op: str, left: core.Node, right: core.Node) -> Phrase:
    if is_kind(left, Kind.BUSINESS_LENGTH) or is_kind(right, Kind.BUSINESS_LENGTH):
        return Phrase("business time needs a calendar; write days or hours")
    if is_kind(left, _DAYS) and op == "/":
        return Phrase("count days with  days_between(a, b)")
    if is_kind(left, _DATE) and is_kind(right, _DATE) and op == "+":
        return Phrase("the days between two dates are  a - b")
    return mismatch_hint(session, right, left)


def _plain(node: core.Node) -> str:
    if isinstance(node, core.Constant) and isinstance(node.value, Decimal):
        return f"{node.value:f}"
    return "7"


def check_sign(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of `-x`; `+x` is x."""
    if not isinstance(expression, tree.Sign):
        return None
    operand = session.check(place, expression.operand)
    if operand is None:
        return None
    if not is_kind(operand, *_SIGNED):
        session.report("mismatch", "{found} has no sign", operand.span, found=say(operand))
        return None
    if expression.op == "+":
        return operand
    if isinstance(operand, core.Constant) and (negative := _negate(operand.value)) is not None:
        return replace(operand, span=expression.span, value=negative)
    return core.Negate(operand.type, operand.nullable, expression.span, operand)


def _negate(value: object) -> object | None:
    match value:
        case Decimal():
            return value.copy_negate() if value else value
        case CalendarLength() | timedelta():
            return -value
    return None
