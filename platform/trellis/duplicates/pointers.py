"""What points at records: fields of all objects, and rows of the platform's own tables.

Pointers are moved as they are, many at once: no rule of the records they stand in runs, and no
validation, since nothing about these records has changed. Their history tells it, whoever keeps
something beside them is told, and what is computed from them follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
import sqlalchemy.exc

from metadata.access import SYSTEM
from metadata.catalog import Translated
from metadata.columns import to_columns
from metadata.computed.incremental import Change
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.shares import RECORD_SHARE
from trellis.automation.requests import approval_request
from trellis.channels.in_app import notification
from trellis.errors import Conflict, Refused
from trellis.records.claim_log import queue_claim
from trellis.records.computed import follow, woken
from trellis.records.followers import keep_up
from trellis.records.history import as_wire, entry_row, insert_entries
from trellis.records.reapproval import approve_all_again, held_changes
from trellis.records.removal import remove
from trellis.records.rows import taken_columns, unique_problems
from trellis.records.save import WRITERS, refresh
from trellis.records.stamps import stamps_of_change
from trellis.records.written import Written
from trellis.unit import Unit

MOST_POINTERS: Final = 20_000
"""So many rows are moved in one transaction at most."""

TABLES: Final[Mapping[str, sa.Table]] = {
    table.name: table for table in (approval_request, notification, queue_claim, RECORD_SHARE)
}
"""The platform's tables with `object` and `record_id` whose rows go with a record.

Others stay with the old id: `record_history`, which is shown with the survivor's; `file_use`, since
the old record keeps its files; `outbox`, `webhook_delivery` and `import_row`, which tell what was.
A record with a row in `record_lock` is not merged."""

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Moved:
    """One pointer that was moved, as it is stored: a `field` by its id, or a platform table.

    `row` is the record or row that holds it, `was` the record it pointed at. With `removed` the
    row itself was deleted: a link that the survivor has already.
    """

    place: str
    row: str
    was: str
    removed: bool = False

    def to_json(self) -> list[object]:
        """Gives it for storing."""
        return [self.place, self.row, self.was, self.removed]


@dataclass(frozen=True, slots=True)
class Pointing:
    """A field of an object that may point at the records of another."""

    child: ObjectDefinition
    field: FieldDefinition


def pointing_fields(unit: Unit, definition: ObjectDefinition) -> Iterator[Pointing]:
    """Gives all stored fields in use that may lead to an object's records."""
    for child in unit.catalog.objects.values():
        for field in child.own_fields:
            if field.computed or field.nested:
                continue
            if definition.name in field.type.targets(field):
                yield Pointing(child, field)


def move_all(
    unit: Unit, definition: ObjectDefinition, others: Sequence[str], survivor: str
) -> list[Moved]:
    """Has everything that points at `others` point at the survivor; gives what was moved.

    Raises Conflict for too many rows and for a tree that would become a circle, Refused where a
    unique value would be there twice.
    """
    moved: list[Moved] = []
    for pointing in pointing_fields(unit, definition):
        found = pointers_of(unit, pointing, others, MOST_POINTERS - len(moved))
        moved += settle_field(unit, definition, pointing, found, others, survivor)
        if pointing.field.type.name == "tree" and pointing.child.name == definition.name:
            refuse_circle(unit, pointing, survivor)
    moved += move_rows(unit, definition, others, survivor)
    return moved


def count_known(unit: Unit, definition: ObjectDefinition, moved: Iterable[Moved]) -> int:
    """Gives how many of some pointers to an object's records the principal may know of: those in
    fields and records that she reads. The platform's own rows are nobody's to count."""
    rows: dict[str, list[str]] = {}
    for one in moved:
        rows.setdefault(one.place, []).append(one.row)
    count = 0
    for pointing in pointing_fields(unit, definition):
        child, name = pointing.child.name, pointing.field.name
        access = unit.principal.access(child)
        if pointing.field.id in rows and access.exists and access.reads(name):
            count += len(unit.records().readable(child, rows[pointing.field.id]))
    return count


def pointers_of(
    unit: Unit, pointing: Pointing, others: Sequence[str], most: int
) -> dict[str, list[Record]]:
    """Gives the records that point at each of `others`. Raises Conflict for more than `most`."""
    system = replace(unit, principal=SYSTEM)
    names = stored_names(pointing.child)
    found = system.records().children(pointing.child.name, pointing.field.name, others, names)
    count = sum(len(records) for records in found.values())
    if count > most:
        values = {"object": Translated(pointing.child.plurals), "limit": MOST_POINTERS}
        raise Conflict([Problem("", "merge_too_many", values)])
    return {was: [dict(one) for one in records] for was, records in found.items()}


