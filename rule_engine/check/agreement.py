"""Brings two values into forms that can be equal, or says why that cannot be."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

from rule_engine import core
from rule_engine.check.choices import fit_option
from rule_engine.check.session import Session, is_kind
from rule_engine.check.words import say_both
from rule_engine.messages import NOTHING, Phrase
from rule_engine.types import Kind, Type
from rule_engine.values import CalendarLength

_TEXTS = frozenset({Kind.TEXT, Kind.CHOICE})
_LENGTHS = frozenset({Kind.CALENDAR_LENGTH, Kind.CLOCK_LENGTH})
_TIMES = frozenset({Kind.DATE, Kind.INSTANT})
_ID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[+-]?\d[\d_,]*(\.\d+)?%?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

_COMPARED = Phrase("{left} compared with {right}")
_A_DAY = Phrase("a day is written  2026-03-01")
_NO_QUOTES = Phrase("remove the quotes")
_FIELD_OF_RECORD = Phrase("compare a field of the record, e.g. account.name")
_CONTAINS = Phrase('write  contains "{text}"', {"text": "x"})


def agree(
    session: Session, left: core.Node, right: core.Node
) -> tuple[core.Node, core.Node] | None:
    """Gives two values in forms that can be equal; None when something was reported."""
    for side in (left, right):
        if is_text_constant(side) and not _text(side):
            session.report(
                "empty_text", "an empty text equals nothing", side.span, 'write "is empty"'
            )
            return None
    count = len(session.found)
    first = _fit(session, left, right)
    second = _fit(session, right, left)
    if len(session.found) > count:
        return None
    if _are_comparable(first, second):
        return first, second
    report_mismatch(session, left, right)
    return None


def is_text_constant(node: core.Node) -> bool:
    """Says whether a node is a text literal."""
    return isinstance(node, core.Constant) and isinstance(node.value, str)


def _text(node: core.Node) -> str:
    return str(node.value).strip() if isinstance(node, core.Constant) else ""


def _fit(session: Session, value: core.Node, other: core.Node) -> core.Node:
    """Gives a value in the form that its partner asks for; itself when there is none."""
    if is_kind(value, Kind.DATE) and is_kind(other, Kind.INSTANT):
        return midnight(value)
    if not isinstance(value, core.Constant):
        return value
    if is_kind(other, Kind.CHOICES) and is_kind(value, Kind.LIST):
        return _option_set(session, value, other)
    if not is_kind(value, Kind.TEXT):
        return value
    if is_kind(other, Kind.CHOICE) and not isinstance(other, core.Constant):
        return fit_option(session, value, other) or value
    if is_kind(other, Kind.REFERENCE) and _ID.fullmatch(_text(value)):
        return replace(value, type=Type(Kind.REFERENCE, target=other.type.target))
    return replace(value, value=_text(value))


def midnight(day: core.Node) -> core.LocalInstant:
    """Gives the instant at which a day begins in the organisation's zone."""
    return core.LocalInstant(Type(Kind.INSTANT), day.nullable, day.span, day, time(0))


def _option_set(session: Session, constant: core.Constant, choices: core.Node) -> core.Constant:
    values = constant.value if isinstance(constant.value, tuple) else ()
    for value in values:
        item = core.Constant(Type(Kind.TEXT), False, constant.span, value)
        fit_option(session, item, choices)
    kind = Type(Kind.CHOICES, options=choices.type.options)
    return replace(constant, type=kind, value=frozenset(map(str, values)))


def _are_comparable(left: core.Node, right: core.Node) -> bool:
    kinds = {left.type.kind, right.type.kind}
    if kinds <= _TEXTS:
        return True
    if len(kinds) > 1 or kinds & {Kind.LIST, Kind.BUSINESS_LENGTH, Kind.EMPTY}:
        return False
    targets = {left.type.target, right.type.target} - {None}
    return len(targets) <= 1


def report_mismatch(
    session: Session, left: core.Node, right: core.Node, doing: Phrase = _COMPARED
) -> None:
    """Says that two values do not go together, at the literal if only one is one."""
    first, second = say_both(left, right)
    only_left = isinstance(left, core.Constant) and not isinstance(right, core.Constant)
    marked, other = (left, right) if only_left else (right, left)
    session.report(
        "mismatch",
        doing,
        marked.span,
        mismatch_hint(session, marked, other),
        left=first,
        right=second,
    )


