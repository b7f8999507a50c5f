"""The history of records: one row per write, never changed afterwards."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
import uuid_utils

from metadata.encryption import Place, cipher_of
from metadata.json_text import mapping
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.prepared import Prepared, Write
from metadata.problems import Problem
from metadata.query import QueryProblem
from rule_engine.columns import Instant
from trellis.audit.canonical import marked
from trellis.audit.frozen import follow_rows, freeze_rows
from trellis.db import SYSTEM_TABLES
from trellis.errors import Missing
from trellis.records.inner_history import seen_lists
from trellis.records.read import read_record
from trellis.records.stamps import FIRST_VERSION
from trellis.unit import Cause, Channel, Unit

Op = Literal["create", "update", "delete", "restore"]
Changes = Mapping[str, tuple[object, object]]
Inner = Mapping[str, tuple[Sequence[object], Sequence[object]]]

NOTHING_INNER: Inner = MappingProxyType({})

SEALED = "sealed"
HISTORY = "record_history"

record_history = sa.Table(
    HISTORY,
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("why", sa.Text),
    sa.Column("changes", sa.JSON, nullable=False),
    sa.Column("rules", sa.JSON, nullable=False),
    sa.Column("op", sa.Text),
    sa.Column("definitions", sa.Integer),
    sa.Column("mark", sa.Text),
    sa.Index("record_history_of_record", "object", "record_id", "id"),
    sa.Index("record_history_of_person", "by", "id"),
)

history_cause = sa.Table(
    "history_cause",
    SYSTEM_TABLES,
    sa.Column("entry", sa.Text, primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("rules", sa.JSON, nullable=False, comment="those that led there, outermost first"),
)
"""Of entries that rules wrote: whose save of which record set the rules off."""

ADD = Prepared(sa.insert(record_history))
ADD_CAUSE = Prepared(sa.insert(history_cause))

freeze_rows(record_history)
freeze_rows(history_cause)
follow_rows(record_history)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a record's history as its reader may see it; changes are in wire form. `record`
    is the one that was written: another than asked for where that became part of it."""

    id: str
    record: str
    version: int
    at: datetime
    by: str
    channel: str
    why: str | None
    changes: Changes
    rules: tuple[str, ...]


