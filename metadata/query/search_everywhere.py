"""Searching several objects at once: the best of all come first, then those of earlier objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final, Literal

import sqlalchemy as sa

from metadata.fields.base import FOLD
from metadata.problems import Problem
from metadata.query.answers import QueryProblem
from metadata.query.cursor import BadCursor, digest_of, read_cursor, write_cursor
from metadata.query.order import SortKey
from metadata.query.paths import ResolvedPath, Source
from metadata.query.run import Row, Runner, Statement
from metadata.query.search import (
    OTHER_RANK,
    Searched,
    SearchPlan,
    best_first,
    holds,
    number,
    search_values,
)
from metadata.query.selection import Selection
from metadata.query.tables import PermittedTables
from metadata.search.tokens import Term, tokens_of
from rule_engine.types import Kind

MAX_SHOWN: Final = 8
"""Fields in which a record may say what it was found by."""
LAST_RANK, LAST_NAME, LAST_ID = "last_rank", "last_name", "last_id"

Column = sa.ColumnElement[Any]
Part = Literal["all", "later ranks", "after"]
"""Which records of an object: all, those from a rank on, those behind a record of it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found. The name is None where it is empty or not to be read; `field` is
    what it was found by, with its Python value, where that is another field of its own."""

    object: str
    id: str
    name: str | None
    field: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of what was found. `next` is the cursor of the following one, None on the last."""

    items: tuple[Hit, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record stands among all that is found."""

    rank: int
    place: int
    name: str
    id: str

    @property
    def key(self) -> tuple[int, int, bytes, str]:
        """Gives what positions are compared by, as both databases compare."""
        return self.rank, self.place, self.name.encode(), self.id


KEYS: Final = (
    SortKey(number(0), Kind.NUMBER, descending=False, nullable=False),
    SortKey(number(0), Kind.NUMBER, descending=False, nullable=False),
    SortKey(sa.literal_column("''", sa.Text()), Kind.TEXT, descending=False, nullable=False),
)
"""What a cursor holds besides the id: rank, place, name."""


class ObjectSearch:
    """The search of one object as all ask for it who have rights of one shape."""

    def __init__(self, tables: PermittedTables, plan: SearchPlan, terms: int, limit: int) -> None:
        name = plan.own.object
        source = Source(tables, name)
        self.plan, self.bound = plan, tables.bound
        own = [ResolvedPath(one.name, name, (), one) for one in plan.own.fields[: MAX_SHOWN + 1]]
        self.selection = Selection(source, own)
        keys = [key.expression for key in best_first(source, plan) or KEYS[1:]]
        self.rank: Column = keys[0] if plan.name is not None else number(OTHER_RANK)
        self.name: Column = keys[1]
        ordered = [self.rank.label("found_rank"), self.name.label("found_name")]
        rules = tables.conditions(source.root, name)
        self.id = source.root.c.id
        self.whole = (
            sa.select(*self.selection.columns, *ordered)
            .select_from(source.clause)
            .where(*rules, holds(source, plan, terms))
            .order_by(*ordered, self.id)
            .limit(limit + 1)
        )

    def statement(self, part: Part) -> Statement:
        """Gives the statement of a part."""
        rank = sa.bindparam(LAST_RANK, type_=sa.Integer())
        if part == "all":
            return self.whole
        if part == "later ranks":
            return self.whole.where(self.rank >= rank)
        last = (sa.bindparam(name, type_=sa.Text()) for name in (LAST_NAME, LAST_ID))
        return self.whole.where(sa.tuple_(self.rank, self.name, self.id) > sa.tuple_(rank, *last))

    def read(self, row: Row, run: Runner, terms: Sequence[Term]) -> Hit:
        """Gives a row as what was found."""
        record = self.selection.read(row, run.connection)
        name = None if self.plan.name is None else record[self.plan.name.text]
        field = found_by(self.plan, record, terms) if row[-2] == OTHER_RANK else None
        value = None if field is None else record[field]
        shown = None if name is None else str(name)
        return Hit(self.plan.own.object, str(record["id"]), shown, field, value)


def found_by(plan: SearchPlan, record: Mapping[str, object], terms: Sequence[Term]) -> str | None:
    """Gives the first field of a record in which a term is found; None for one over a reference."""
    for field in plan.own.fields:
        if plan.name is not None and field.name == plan.name.text:
            continue
        text = field.type.to_parts(record.get(field.name), field).get(FOLD)
        tokens = frozenset(tokens_of(text)) if isinstance(text, str) else frozenset()
        for lexeme in (lexeme for term in terms for lexeme in term):
            fits = (token.startswith(lexeme.text) for token in tokens)
            if lexeme.text in tokens or (lexeme.is_prefix and any(fits)):
                return field.name
    return None


def read_hits(
    searches: Mapping[str, ObjectSearch],
    run: Runner,
    searched: Searched,
    limit: int,
    after: str | None,
) -> Hits:
    """Gives the page after a cursor. Raises QueryProblem for a cursor of another question."""
    digest = digest_of("search", searched.text, list(searches))
    last = read_position(after, digest)
    found: list[list[tuple[Position, ObjectSearch, Row]]] = []
    for place, one in enumerate(searches.values()):
        values = search_values(one.plan, searched, run.connection.dialect.name)
        part, beyond = part_after(last, place)
        rows = run(one.statement(part), one.bound, {**values, **beyond})
        found.append([(position(row, place), one, row) for row in rows])
    ordered = list(merge(*found, key=lambda item: item[0].key))
    hits = tuple(one.read(row, run, searched.terms) for _, one, row in ordered[:limit])
    if len(ordered) <= limit:
        return Hits(hits)
    final = ordered[limit - 1][0]
    return Hits(hits, write_cursor(digest, (final.rank, final.place, final.name), final.id))


def position(row: Row, place: int) -> Position:
    """Gives where a row stands; the rank and the name are its last columns."""
    return Position(int(row[-2]), place, str(row[-1]), str(row[0]))


def part_after(last: Position | None, place: int) -> tuple[Part, dict[str, Any]]:
    """Gives which records of the object at a place come after a position, with the parameters."""
    if last is None:
        return "all", {}
    if place == last.place:
        return "after", {LAST_RANK: last.rank, LAST_NAME: last.name, LAST_ID: last.id}
    return "later ranks", {LAST_RANK: last.rank + (place < last.place)}


def read_position(after: str | None, digest: str) -> Position | None:
    """Gives where a page begins; None for the first one."""
    if after is None:
        return None
    try:
        (rank, place, name), record_id = read_cursor(after, digest, KEYS)
    except BadCursor as error:
        raise QueryProblem([Problem("after", "bad_cursor")]) from error
    return Position(int(str(rank)), int(str(place)), str(name), record_id)
