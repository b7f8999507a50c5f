"""The finitely many points of a value that a set of conditions can tell apart.

A number tested against 5 and 10 has seven: below 5, 5, between, 10, above, empty. Sets of points
are bits of an integer, so that `and`, `or` and `not` of tests of one value are single operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import eq, ge, gt, le, lt
from typing import Any

from rule_engine import core
from rule_engine.check.atoms import Atom, Bound, at_anchor, bound_of, is_ordered
from rule_engine.types import Kind

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True)
class Empty:
    """The point of an empty value."""


@dataclass(frozen=True, slots=True)
class Other:
    """The points of all values that are not named; of an amount: those without a rate."""


@dataclass(frozen=True, slots=True)
class Exactly:
    """The point of one value."""

    value: object


@dataclass(frozen=True, slots=True)
class Stretch:
    """All values between two, ends left out; None is no end."""

    after: object
    before: object


Point = Empty | Other | Exactly | Stretch


@dataclass(frozen=True)  # without slots: the sum of all points is made once
class Axis:
    """The points of one value under all the conditions that look at it.

    `anchor` is that of the fixed values; what has another anchor is not told on this axis.
    """

    subject: core.Node
    anchor: str
    points: tuple[Point, ...]

    @cached_property
    def all(self) -> int:
        """The set of all points."""
        return (1 << len(self.points)) - 1

    def holding(self, atom: Atom) -> int | None:
        """Gives the points at which a test of this value holds; None when it cannot be told."""
        points = self._seen_by(atom)
        if atom.op in _POINTS:
            return _bits(point == _POINTS[atom.op] for point in points)
        bounds = [at_anchor(bound, self.anchor) for bound in atom.bounds]
        values = [bound.value for bound in bounds if bound is not None]
        if len(values) < len(bounds):
            return None
        op = "=" if atom.op == "in" else atom.op
        return _bits(any(_compares(op, point, one) for one in values) for point in points)

    def _seen_by(self, atom: Atom) -> Sequence[Point]:
        """Gives the points themselves, or for an option's attribute those of its values."""
        if not isinstance(atom.subject, core.OptionAttribute) or atom.op == "unknown":
            return self.points
        values = dict(atom.subject.values)
        return [_valued(values, point) for point in self.points]


#: The point at which tests hold that compare with nothing.
_POINTS: Mapping[str, Point] = {
    "unknown": Exactly(True),
    "true": Exactly(True),
    "empty": Empty(),
}


def _bits(holding: Iterable[bool]) -> int:
    return sum(1 << place for place, holds in enumerate(holding) if holds)


def _valued(values: Mapping[str, object], point: Point) -> Point:
    value = values.get(str(point.value)) if isinstance(point, Exactly) else None
    return Empty() if value is None else Exactly(value)


def _compares(op: str, point: Point, value: Any) -> bool:
    match point:
        case Exactly(value=own):
            return _COMPARE[op](own, value)
        case Stretch(after=after, before=before):
            if op in ("<", "<="):
                return before is not None and before <= value
            if op in (">", ">="):
                return after is not None and after >= value
    return False


def axis_subject(atom: Atom) -> core.Node:
    """Gives the value whose points an atom tells apart: for an option's attribute, the choice."""
    subject = atom.subject
    return subject.path if isinstance(subject, core.OptionAttribute) else subject


def make_axis(subject: core.Node, atoms: Sequence[Atom]) -> Axis:
    """Gives the points of a value under all tests of it."""
    if any(atom.op == "unknown" for atom in atoms):
        return Axis(subject, "", (Exactly(True), Exactly(False)))
    kind, options = subject.type.kind, subject.type.options
    if kind is Kind.BOOLEAN:
        return Axis(subject, "", (Exactly(True), Exactly(False), Empty()))
    if kind is Kind.CHOICE and options is not None:
        return Axis(subject, "", (*map(Exactly, options), Empty()))
    bounds = [bound for atom in atoms for bound in atom.bounds]
    anchor = _anchor(bounds)
    here = (at_anchor(bound, anchor) for bound in bounds)
    values = dict.fromkeys(bound.value for bound in here if bound is not None)
    own = bound_of(subject)
    fixed = None if own is None else at_anchor(own, anchor)
    if fixed is not None:
        return Axis(subject, anchor, (Exactly(fixed.value),))
    if not is_ordered(kind):
        return Axis(subject, anchor, (*map(Exactly, values), Other(), Empty()))
    more = (Other(), Empty()) if kind is Kind.MONEY else (Empty(),)
    return Axis(subject, anchor, (*_line(sorted(values)), *more))  # type: ignore[type-var]  # of one anchor


def _anchor(bounds: Iterable[Bound]) -> str:
    """Gives the anchor of most bounds; `now` and `today` themselves fit several."""
    counts: dict[str, int] = {}
    for bound in bounds:
        anchor = f"{bound.anchor} days" if bound.bare else bound.anchor
        counts[anchor] = counts.get(anchor, 0) + (1 if bound.bare else 1_000)
    return max(counts, key=lambda anchor: counts[anchor]) if counts else ""


def _line(values: Sequence[object]) -> list[Point]:
    points: list[Point] = []
    before: object = None
    for value in values:
        points += [Stretch(before, value), Exactly(value)]
        before = value
    return [*points, Stretch(before, None)]