def changes_between(
    definition: ObjectDefinition, old: Mapping[str, object], new: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """Gives field → (old, new) in wire form for what differs in `new`."""
    found: dict[str, tuple[object, object]] = {}
    for name, value in new.items():
        before = old.get(name)
        if before == value or (field := definition.fields[name]).virtual:
            continue
        found[name] = (
            None if before is None else field.type.to_wire(before, field),
            None if value is None else field.type.to_wire(value, field),
        )
    return found


def as_wire(field: FieldDefinition, value: object) -> object:
    """Gives a value in JSON form; empty is None for every type."""
    return None if value is None else field.type.to_wire(value, field)


def history_write(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    version: int,
    changes: Changes,
    *,
    channel: Channel,
    why: str | None = None,
    rules: Sequence[str] = (),
    inner: Inner = NOTHING_INNER,
    op: Op | None = None,
) -> Sequence[Write]:
    """Gives what writes one row; `inner` is what happened to rows and links, by the ids of what
    lists them.

    Who makes a record says so by `op`; all else is seen from the changes. A change of nothing but
    fields whose history is not kept leaves no row.
    """
    row = entry_row(
        unit, definition, record_id, version, changes, channel=channel, why=why, rules=rules, op=op
    )
    told = {key: list(pair) for key, pair in inner.items()}
    row["changes"] = {**mapping(row["changes"]), **told}
    if changes and not row["changes"] and version != FIRST_VERSION:
        return ()
    entry: Write = (ADD, [marked(unit.connection, record_history, row)])
    return (entry,) if unit.cause is None else (entry, (ADD_CAUSE, [cause_row(unit.cause, row)]))


def cause_row(cause: Cause, entry: Mapping[str, object]) -> dict[str, object]:
    """Gives the row that says what led to an entry."""
    object_id, record_id = cause.record
    return {
        "entry": entry["id"],
        "by": cause.principal.name,
        "object": object_id,
        "record_id": record_id,
        "rules": list(cause.chain.cause),
    }


def insert_entries(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Adds rows to the history, marked as ours."""
    if rows:
        made = [marked(connection, record_history, row) for row in rows]
        ADD.write_many(connection, made)


def entry_row(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    version: int,
    changes: Changes,
    *,
    channel: Channel,
    why: str | None = None,
    rules: Sequence[str] = (),
    op: Op | None = None,
) -> dict[str, object]:
    """Gives a row; fields are kept by their stable ids, so a rename does not lose them."""
    by_id: dict[str, list[object]] = {}
    for name, pair in changes.items():
        if name in definition.tracked_fields:
            field = definition.fields[name]
            told: list[object] = [*pair]
            if field.type.is_sealed:
                told = [kept(unit, definition, field, record_id, one) for one in pair]
            by_id[field.id] = told
    return {
        "id": str(uuid_utils.uuid7()),
        "object": definition.id,
        "record_id": record_id,
        "version": version,
        "at": unit.moment.now,
        "by": unit.principal.name,
        "channel": channel,
        "why": why,
        "changes": by_id,
        "rules": list(rules),
        "op": op or op_of(changes),
        "definitions": unit.catalog.version,
    }


def op_of(changes: Changes) -> Op:
    """Gives what a write does to a record that is there."""
    if "deleted_at" not in changes:
        return "update"
    return "restore" if changes["deleted_at"][1] is None else "delete"


def place_in_history(definition: ObjectDefinition, field_id: str, record_id: str) -> Place:
    """Gives the place of an encrypted value in the history, by stable ids."""
    return Place(f"{HISTORY}:{definition.id}", record_id, field_id)


def kept(
    unit: Unit, definition: ObjectDefinition, field: FieldDefinition, record_id: str, wire: object
) -> object:
    """Gives a wire form of an encrypted field as history keeps it: sealed."""
    if wire is None:
        return wire
    place = place_in_history(definition, field.id, record_id)
    return {SEALED: cipher_of(unit.connection).seal(json.dumps(wire), place)}


def told_again(unit: Unit, place: Place, value: object) -> object:
    """Gives the wire form of what history keeps."""
    if not isinstance(value, Mapping) or SEALED not in value:
        return value
    return json.loads(cipher_of(unit.connection).open(str(value[SEALED]), place))


def has_changed(
    unit: Unit, definition: ObjectDefinition, record_id: str, names: Collection[str], version: int
) -> bool:
    """Says whether one of some fields of a record was changed after a version."""
    here = record_history.c
    query = sa.select(here.changes).where(
        here.object == definition.id, here.record_id == record_id, here.version > version
    )
    ids = {definition.fields[name].id for name in names}
    return any(ids & changes.keys() for changes in unit.connection.execute(query).scalars())


def history_of(
    unit: Unit,
    object_name: str,
    record_id: str,
    *,
    parts: Collection[str] = (),
    after: str | None = None,
    limit: int = 50,
) -> tuple[list[Entry], str | None]:
    """Gives entries, newest first, and where the next page starts (None: nothing follows).

    `parts` are records that became part of this one and that the principal may read; what happened
    to them is told too. Fields the principal may not read are left out, and entries of which
    nothing is left with them. Raises Missing when the record itself is not to be seen,
    QueryProblem for an `after` that no page gave.
    """
    if after is not None and not is_id(after):
        raise QueryProblem([Problem("after", "bad_cursor")])
    read_record(unit, object_name, record_id, ["id"])
    definition = unit.catalog.objects[object_name]
    query = (
        sa.select(record_history)
        .where(
            record_history.c.object == definition.id,
            record_history.c.record_id.in_(sorted({record_id, *parts})),
        )
        .order_by(record_history.c.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(record_history.c.id < after)
    rows = unit.connection.execute(query).mappings().all()
    names = field_names(unit, definition)
    told, lists = seen_lists(unit, object_name, [dict(row) for row in rows[:limit]])
    found = (visible(unit, definition, row, {**names, **lists}) for row in told)
    entries = [entry for entry in found if entry is not None]
    shown = sorted({entry.record for entry in entries})
    unit.show(object_name, shown, {name for entry in entries for name in entry.changes})
    return entries, rows[limit - 1]["id"] if len(rows) > limit else None


@dataclass(frozen=True, slots=True)
class Written:
    """An entry with what only explanations need: the version of the definitions, and whose save of
    which record (object's id, record's id) set off the rules that wrote it."""

    entry: Entry
    definitions: int | None
    by: str | None = None
    record: tuple[str, str] | None = None
    chain: tuple[str, ...] = ()


def entry_of(
    unit: Unit, object_name: str, record_id: str, entry_id: str, parts: Collection[str] = ()
) -> Written:
    """Gives one entry as the principal may see it. Raises Missing for one she does not see."""
    read_record(unit, object_name, record_id, ["id"])
    definition = unit.catalog.objects[object_name]
    table, cause = record_history, history_cause.c
    found = sa.select(
        table,
        cause.by.label("cause_by"),
        cause.object.label("cause_object"),
        cause.record_id.label("cause_record"),
        cause.rules.label("chain"),
    ).select_from(table.outerjoin(history_cause, cause.entry == table.c.id))
    mine = sa.and_(
        table.c.id == entry_id,
        table.c.object == definition.id,
        table.c.record_id.in_(sorted({record_id, *parts})),
    )
    row = unit.connection.execute(found.where(mine)).mappings().one_or_none()
    told, lists = seen_lists(unit, object_name, [dict(row)] if row else [])
    names = {**field_names(unit, definition), **lists}
    entry = visible(unit, definition, told[0], names) if told else None
    if entry is None or row is None:
        raise Missing([Problem("", "missing_entry", {"id": entry_id})])
    unit.show(object_name, [entry.record], entry.changes)
    set_off = None if row["cause_by"] is None else (row["cause_object"], row["cause_record"])
    chain = tuple(row["chain"] or ())
    return Written(entry, row["definitions"], row["cause_by"], set_off, chain)


def field_names(unit: Unit, definition: ObjectDefinition) -> dict[str, str]:
    """Gives the names of the fields that the principal reads in full, by the ids in history."""
    access = unit.principal.access(definition.name)
    return {
        origin: name
        for name, field in definition.fields.items()
        if access.reads(name)
        for origin in definition.origins(field)
    }


def is_id(text: str) -> bool:
    """Says whether a text can be the id of an entry."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def visible(
    unit: Unit, definition: ObjectDefinition, row: Mapping[str, Any], names: Mapping[str, str]
) -> Entry | None:
    """Gives what a reader of the fields `names` (id → name) sees of a row; None for nothing."""
    stored: dict[str, list[object]] = row["changes"]
    changes: dict[str, tuple[object, object]] = {}
    for key, (old, new) in stored.items():
        if key in names:
            place = place_in_history(definition, key, row["record_id"])
            changes[names[key]] = (told_again(unit, place, old), told_again(unit, place, new))
    if stored and not changes:
        return None
    return Entry(
        id=row["id"],
        record=row["record_id"],
        version=row["version"],
        at=row["at"],
        by=row["by"],
        channel=row["channel"],
        why=row["why"],
        changes=changes,
        rules=tuple(row["rules"]),
    )


def deleted_with(unit: Unit, definition: ObjectDefinition, at: datetime, why: str) -> list[str]:
    """Gives the ids of records of an object that were deleted by a rule at an instant."""
    table = record_history
    found = unit.connection.execute(
        sa.select(table.c.record_id)
        .where(
            table.c.object == definition.id,
            table.c.at == at,
            table.c.channel == "rule",
            table.c.why == why,
        )
        .order_by(table.c.id)
    )
    return list(found.scalars())
