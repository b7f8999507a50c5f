"""Lists of clocks: what is at risk, what is late, what runs and what stands still.

A clock is seen by who may read its record and every field that its service level looks at. Where to
look is kept (`service_target`); what is shown is worked out from the facts when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query.cursor import BadCursor, digest_of, read_cursor, write_cursor
from metadata.query.order import SortKey
from rule_engine.program import ServiceLevel
from rule_engine.services.sla_clock import Clock, clock
from rule_engine.types import Kind
from trellis.automation.readable import Reader
from trellis.automation.service_levels import service_target
from trellis.errors import Refused
from trellis.records.reach import definition_of
from trellis.service_levels.batches import read_batch, rows_by_id
from trellis.unit import Unit

TARGET: Final = service_target.c
DUE: Final = SortKey(TARGET.due, Kind.INSTANT, descending=False, nullable=True)
MAX_LIMIT: Final = 200

Condition = sa.ColumnElement[bool]
STATES: Final[Mapping[str, Callable[[datetime], Condition]]] = {
    "at_risk": lambda now: sa.and_(
        TARGET.state == "running", TARGET.due > now, TARGET.at_risk_at <= now
    ),
    "breached": lambda now: sa.and_(TARGET.state == "running", TARGET.due <= now),
    "running": lambda now: sa.and_(TARGET.state == "running", TARGET.due > now),
    "paused": lambda _now: TARGET.state == "paused",
    "met": lambda _now: sa.and_(TARGET.state == "met", TARGET.due.is_not(None)),
}
"""What clocks may be asked for. Of those that stand still none is due, of all others each is."""


@dataclass(frozen=True, slots=True)
class Line:
    """A clock of a record, with the record's name as the reader may see it."""

    object: ObjectDefinition
    record_id: str
    name: str
    level: ServiceLevel
    clock: Clock


@dataclass(frozen=True, slots=True)
class Lines:
    """One page of clocks. `next` is the cursor of the following one, None on the last."""

    items: tuple[Line, ...]
    next: str | None


def watched_objects(unit: Unit) -> list[str]:
    """Gives the objects that have service levels and exist for the principal."""
    levels = unit.catalog.written.service_levels
    names = dict.fromkeys(level.object for level in levels)
    return [name for name in names if unit.principal.access(name).exists]


def list_clocks(
    unit: Unit,
    state: str,
    object_name: str | None = None,
    *,
    within: timedelta | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Lines:
    """Gives clocks in a state, the first due first; `within` keeps to those due in so long a time.

    A page may hold fewer than `limit` although others follow. Raises Missing for an object that
    does not exist for the principal, and Refused for what else cannot be asked for.
    """
    names = watched_objects(unit) if object_name is None else [object_name]
    digest = digest_of("clocks", state, object_name, str(within))
    where = conditions(unit, state, within, limit)
    rest = behind(after, digest)
    pages = [rows_of(unit, definition_of(unit, name), [*where, *rest], limit) for name in names]
    found = list(islice(merge(*pages, key=order_key), limit + 1))
    items = tuple(lines_of(unit, found[:limit]))
    last = found[limit - 1] if len(found) > limit else None
    return Lines(items, None if last is None else write_cursor(digest, [iso(last.due)], last.id))


def conditions(unit: Unit, state: str, within: timedelta | None, limit: int) -> list[Condition]:
    """Gives the conditions of a list. Raises Refused."""
    problems = []
    if state not in STATES:
        values = {"name": state[:40], "known": list(STATES)}
        problems.append(Problem("state", "unknown_value", values))
    if not 1 <= limit <= MAX_LIMIT:
        problems.append(Problem("limit", "bad_limit", {"limit": MAX_LIMIT}))
    if problems:
        raise Refused(problems)
    now = unit.moment.now
    more = [] if within is None else [TARGET.due <= now + within]
    return [STATES[state](now), *more]


def behind(after: str | None, digest: str) -> list[Condition]:
    """Gives the condition of clocks behind a cursor. Raises Refused for one of another list."""
    if after is None:
        return []
    try:
        (due,), key = read_cursor(after, digest, [DUE])
    except BadCursor as error:
        raise Refused([Problem("after", "bad_cursor")]) from error
    if due is None:
        return [TARGET.id > key]
    return [sa.tuple_(TARGET.due, TARGET.id) > sa.tuple_(sa.literal(due, TARGET.due.type), key)]


def rows_of(
    unit: Unit, definition: ObjectDefinition, where: Sequence[Condition], limit: int
) -> Sequence[sa.Row[Any]]:
    """Gives the rows of one object's clocks that the principal may see; those whose rules in force
    look at something hidden are not asked for."""
    reader = Reader(unit)
    levels = unit.catalog.levels_of(definition.name)
    hidden = [level.name for level in levels if not reader.may_see_level(level)]
    query = (
        sa.select(TARGET.id, TARGET.due, TARGET.object, TARGET.service_level, TARGET.target)
        .where(TARGET.object == definition.id, *where)
        .order_by(TARGET.due, TARGET.id)
        .limit(limit + 1)
    )
    if hidden:
        query = query.where(TARGET.sla.not_in(hidden))
    return unit.records().beside(definition.name, query, TARGET.record_id)  # type: ignore[return-value]


def order_key(row: sa.Row[Any]) -> tuple[Any, str]:
    """Gives what rows are ordered by, as the databases order them."""
    return iso(row.due), row.id


def iso(due: datetime | None) -> str | None:
    """Gives an instant, all of which are of one zone, as text."""
    return None if due is None else due.isoformat()


def lines_of(unit: Unit, rows: Sequence[sa.Row[Any]]) -> Iterator[Line]:
    """Gives the clocks of rows as of now, in their order; those whose own rules look at something
    that is hidden from the reader are left out."""
    reader = Reader(unit)
    found: dict[str, tuple[Any, ...]] = {}
    for definition in unit.catalog.objects.values():
        keys = [row.service_level for row in rows if row.object == definition.id]
        if not keys:
            continue
        batch = read_batch(unit, definition, rows_by_id(unit, keys), whole=False)
        names = unit.records().names(definition.name, {one.record_id for one, *_ in batch})
        for one, record, environment in batch:
            level = one.definition
            if level is not None and reader.may_see_level(level):
                found[one.id] = (definition, names, one, level, record, environment)
    for row in rows:
        if row.service_level not in found:
            continue
        definition, names, one, level, record, environment = found[row.service_level]
        if any(target.name == row.target for target in level.targets):
            shown = clock(level, one.state, row.target, record, environment)
            name = names.get(one.record_id, "")
            yield Line(definition, one.record_id, name, level, shown)
