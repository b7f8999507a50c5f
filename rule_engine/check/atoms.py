"""The smallest conditions: a value tested against fixed values, and what makes two values one.

A fixed value has an anchor: values of one anchor have an order, those of different anchors have
none that holds at all times (`now - 1 month` against `now - 30 days`, 5 CNY against 5 USD).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from rule_engine import core
from rule_engine.text import clean
from rule_engine.types import Kind
from rule_engine.values import CalendarLength, Money

#: How many parts an expression may have for it to be recognised when it is written again.
MAX_SHAPE = 200
#: Beyond these, a moment may fall out of the calendar, and the comparison is false.
_MAX_DAYS, _MAX_MONTHS, _MAX_CLOCK = 300_000, 12_000, timedelta(days=300_000)

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


@dataclass(frozen=True, slots=True)
class Bound:
    """A fixed value. `value` orders among those of its `anchor`; `bare` is `now` or `today` itself,
    which lies at 0 of each of its anchors."""

    anchor: str
    value: object
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Atom:
    """`subject op bounds`: op is one of = < <= > >= (one bound), in, empty, true, and unknown.

    An unknown condition is its own subject: nothing is known but that it holds or does not.
    """

    subject: core.Node
    op: str
    bounds: tuple[Bound, ...] = ()


def atom_of(node: core.Node) -> Atom:
    """Gives a condition that is no and, or, not, if as a test of one value."""
    match node:
        case core.Compare(op=op, left=left, right=right):
            bound = bound_of(right)
            if bound is not None:
                return Atom(left, op, (bound,))
            bound = bound_of(left)
            if bound is not None:
                return Atom(right, _FLIPPED[op], (bound,))
        case core.Member(item=item, items=items):
            bounds = [bound_of(one) for one in items]
            known = tuple(bound for bound in bounds if bound is not None)
            if len(known) == len(bounds):
                return Atom(item, "in", known)
        case core.IsEmpty(operand=operand):
            return Atom(operand, "empty")
        case core.Path() | core.OptionAttribute() | core.Call() | core.Case():
            return Atom(node, "true")
    return Atom(node, "unknown")


def bound_of(node: core.Node) -> Bound | None:
    """Gives the fixed value that a node is, None for one that is not fixed."""
    match node:
        case core.Constant(value=value):
            return _constant(value)
        case core.LocalInstant(date=core.Constant(value=date() as day), at=at) if at == time(0):
            return Bound("midnight", day)
        case core.Parameter(name=name):
            return Bound(name, None, bare=True)
        case core.Arithmetic(
            op="+" | "-" as op, left=core.Parameter(name=name), right=core.Constant(value=length)
        ):
            return _shifted(name, op, length)
    return None


def _constant(value: object) -> Bound | None:
    match value:
        case Money(amount=amount, currency=currency):
            return Bound(currency, amount)
        case str():
            text = clean(value)
            return None if text is None else Bound("", text)
        case CalendarLength(months=0, days=days):
            return Bound("days", days)
        case frozenset():
            return Bound("", value) if value else None
        case bool() | Decimal() | date() | time() | timedelta():
            return Bound("", value)
    return None


def _shifted(name: str, op: str, length: object) -> Bound | None:
    sign = 1 if op == "+" else -1
    match length:
        case CalendarLength(months=0, days=days) if abs(days) <= _MAX_DAYS:
            return Bound(f"{name} days", sign * days)
        case CalendarLength(months=months, days=0) if abs(months) <= _MAX_MONTHS:
            return Bound(f"{name} months", sign * months)
        case timedelta() if abs(length) <= _MAX_CLOCK:
            return Bound(f"{name} clock", sign * length)
    return None


def at_anchor(bound: Bound, anchor: str) -> Bound | None:
    """Gives a bound as seen from an anchor, None when it has no place there."""
    if bound.anchor == anchor:
        return bound
    name, _, unit = anchor.partition(" ")
    if bound.bare and bound.anchor == name and unit:
        return Bound(anchor, timedelta(0) if unit == "clock" else 0)
    return None


def shape(node: core.Node) -> Hashable:
    """Gives what is equal for expressions that differ in their places only.

    Large expressions are equal to nothing but themselves.
    """
    if core.children(node) and any(n >= MAX_SHAPE for n, _ in enumerate(core.walk(node))):
        return id(node)
    return _shape(node)


def _shape(value: object) -> Hashable:
    if isinstance(value, tuple):
        return tuple(map(_shape, value))
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, core.Path):
        return core.Path, value.nullable, value.scope, value.hops, value.object, value.field
    if isinstance(value, core.Node):
        kind: Any = type(value)
        names = _shaping_members(kind)
        return type(value), *[_shape(getattr(value, name)) for name in names]
    return (type(value), value) if isinstance(value, Hashable) else id(value)


@cache
def _shaping_members(kind: type[Any]) -> tuple[str, ...]:
    """Gives the members that say what an expression is: not its place, not its type."""
    return tuple(part.name for part in fields(kind) if part.name not in ("span", "type"))


def is_ordered(kind: Kind) -> bool:
    """Says whether values of a kind lie on a line."""
    return kind in _ORDERED


_ORDERED = frozenset(
    {
        *(Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.DATE, Kind.INSTANT, Kind.TIME),
        *(Kind.CLOCK_LENGTH, Kind.CALENDAR_LENGTH),
    }
)


def is_absolute(anchor: str) -> bool:
    """Says whether values of an anchor can be written down without knowing the time."""
    return anchor.partition(" ")[0] not in ("now", "today", "midnight")
