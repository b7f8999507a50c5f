"""Where conditions can hold: sets of boxes over all the values that they look at.

What is not known (a function's result, a comparison of two fields) is a value of its own that may
hold or not. So the answer "nowhere" is always true, the answer "somewhere" is a maybe.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rule_engine import core
from rule_engine.check.atoms import Atom, atom_of, shape
from rule_engine.check.intervals import Axis, axis_subject, make_axis

#: Beyond this many boxes or atoms nothing is said: all may hold.
MAX_BOXES = 300
MAX_ATOMS = 200

#: For each axis that is not free the set of its points; others have all of theirs.
Box = Mapping[int, int]
ANYWHERE: Box = {}


class TooManyError(Exception):
    """The conditions are too many to be looked through."""


@dataclass(frozen=True, slots=True)
class Space:
    """The axes of some conditions, and for each smallest condition its axis with the points at
    which it holds; an axis of its own (True, False) for one that is not known."""

    axes: Sequence[Axis]
    tests: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def where(self, node: core.Node, holds: bool = True) -> list[Box]:
        """Gives boxes that hold all places at which a condition holds (or does not)."""
        match node:
            case core.Constant(value=value):
                return [ANYWHERE] if (value is True) is holds else []
            case core.Not(operand=operand):
                return self.where(operand, not holds)
            case core.AllOf(items=items) | core.AnyOf(items=items):
                parts = [self.where(item, holds) for item in items]
                return self.all_of(parts) if isinstance(node, core.AllOf) is holds else unite(parts)
            case core.If(condition=condition, then=then, otherwise=otherwise):
                first = [self.where(condition), self.where(then, holds)]
                second = [self.where(condition, False), self.where(otherwise, holds)]
                return unite([self.all_of(first), self.all_of(second)])
        axis, points = self.tests[id(node)]
        everything = self.axes[axis].all
        points = points if holds else everything & ~points
        if points == everything:
            return [ANYWHERE]
        return [{axis: points}] if points else []

    def all_of(self, parts: Iterable[Sequence[Box]]) -> list[Box]:
        """Gives the boxes in which all of the parts hold."""
        result: list[Box] = [ANYWHERE]
        for boxes in sorted(parts, key=len):
            if len(result) * len(boxes) > MAX_BOXES:
                continue  # to leave a condition out makes the place larger only
            met = (meet(one, other) for one in result for other in boxes)
            result = [box for box in met if box is not None]
        return result


def meet(one: Box, other: Box) -> Box | None:
    """Gives what lies in both boxes; None when nothing does."""
    result = dict(one)
    for axis, points in other.items():
        common = result.get(axis, points) & points
        if not common:
            return None
        result[axis] = common
    return result


def unite(parts: Iterable[Iterable[Box]]) -> list[Box]:
    """Gives boxes for all that lies in any part; boxes along one and the same axis become one."""
    single: dict[int, int] = {}
    others: dict[Hashable, Box] = {}
    for boxes in parts:
        for box in boxes:
            if not box:
                return [ANYWHERE]
            if len(box) == 1:
                (axis, points), *_ = box.items()
                single[axis] = single.get(axis, 0) | points
            else:
                others[frozenset(box.items())] = box
    result: list[Box] = [{axis: points} for axis, points in single.items()]
    result += others.values()
    return result if len(result) <= MAX_BOXES else [ANYWHERE]


def make_space(conditions: Iterable[core.Node]) -> Space:
    """Gives the space of conditions. Raises TooManyError."""
    atoms: dict[int, tuple[core.Node, Atom]] = {}
    for condition in conditions:
        for node in smallest(condition):
            if len(atoms) >= MAX_ATOMS:
                raise TooManyError
            if id(node) not in atoms:
                atoms[id(node)] = node, atom_of(node)
    keys = {place: shape(axis_subject(atom)) for place, (_, atom) in atoms.items()}
    subjects: dict[Hashable, list[Atom]] = {}
    for place, (_, atom) in atoms.items():
        subjects.setdefault(keys[place], []).append(atom)
    axes = [make_axis(axis_subject(of_one[0]), of_one) for of_one in subjects.values()]
    numbers = {key: number for number, key in enumerate(subjects)}
    tests: dict[int, tuple[int, int]] = {}
    for place, (node, atom) in atoms.items():
        number = numbers[keys[place]]
        points = axes[number].holding(atom)
        if points is None:
            axes.append(make_axis(node, [Atom(node, "unknown")]))
            number, points = len(axes) - 1, 1
        tests[place] = number, points
    return Space(axes, tests)


def smallest(condition: core.Node) -> Iterator[core.Node]:
    """Gives the conditions that and, or, not and if are made of."""
    pending = [condition]
    while pending:
        node = pending.pop()
        match node:
            case core.AllOf() | core.AnyOf() | core.Not() | core.If():
                pending.extend(core.children(node))
            case core.Constant():
                pass
            case _:
                yield node


def holds_somewhere(conditions: Sequence[core.Node], *, but: Sequence[core.Node] = ()) -> bool:
    """Says whether all conditions can hold at once while none of `but` does; True is a maybe."""
    try:
        space = make_space([*conditions, *but])
    except TooManyError:
        return True
    parts = [*(space.where(one) for one in conditions), *(space.where(one, False) for one in but)]
    return bool(space.all_of(parts))
