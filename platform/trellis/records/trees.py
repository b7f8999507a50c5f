"""Trees: no record may stand below itself, and none deeper than a tree may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from metadata.fields.base import FieldDefinition
from metadata.fields.types.tree import MAX_DEPTH
from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.unit import Unit

Record = Mapping[str, object]

HIDDEN: Final = "…"


def lock_trees(unit: Unit, definition: ObjectDefinition, values: Record) -> None:
    """Lets one person at a time move records of an object within a tree.

    Asked before the record itself is locked. SQLite's writers wait for each other anyway.
    """
    if unit.connection.dialect.name != "postgresql":
        return
    for field in definition.tree_fields:
        if field.name in values:
            number = int.from_bytes(sha256(field.id.encode()).digest()[:8], signed=True)
            unit.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def tree_problems(
    unit: Unit, definition: ObjectDefinition, record: Record, old: Record | None
) -> Iterator[Problem]:
    """Finds a record that would stand below itself, or a branch that would be too deep."""
    for field in definition.tree_fields:
        parent = record.get(field.name)
        if parent is None or (old is not None and old.get(field.name) == parent):
            continue
        record_id = str(record["id"])
        above = ancestors(unit, definition, field, str(parent))
        if record_id in above:
            loop = [*reversed(above[: above.index(record_id) + 1])]
            names = named(unit, definition, [*loop, record_id])
            yield Problem(pointer([field.name]), "tree_loop", {"loop": " → ".join(names)})
        elif len(above) + height(unit, definition, field, record_id) > MAX_DEPTH:
            yield Problem(pointer([field.name]), "tree_depth", {"limit": MAX_DEPTH})


def ancestors(
    unit: Unit, definition: ObjectDefinition, field: FieldDefinition, record_id: str
) -> list[str]:
    """Gives a record's id and those above it, nearest first, as far as a tree may go.

    Deleted records count: they may come back.
    """
    table = unit.catalog.tables[definition.name]
    start = sa.select(table.c.id, table.c[field.column].label("up"), sa.literal(1).label("depth"))
    chain = start.where(table.c.id == record_id).cte("above", recursive=True)
    parent = table.alias()
    step = sa.select(parent.c.id, parent.c[field.column], chain.c.depth + 1)
    whole = chain.union_all(step.where(parent.c.id == chain.c.up, chain.c.depth <= MAX_DEPTH))
    found = unit.connection.execute(sa.select(whole.c.id).order_by(whole.c.depth)).scalars()
    return [str(one) for one in found]


def height(unit: Unit, definition: ObjectDefinition, field: FieldDefinition, record_id: str) -> int:
    """Gives how many levels stand from a record downwards, itself included."""
    table = unit.catalog.tables[definition.name]
    up = table.c[field.column]
    start = sa.select(table.c.id, sa.literal(2).label("depth")).where(up == record_id)
    branch = start.cte("below", recursive=True)
    child = table.alias()
    step = sa.select(child.c.id, branch.c.depth + 1)
    whole = branch.union_all(
        step.where(child.c[field.column] == branch.c.id, branch.c.depth <= MAX_DEPTH)
    )
    return unit.connection.execute(sa.select(sa.func.max(whole.c.depth))).scalar_one() or 1


def named(unit: Unit, definition: ObjectDefinition, ids: Sequence[str]) -> list[str]:
    """Gives the names of records, as far as this person may know them."""
    known = unit.records().names(definition.name, ids)
    return [known.get(one) or HIDDEN for one in ids]