def stored_names(definition: ObjectDefinition) -> list[str]:
    """Gives the fields of an object that have columns: all of a record but rows and links."""
    return [field.name for field in definition.fields.values() if not field.nested]


def settle_field(
    unit: Unit,
    definition: ObjectDefinition,
    pointing: Pointing,
    found: Mapping[str, Sequence[Record]],
    others: Sequence[str],
    survivor: str,
) -> list[Moved]:
    """Moves the pointers in one field; links that the survivor has already, or that join records
    which become one, are taken away, and records that are merged themselves keep theirs."""
    moving: list[tuple[Record, str]] = []
    moved: list[Moved] = []
    there = taken_links(unit, pointing, survivor) | {survivor, *others}
    for was, records in found.items():
        for record in records:
            row = str(record["id"])
            if pointing.child.name == definition.name and (row in others or row == survivor):
                continue
            end = linked(pointing, record)
            if end is not None and end in there:
                remove(
                    unit.as_automation(), pointing.child, row, WRITERS, channel="rule", why=MERGED
                )
                moved.append(Moved(pointing.field.id, row, was, removed=True))
                continue
            if end is not None:
                there.add(end)
            moving.append((record, was))
            moved.append(Moved(pointing.field.id, row, was))
    repoint(unit, definition, pointing, moving, survivor)
    return moved


MERGED: Final = "merged"


def taken_links(unit: Unit, pointing: Pointing, survivor: str) -> set[str]:
    """Gives what the survivor is linked with already over a link object."""
    if pointing.child.link_of is None:
        return set()
    system = replace(unit, principal=SYSTEM)
    known = system.records().children(pointing.child.name, pointing.field.name, [survivor])
    return {end for one in known.get(survivor, ()) if (end := linked(pointing, one)) is not None}


def linked(pointing: Pointing, record: Record) -> str | None:
    """Gives the other end of a link; None for a record that is none."""
    sides = pointing.child.link_of
    if sides is None:
        return None
    other = sides.there if pointing.field.name == sides.here else sides.here
    return str(record[other])


def repoint(
    unit: Unit,
    definition: ObjectDefinition,
    pointing: Pointing,
    moving: Sequence[tuple[Record, str]],
    target: str,
) -> None:
    """Writes the field of records so that it points at `target`, with all that follows."""
    if not moving:
        return
    child, field = pointing.child, pointing.field
    value = field.type.pointing_at(definition.name, target, field)
    writes, rows, entries = [], [], []
    for record, _ in moving:
        row, version = str(record["id"]), int(str(record["version"])) + 1
        values = {field.name: value, **stamps_of_change(unit, version)}
        columns = to_columns(unit.connection, child, row, values, unit.rates())
        rows.append(
            {"row": row, "seen": version - 1, **{f"new_{k}": v for k, v in columns.items()}}
        )
        writes.append(Written(row, record, {**record, **values}, version))
        changes = {field.name: (as_wire(field, record[field.name]), as_wire(field, value))}
        entries.append(entry_row(unit, child, row, version, changes, channel="rule", why=MERGED))
    write_columns(unit, child, rows)
    insert_entries(unit.connection, entries)
    keep_up(unit, child, writes)
    compute_again(unit, definition, pointing, writes, {was for _, was in moving}, target)


def write_columns(unit: Unit, child: ObjectDefinition, rows: Sequence[dict[str, Any]]) -> None:
    """Writes columns of many rows. Raises Refused for a unique value that is there twice, and
    Conflict when one of them was changed meanwhile."""
    table = unit.catalog.tables[child.name]
    names = [key.removeprefix("new_") for key in rows[0] if key.startswith("new_")]
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("row"), table.c.version == sa.bindparam("seen"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )
    try:
        written = unit.connection.execute(statement, list(rows)).rowcount
    except sqlalchemy.exc.IntegrityError as error:
        taken = taken_columns(table, error)
        if not taken:
            raise
        raise Refused(unique_problems(child, taken)) from error
    if written != len(rows):
        raise Conflict([Problem("", "merge_meanwhile", {"object": Translated(child.plurals)})])


