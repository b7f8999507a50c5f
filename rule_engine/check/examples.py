"""Values that stand for points, and how to say them: `discount = 15%`, `region is empty`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from rule_engine import core
from rule_engine.check.atoms import is_absolute
from rule_engine.check.intervals import Axis, Empty, Exactly, Other, Stretch
from rule_engine.messages import Phrase
from rule_engine.types import Kind
from rule_engine.values import CalendarLength, Money

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Example:
    """A value of a field for which something happens; None is empty."""

    path: core.Path
    value: object

    def say(self, name: str) -> Phrase:
        """Says the value of the field, which is called `name`."""
        if self.value is None:
            return Phrase("{field} is empty", {"field": name})
        return Phrase("{field} = {value}", {"field": name, "value": spell(self.value, self.path)})


def spell(value: object, path: core.Path) -> str:
    """Gives a value as it is written in rules."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal() if path.type.kind is Kind.PERCENT:
            return f"{(value * 100).normalize():f}%"
        case Decimal():
            return f"{value:f}"
        case Money(amount=amount, currency=currency):
            return f"{amount:f} {currency}"
        case str():
            return f'"{value}"'
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%MZ")
        case time():
            return f"{value:%H:%M}"
        case timedelta():
            return f"{value // _MINUTE} minutes"
        case CalendarLength(days=days):
            return f"{days} days"
        case frozenset():
            return f"[{', '.join(sorted(str(one) for one in value))}]"
    return str(value)


def is_plain(axis: Axis) -> bool:
    """Says whether values for an axis can be chosen freely: a field with fixed values."""
    subject = axis.subject
    if not isinstance(subject, core.Path) or subject.scope is not core.Scope.RECORD:
        return False
    return is_absolute(axis.anchor) and subject.type.kind is not Kind.REFERENCE


def likely(axis: Axis, *, can_be_empty: bool) -> int:
    """Gives the points of an axis for which there is an example. Between two numbers it has no
    more places than they have: between 199 and 200 there is nothing."""
    return sum(
        1 << place
        for place, point in enumerate(axis.points)
        if (can_be_empty if point == Empty() else _value(axis, place) is not None)
    )


def choose(axis: Axis, points: int) -> Example:
    """Gives an example for one of the points, a filled one if there is one."""
    places = [place for place in range(len(axis.points)) if points >> place & 1]
    place = next((place for place in places if axis.points[place] != Empty()), places[0])
    if not isinstance(axis.subject, core.Path):
        raise TypeError(f"{axis.subject!r} is no field")
    return Example(axis.subject, _value(axis, place))


def _value(axis: Axis, place: int) -> object:
    match axis.points[place]:
        case Exactly(value=value):
            return _whole(axis, value)
        case Stretch(after=after, before=before):
            inside = _inside(axis, after, before)
            return None if inside is None else _whole(axis, inside)
        case Other() if axis.subject.type.kind is Kind.TEXT:
            return _other_text(axis)
    return None


def _whole(axis: Axis, value: object) -> object:
    """Gives a value with what the axis holds back: an amount's currency, a length's unit."""
    match axis.subject.type.kind, value:
        case Kind.MONEY, Decimal():
            return Money(value, axis.anchor)
        case Kind.CALENDAR_LENGTH, int():
            return CalendarLength(days=value)
    return value


def _other_text(axis: Axis) -> str:
    known = {point.value for point in axis.points if isinstance(point, Exactly)}
    return next(text for n in range(len(known) + 1) if (text := f"other{n or ''}") not in known)


def _inside(axis: Axis, after: Any, before: Any) -> object:
    """Gives a value between two (None: no end); None where there is none that is likely."""
    step = _step(axis)
    if step is None or (after is None and before is None):
        return step and _zero(axis)
    try:
        found = before - step if after is None else after + step
    except OverflowError:
        return None
    return found if before is None or found < before else None


def _zero(axis: Axis) -> object:
    return _ZEROS.get(axis.subject.type.kind)


_ZEROS: dict[Kind, object] = {
    Kind.NUMBER: Decimal(0),
    Kind.PERCENT: Decimal(0),
    Kind.MONEY: Decimal(0),
    Kind.CLOCK_LENGTH: timedelta(0),
    Kind.CALENDAR_LENGTH: 0,
}


def _step(axis: Axis) -> Any:
    """Gives by how much two neighbouring values differ at most."""
    kind = axis.subject.type.kind
    if kind in (Kind.NUMBER, Kind.PERCENT, Kind.MONEY):
        numbers = [p.value for p in axis.points if isinstance(p, Exactly)]
        places = [_places(one) for one in numbers if isinstance(one, Decimal)]
        return Decimal(1).scaleb(-max([*places, 2 if kind is Kind.PERCENT else 0]))
    return _STEPS.get(kind)


_STEPS: dict[Kind, object] = {
    Kind.DATE: timedelta(days=1),
    Kind.INSTANT: _MINUTE,
    Kind.CLOCK_LENGTH: _MINUTE,
    Kind.CALENDAR_LENGTH: 1,
}


def _places(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))
