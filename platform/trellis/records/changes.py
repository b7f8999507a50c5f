"""The change feed: what was written to records, in the order of commits, as its reader may see it.

It tells what history keeps. A row that was numbered is never put before one that was read: who
asks again from the last number misses nothing and gets nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from trellis.audit.tables import audit_chain
from trellis.records.history import Op, field_names, record_history
from trellis.records.inner_history import UNSEEN, seen_lists
from trellis.records.reach import definition_of
from trellis.records.stamps import FIRST_VERSION
from trellis.unit import Unit

#: How many rows of the history one answer looks at, whatever of them its reader may see.
SCANNED: Final = 2_000
BATCH: Final = 200

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a record: `fields` are the names of those that changed and that are readable."""

    sequence: int
    object: str
    id: str
    op: Op
    at: datetime
    fields: tuple[str, ...]


def changes_after(
    unit: Unit, after: int, *, object_name: str | None = None, limit: int = 50
) -> tuple[list[Change], int]:
    """Gives changes after a number, and the number to go on from.

    Left out are those of records that the principal may not read now, and those that have no
    part which she may read. What is left out does not move the number on, so it cannot be told
    from what never happened, except where SCANNED of them follow each other. Raises Missing for
    an object that does not exist for the principal.
    """
    objects = feed_objects(unit, object_name)
    found: list[Change] = []
    last, scanned = after, 0
    while scanned < SCANNED:
        rows = rows_after(unit.connection, list(objects), last, BATCH)
        for change in seen_changes(unit, objects, rows):
            found.append(change)
            if len(found) == limit:
                return found, change.sequence
        scanned += len(rows)
        if len(rows) < BATCH:
            return found, found[-1].sequence if found else after
        last = int(rows[-1]["sequence"])
    return found, last


def feed_objects(unit: Unit, object_name: str | None) -> dict[str, ObjectDefinition]:
    """Gives by stable id the objects whose changes are told."""
    if object_name is not None:
        definition = definition_of(unit, object_name)
        return {definition.id: definition}
    known = unit.catalog.objects
    return {one.id: one for one in known.values() if unit.principal.access(one.name).may("read")}


def last_sequence(unit: Unit) -> int:
    """Gives the number of the newest row."""
    return int(unit.connection.scalar(sa.select(sa.func.max(audit_chain.c.sequence))) or 0)


def rows_after(
    connection: sa.Connection, ids: Sequence[str], after: int, limit: int
) -> list[dict[str, Any]]:
    """Gives rows of the history of some objects with their numbers."""
    query = (
        sa.select(audit_chain.c.sequence, *record_history.c)
        .join_from(audit_chain, record_history, audit_chain.c.row_id == record_history.c.id)
        .where(
            audit_chain.c.source == record_history.name,
            audit_chain.c.sequence > after,
            audit_chain.c.object.in_(ids),
        )
        .order_by(audit_chain.c.sequence)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def seen_changes(
    unit: Unit, objects: Mapping[str, ObjectDefinition], rows: Sequence[Row]
) -> Iterator[Change]:
    """Gives what the principal sees of rows, in their order; one statement per object."""
    seen: dict[int, Change] = {}
    in_order = sorted(rows, key=lambda row: str(row["object"]))
    for object_id, group in groupby(in_order, key=lambda row: str(row["object"])):
        for change in changes_of(unit, objects[object_id], list(group)):
            seen[change.sequence] = change
    return (seen[number] for number in sorted(seen))


def changes_of(unit: Unit, definition: ObjectDefinition, rows: Sequence[Row]) -> Iterator[Change]:
    """Gives what the principal sees of rows of one object."""
    readable = unit.records().readable(definition.name, {str(row["record_id"]) for row in rows})
    kept = [row for row in rows if row["record_id"] in readable]
    told, lists = seen_lists(unit, definition.name, kept)
    names = {**field_names(unit, definition), **lists}
    for row in told:
        op = op_of_row(definition, row)
        fields = visible_names(names, row["changes"])
        if fields or op != "update":
            yield Change(row["sequence"], definition.name, row["record_id"], op, row["at"], fields)


def visible_names(names: Mapping[str, str], changes: Iterable[str]) -> tuple[str, ...]:
    """Gives the names of what changed; that a record was deleted is told by the operation."""
    found = {names[key] for key in changes if key in names and key != UNSEEN}
    return tuple(sorted(found - {"deleted_at"}))


def op_of_row(definition: ObjectDefinition, row: Row) -> Op:
    """Gives what a row tells of; one of an older product does not say so itself."""
    if row["op"] is not None:
        op: Op = row["op"]
        return op
    changes = row["changes"]
    gone = changes.get(definition.fields["deleted_at"].id)
    if gone is not None:
        return "delete" if gone[1] is not None else "restore"
    is_first = row["version"] == FIRST_VERSION and row["channel"] != "rule"
    return "create" if is_first else "update"
