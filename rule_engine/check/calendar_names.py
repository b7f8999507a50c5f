"""Calendars as arguments: `business_days_between(a, b, cn_office)`."""

from __future__ import annotations

from rule_engine import core, tree
from rule_engine.calendars import ORGANISATION
from rule_engine.check.session import Session
from rule_engine.functions import Function
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind, Type


def calendar_argument(session: Session, written: tree.Expression) -> core.Node | None:
    """Gives a calendar's name, written as a name or as a text; an unknown one is reported."""
    match written:
        case tree.String(value=name):
            pass
        case tree.Path(parts=parts):
            name = ".".join(part.text for part in parts)
        case _:
            session.report(
                "not_a_calendar",
                "the name of a calendar is needed here",
                written.span,
                "write e.g.  cn_office",
            )
            return None
    own_name = name.rpartition(".")[2]
    if name not in session.calendars:
        hint = did_you_mean(name, session.calendars)
        session.report(
            "unknown_calendar", 'there is no calendar "{name}"', written.span, hint, name=name
        )
        return None
    if isinstance(written, tree.Path):
        session.mention("calendar", "", own_name, written.parts[-1].span)
    return core.Constant(Type(Kind.TEXT), False, written.span, own_name)


def lacks_calendar(session: Session, function: Function, written: tree.Call) -> bool:
    """Reports a call that names no calendar where the organisation has none."""
    wanted = [place for place, one in enumerate(function.parameters) if one.names_calendar]
    if not wanted or wanted[0] < len(written.arguments):
        return False
    if ORGANISATION in session.calendars or "" in session.calendars:
        return False
    session.report(
        "business_time",
        "business time needs a calendar",
        written.function.span,
        "write  {signature}",
        signature=function.signature.replace("[calendar]", "calendar_name"),
    )
    return True