def compute_again(
    unit: Unit,
    definition: ObjectDefinition,
    pointing: Pointing,
    writes: Sequence[Written],
    left: set[str],
    target: str,
) -> None:
    """Brings what is computed from moved pointers right, and lets the rules of both ends that look
    at them run again."""
    child, field = pointing.child, pointing.field
    ids = frozenset(write.id for write in writes)
    change = Change(
        child.name, ids, frozenset({field.name}), {field.name: frozenset(left)}, own=True
    )
    found = follow(unit, [change])
    changed, parents = held_changes(unit, found), woken(unit, found)
    if (child.name, field.name) in unit.catalog.watched_references:
        parents |= {(definition.name, one) for one in (target, *left)}
    for parent in sorted(parents):
        why = f"{definition.name} {MERGED}"
        refresh(unit.as_automation(), *parent, why=why, computed=changed.pop(parent, ()))
    approve_all_again(unit, changed, WRITERS.change)


def refuse_circle(unit: Unit, pointing: Pointing, survivor: str) -> None:
    """Raises Conflict when the survivor would stand below itself."""
    table = unit.catalog.tables[pointing.child.name]
    column, seen, at = table.c[pointing.field.column], {survivor}, survivor
    while True:
        above = unit.connection.scalar(sa.select(column).where(table.c.id == at))
        if above is None:
            return
        if above in seen:
            values = {"field": Translated(pointing.field.labels)}
            raise Conflict([Problem("", "merge_circle", values)])
        seen.add(above)
        at = above


def move_rows(
    unit: Unit, definition: ObjectDefinition, others: Sequence[str], survivor: str
) -> list[Moved]:
    """Moves rows of the platform's tables.

    A share stays where the survivor has one for the same person already, and the claim of somebody
    who does not own the survivor: it ends with the record.
    """
    moved: list[Moved] = []
    for name, table in TABLES.items():
        here = table.c
        mine = sa.and_(here.object == object_key(table, definition), here.record_id.in_(others))
        query = sa.select(here.id, here.record_id).where(mine).order_by(here.id)
        if table is RECORD_SHARE:
            query = query.where(here.grantee.not_in(grantees_of(unit, definition, survivor)))
        elif table is queue_claim:
            owner = owner_of(unit, definition, survivor)
            query = query.where(sa.or_(here.ended_at.is_not(None), here.user == owner))
        rows = [(str(row), str(was)) for row, was in unit.connection.execute(query)]
        if table is RECORD_SHARE:
            rows = first_of_each(unit, rows)
        moved += [Moved(name, row, was) for row, was in rows]
        point_rows(unit, table, [row for row, _ in rows], survivor)
    return moved


def grantees_of(unit: Unit, definition: ObjectDefinition, survivor: str) -> list[str]:
    """Gives with whom a record is shared; what has run out is forgotten."""
    share = RECORD_SHARE.c
    here = sa.and_(share.object == definition.id, share.record_id == survivor)
    ended = sa.delete(RECORD_SHARE).where(here, share.until <= unit.moment.now)
    unit.connection.execute(ended)
    return list(unit.connection.scalars(sa.select(share.grantee).where(here)))


def owner_of(unit: Unit, definition: ObjectDefinition, survivor: str) -> str:
    """Gives the id of a record's owner; "" for none."""
    if not definition.owner:
        return ""
    records = replace(unit, principal=SYSTEM).records()
    found = records.get(definition.name, survivor, ["owner"]) or {}
    return str(found.get("owner") or "")


def first_of_each(unit: Unit, rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Gives one share for each person: of several merged records the first that is found."""
    ids = [row[0] for row in rows]
    query = sa.select(RECORD_SHARE.c.id, RECORD_SHARE.c.grantee).where(RECORD_SHARE.c.id.in_(ids))
    grantees: dict[str, str] = {key: who for key, who in unit.connection.execute(query)}
    kept: dict[str, tuple[str, str]] = {}
    for row in rows:
        kept.setdefault(grantees[row[0]], row)
    return list(kept.values())


def object_key(table: sa.Table, definition: ObjectDefinition) -> str:
    """Gives how a table names an object: people's notifications by its name."""
    return definition.name if table is notification else definition.id


def point_rows(unit: Unit, table: sa.Table, rows: Sequence[str], target: str) -> None:
    """Has rows of a platform's table belong to a record."""
    if rows:
        same = sa.update(table).where(table.c.id == sa.bindparam("row"))
        values = [{"row": row, "target": target} for row in rows]
        unit.connection.execute(same.values(record_id=sa.bindparam("target")), values)
