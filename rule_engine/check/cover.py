"""Overlaps and gaps of decision tables.

Each row is a box over the columns' points. What is told is told with an example and always true;
tables too large, and cells that are not tests against fixed values, are passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rule_engine import core, tree
from rule_engine.check.atoms import shape
from rule_engine.check.examples import Example, choose, is_plain, likely
from rule_engine.check.intervals import Axis
from rule_engine.check.session import Session
from rule_engine.check.space import ANYWHERE, Box, Space, TooManyError, make_space, meet
from rule_engine.messages import Phrase
from rule_engine.types import Kind

#: Beyond these nothing is said.
MAX_ROWS = 300
MAX_PIECES = 2_000


@dataclass(frozen=True, slots=True)
class Cover:
    """What the rows of a table cover: each row's boxes, and the examples there are on each axis."""

    space: Space
    rows: tuple[tuple[Box, ...], ...]
    likely: tuple[int, ...]

    def never_match(self) -> Iterator[int]:
        """Gives the rows that no values can match."""
        yield from (place for place, boxes in enumerate(self.rows) if not boxes)

    def never_reached(self) -> Iterator[int]:
        """Gives the rows all of whose matches belong to rows above."""
        known: list[Box] = []
        for place, boxes in enumerate(self.rows):
            left = list(boxes)
            for above in known:
                left = [piece for box in left for piece in self._without(box, above)]
                if len(left) > MAX_PIECES:
                    break
            if boxes and not left:
                yield place
            if len(boxes) == 1:
                known.append(boxes[0])

    def overlaps(self) -> Iterator[tuple[int, int, tuple[Example, ...]]]:
        """Gives pairs of rows with values that match both."""
        certain = [(place, *boxes) for place, boxes in enumerate(self.rows) if len(boxes) == 1]
        for (first, one), (second, other) in combinations(certain, 2):
            common = meet(one, other)
            if common is not None and all(map(self._is_free, common)):
                found = self._example(common)
                if found is not None:
                    yield first, second, found

    def gap(self) -> tuple[Example, ...] | None:
        """Gives values that match no row, if there are such."""
        left: list[Box] = [ANYWHERE]
        for boxes in self.rows:
            for box in boxes:
                known = {axis: points for axis, points in box.items() if self._is_free(axis)}
                left = [piece for one in left for piece in self._without(one, known)]
            if len(left) > MAX_PIECES:
                return None
        found = [example for box in left if (example := self._example(box)) is not None]
        return min(found, key=_emptiness, default=None)

    def _without(self, box: Box, other: Box) -> list[Box]:
        """Gives a box without another one, as boxes that share nothing."""
        if meet(box, other) is None:
            return [box]
        pieces: list[Box] = []
        rest = dict(box)
        for axis, points in other.items():
            own = rest.get(axis, self.space.axes[axis].all)
            if own & ~points:
                pieces.append({**rest, axis: own & ~points})
            rest[axis] = own & points
        return pieces

    def _is_free(self, axis: int) -> bool:
        return is_plain(self.space.axes[axis])

    def _example(self, box: Box) -> tuple[Example, ...] | None:
        wanted = {axis: points & self.likely[axis] for axis, points in box.items()}
        if not all(wanted.values()):
            return None
        return tuple(choose(self.space.axes[axis], points) for axis, points in wanted.items())


def _emptiness(examples: Sequence[Example]) -> int:
    return sum(example.value is None for example in examples)


def cover_of(session: Session, conditions: Sequence[core.Node]) -> Cover | None:
    """Gives what the rows of a table cover, by what they ask; None when they are too many."""
    if len(conditions) > MAX_ROWS:
        return None
    try:
        space = make_space(conditions)
    except TooManyError:
        return None
    rows = tuple(tuple(space.where(condition)) for condition in conditions)
    likely_points = tuple(
        likely(axis, can_be_empty=_can_be_empty(session, axis)) for axis in space.axes
    )
    return Cover(space, rows, likely_points)


def _can_be_empty(session: Session, axis: Axis) -> bool:
    """Says whether a field can be empty by itself, not only with the reference before it."""
    path = axis.subject
    field = session.field_of(path) if isinstance(path, core.Path) else None
    return field is not None and field.nullable


def check_cover(
    session: Session,
    table: tree.Table,
    columns: Sequence[core.Node],
    conditions: Sequence[core.Node],
) -> None:
    """Reports rows that cannot match or that no one reaches, overlaps, and a gap."""
    cover = cover_of(session, conditions)
    if cover is None:
        return
    names = {
        shape(column): ".".join(part.text for part in written.parts)
        for column, written in zip(columns, table.columns, strict=True)
    }
    never = set(cover.never_match())
    for place in sorted(never):
        session.warn("never_true", "no values can match this row", table.rows[place].span)
    follows_references = any(column.type.kind is Kind.REFERENCE for column in columns)
    if table.hit == "first":
        for place in cover.never_reached():
            message, hint = "this row is never reached", "the rows above take all that it matches"
            session.warn("never_reached", message, table.rows[place].span, hint)
    if table.hit == "unique" and not follows_references:
        _report_overlaps(session, table, cover, names)
    if table.hit != "collect" and not follows_references:
        found = cover.gap()
        if found is not None:
            message = "no row of this table matches  {example}"
            hint = "the result is empty then; a last row of - takes the rest"
            example = _say(found, names)
            session.warn("table_gap", message, table.head.name.span, hint, example=example)


def _report_overlaps(
    session: Session, table: tree.Table, cover: Cover, names: dict[object, str]
) -> None:
    """Reports for each row the first row above that it overlaps with."""
    told: set[int] = set()
    for first, second, found in cover.overlaps():
        if second not in told:
            told.add(second)
            session.report(
                "table_overlap",
                "rows {first} and {second} of a unique table can both match",
                table.rows[second].span,
                "both do for  {example}",
                first=first + 1,
                second=second + 1,
                example=_say(found, names) or "-",
            )


def _say(examples: Sequence[Example], names: dict[object, str]) -> tuple[Phrase, ...]:
    return tuple(one.say(names.get(shape(one.path), one.path.field)) for one in examples)