def mismatch_hint(session: Session, value: core.Node, wanted: core.Node) -> Phrase:
    """Gives the way to write a value so that it fits the kind of another."""
    kinds = {value.type.kind, wanted.type.kind}
    if kinds & _TIMES and kinds & _LENGTHS:
        return _length_hint(value if value.type.kind in _LENGTHS else wanted)
    if kinds == _LENGTHS:
        return Phrase("write both in days or both in hours")
    if is_text_constant(value):
        return _quoted_hint(_text(value), wanted, currency_of(session, wanted))
    if isinstance(value, core.Constant) and is_kind(value, Kind.NUMBER):
        return _bare_hint(value, wanted, currency_of(session, wanted))
    if isinstance(value, core.Arithmetic) and wanted.type.kind in _TIMES:
        return _A_DAY  # 2026/03/01, 03/01/2026
    match wanted.type.kind:
        case Kind.REFERENCE:
            return _FIELD_OF_RECORD
        case Kind.CHOICES:
            return _CONTAINS
        case Kind.TEXT if is_kind(value, Kind.NUMBER):
            return Phrase("write text_of(…) or number_of(…)")
    return NOTHING


def _length_hint(length: core.Node) -> Phrase:
    written = {"length": say_length(length)}
    return Phrase("write  older than {length}  or  in last {length}", written)


def say_length(length: core.Node) -> str:
    """Gives a constant length as one writes it; an example for another."""
    match length:
        case core.Constant(value=CalendarLength(months=0, days=days)):
            return _count(days, "day")
        case core.Constant(value=CalendarLength(months=months, days=0)):
            return _count(months, "month")
        case core.Constant(value=timedelta() as clock):
            minutes = int(clock.total_seconds() // 60)
            return _count(minutes, "minute") if minutes % 60 else _count(minutes // 60, "hour")
    return "7 days"


def _count(amount: int, unit: str) -> str:
    return f"{amount} {unit}" if amount == 1 else f"{amount} {unit}s"


def _quoted_hint(text: str, wanted: core.Node, currency: str) -> Phrase:
    match wanted.type.kind:
        case Kind.NUMBER | Kind.PERCENT if _NUMBER.fullmatch(text):
            return _NO_QUOTES
        case Kind.MONEY if _NUMBER.fullmatch(text):
            values = {"text": text, "currency": currency}
            return Phrase("remove the quotes and say the currency:  {text} {currency}", values)
        case Kind.DATE | Kind.INSTANT if _DAY.match(text):
            return _NO_QUOTES
        case Kind.BOOLEAN:
            return _NO_QUOTES if text in ("true", "false") else Phrase("write true or false")
        case Kind.REFERENCE:
            return _FIELD_OF_RECORD
        case Kind.CHOICES:
            return replace(_CONTAINS, values={"text": text})
    return NOTHING


def currency_of(session: Session, node: core.Node) -> str:
    """Gives the currency to suggest beside a value: its field's own, else CNY."""
    field = session.field_of(node) if isinstance(node, core.Path) else None
    return (field.currency if field is not None else None) or "CNY"


def _bare_hint(value: core.Constant, wanted: core.Node, currency: str) -> Phrase:
    number = f"{value.value:f}" if isinstance(value.value, Decimal) else ""
    if is_kind(wanted, Kind.PERCENT) and isinstance(value.value, Decimal) and value.value < 1:
        number = f"{(value.value * 100).normalize():f}"
    hint = _BARE_HINTS.get(wanted.type.kind, NOTHING)
    return replace(hint, values={"number": number, "currency": currency})


_BARE_HINTS = {
    Kind.MONEY: Phrase("say the currency:  {number} {currency}"),
    Kind.DATE: _A_DAY,
    Kind.INSTANT: _A_DAY,
    Kind.PERCENT: Phrase("write it as a percentage:  {number}%"),
    Kind.TEXT: Phrase('texts are written in quotes:  "{number}"'),
    Kind.CHOICE: Phrase('texts are written in quotes:  "{number}"'),
    Kind.BOOLEAN: Phrase("write true or false"),
    Kind.CALENDAR_LENGTH: Phrase("say the unit:  {number} days"),
    Kind.CLOCK_LENGTH: Phrase("say the unit:  {number} hours"),
}
