"""A record as it was at an instant, made from its history with the rights of today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import Missing
from trellis.records.history import (
    field_names,
    place_in_history,
    record_history,
    told_again,
)
from trellis.records.inner_history import UNSEEN, seen_lists
from trellis.records.read import read_record
from trellis.records.stamps import STAMPS
from trellis.unit import Unit

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """A record at `at`; version, `changed_at` and `by` are those of the last change that its
    reader may see.

    `values` are in wire form, rows and links as lists of their members. `unknown` are fields that
    the reader sees and whose history is not kept: nobody knows what they were.
    """

    id: str
    at: datetime
    version: int
    changed_at: datetime
    by: str
    deleted: bool
    values: Mapping[str, Any]
    unknown: tuple[str, ...]


def record_at(unit: Unit, object_name: str, record_id: str, at: datetime) -> Past:
    """Gives a record as it was at an instant.

    Only what the principal may read today is told, and only of records that she may read today.
    Raises Missing for others, and for a record that was not there yet.
    """
    read_record(unit, object_name, record_id, ["id"])
    definition = unit.catalog.objects[object_name]
    rows = rows_until(unit, definition, record_id, at)
    if not rows:
        raise Missing([Problem("at", "not_there_yet", {"object": object_name, "id": record_id})])
    seen, lists = seen_lists(unit, object_name, rows)
    names = field_names(unit, definition)
    values: Values = {name: None for name in names.values() if is_kept(definition, name)}
    members: dict[str, dict[str, Values]] = {name: {} for name in lists.values()}
    for row in seen:
        place_of = {key: place_in_history(definition, key, record_id) for key in row["changes"]}
        for key, (old, new) in row["changes"].items():
            if key in lists and key != UNSEEN:
                replay(members[lists[key]], old, new)
            elif key in names:
                values[names[key]] = told_again(unit, place_of[key], new)
    unit.show(object_name, [record_id], [name for name in values if values[name] is not None])
    told_of = names.keys() | lists.keys()
    last = next((row for row in reversed(seen) if row["changes"].keys() & told_of), rows[0])
    deleted = is_deleted(definition, rows)
    values.pop("deleted_at", None)
    told = {**values, **{name: list(found.values()) for name, found in members.items()}}
    return Past(
        id=record_id,
        at=at,
        version=last["version"],
        changed_at=last["at"],
        by=last["by"],
        deleted=deleted,
        values=told,
        unknown=tuple(sorted(unknown(unit, definition, told))),
    )


def rows_until(
    unit: Unit, definition: ObjectDefinition, record_id: str, at: datetime
) -> Sequence[dict[str, Any]]:
    """Gives the history of a record until an instant, oldest first."""
    query = (
        sa.select(record_history)
        .where(
            record_history.c.object == definition.id,
            record_history.c.record_id == record_id,
            record_history.c.at <= at,
        )
        .order_by(record_history.c.version, record_history.c.id)
    )
    return [dict(row) for row in unit.connection.execute(query).mappings()]


def replay(members: dict[str, Values], old: Iterable[Values], new: Iterable[Values]) -> None:
    """Does to rows or links what one entry of the history tells of them."""
    left = {str(item["id"]): item for item in new}
    for item in old:
        if str(item["id"]) not in left:
            members.pop(str(item["id"]), None)
    for key, item in left.items():
        members[key] = {**members.get(key, {}), **item}


def is_deleted(definition: ObjectDefinition, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Says whether a record was deleted after some writes."""
    key, deleted = definition.fields["deleted_at"].id, False
    for row in rows:
        if key in row["changes"]:
            deleted = row["changes"][key][1] is not None
    return deleted


def is_kept(definition: ObjectDefinition, name: str) -> bool:
    """Says whether history tells of a field."""
    field = definition.fields[name]
    return name in definition.tracked_fields and not field.virtual and name not in STAMPS


def unknown(unit: Unit, definition: ObjectDefinition, told: Mapping[str, object]) -> set[str]:
    """Gives the fields that the principal reads and of which nothing is told."""
    access = unit.principal.access(definition.name)
    fields = definition.fields.values()
    seen = {one.name for one in fields if access.reads(one.name)}
    return seen - told.keys() - STAMPS - {"deleted_at"}
