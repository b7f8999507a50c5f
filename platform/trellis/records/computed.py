"""Computed fields in the life of records: what a save, a deletion or a restoration makes of them.

Values of the saved record itself are worked out in Python, before and after its rules. Stored
values of other records follow in the same transaction, by statements for all of them at once.
They are nobody's change: version and stamps stay as they are; history tells of fields that are
tracked. Rules and scores that look at what was worked out anew run again, once for each record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.computed.incremental import Change, Recomputed, recompute
from metadata.computed.reads import PRESENT, Down, Up
from metadata.computed.values import compute
from metadata.objects import ObjectDefinition
from metadata.query.tables import many, one_of
from rule_engine.types import Environment
from trellis.automation.environment import environment_of
from trellis.records.followers import keep_up
from trellis.records.history import as_wire, entry_row, insert_entries
from trellis.records.written import Written
from trellis.unit import Unit

Record = Mapping[str, object]

WHY = "computed"


def formula_values(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Record,
    before: Record | None,
    environment: Environment,
) -> dict[str, object]:
    """Gives the computed values of a record that differ by what changed in it since `before`.

    None means a new record: all are given.
    """
    return compute(catalog.formulas(definition.name), record, before, environment)


def hold_sources(
    unit: Unit, definition: ObjectDefinition, record: Record, old: Record | None
) -> None:
    """Locks the records at which stored fields look from where a record newly refers to.

    Who changes one of them does not see this record yet, so he is waited for. SQLite has one
    writer anyway.
    """
    if unit.connection.dialect.name != "postgresql":
        return
    before = old or {}
    reached: dict[tuple[Up, ...], str] = {}
    ways = unit.catalog.computed.upward.get(definition.name)
    if not ways:
        return
    steps = {way[: place + 1] for way in ways for place in range(len(way))}
    for way in sorted(steps, key=lambda way: (len(way), repr(way))):
        step = way[-1]
        if len(way) == 1:
            start = record.get(step.field)
            value = start if start != before.get(step.field) else None
        else:
            value = referred(unit, step, reached.get(way[:-1]))
        if value is not None:
            reached[way] = str(value)
            hold(unit, step, str(value))


def referred(unit: Unit, step: Up, record_id: str | None) -> object:
    """Gives where a record's reference leads to."""
    table = unit.catalog.tables[step.source]
    column = table.c[unit.catalog.objects[step.source].fields[step.field].column]
    return unit.connection.scalar(sa.select(column).where(table.c.id == record_id))


def hold(unit: Unit, step: Up, record_id: str) -> None:
    """Locks a record against changes: for oneself where the save will change it too."""
    back = Down(step.source, step.field)
    is_shared = back not in unit.catalog.computed.counted and (
        (step.source, step.field) not in unit.catalog.watched_references
    )
    table = unit.catalog.tables[step.target]
    found = sa.select(table.c.id).where(table.c.id == record_id)
    unit.connection.execute(found.with_for_update(read=is_shared))


def change_of(definition: ObjectDefinition, states: Sequence[Record]) -> Change:
    """Gives what a save has changed, between the record before (empty for a new one) and after
    it, or what became of a single record that was deleted or restored."""
    *before, record = states
    ids = frozenset({str(record["id"])})
    if not before:
        restored = record.get(PRESENT) is None
        return Change(definition.name, ids, frozenset({PRESENT}), own=restored)
    old = before[0]
    if not old:
        return Change(definition.name, ids, frozenset({PRESENT}))
    changed = frozenset(
        field.name
        for field in definition.fields.values()
        if not field.virtual and old.get(field.name) != record.get(field.name)
    )
    left = {
        field.name: frozenset({str(old[field.name])})
        for field in definition.references
        if field.name in changed and old.get(field.name) is not None
    }
    return Change(definition.name, ids, changed, left)


def follow(unit: Unit, changes: Sequence[Change]) -> list[Recomputed]:
    """Brings stored values of other records right, and gives what has changed of which."""
    relevant = [change for change in changes if is_looked_at(unit.catalog, change)]
    if not relevant:
        return []
    environment = environment_of(unit)
    found = recompute(unit.connection, unit.catalog, relevant, environment)
    tell(unit, found)
    for name in dict.fromkeys(row.object for row in found):
        writes = [written(row) for row in found if row.object == name]
        keep_up(unit, unit.catalog.objects[name], writes)
    return found


def written(row: Recomputed) -> Written:
    """Gives what was worked out anew as a write of what differs."""
    old = {name: before for name, (before, _) in row.changes.items()}
    new = {name: after for name, (_, after) in row.changes.items()}
    return Written(row.id, {"id": row.id, **old}, {"id": row.id, **new}, row.version)


def is_looked_at(catalog: Catalog, change: Change) -> bool:
    """Says whether a stored field may depend on a change of another record."""
    looked_at = catalog.computed.looked_at.get(change.object, frozenset())
    return bool(change.fields & looked_at) or (change.own and bool(catalog.computed.groups))


def tell(unit: Unit, found: Iterable[Recomputed]) -> None:
    """Writes the history of tracked fields."""
    rules, rows = unit.as_automation(), []
    for row in found:
        fields = unit.catalog.objects[row.object].fields
        changes = {
            name: (as_wire(fields[name], old), as_wire(fields[name], new))
            for name, (old, new) in row.changes.items()
            if fields[name].track
        }
        if changes:
            definition = unit.catalog.objects[row.object]
            about = (definition, row.id, row.version, changes)
            rows.append(entry_row(rules, *about, channel="rule", why=WHY))
    insert_entries(unit.connection, rows)


def woken(unit: Unit, found: Sequence[Recomputed]) -> set[tuple[str, str]]:
    """Gives the records whose rules or scores look at what was worked out anew."""
    watched = unit.catalog.watched_fields
    records = {
        (row.object, row.id) for row in found if row.changes.keys() & watched.get(row.object, set())
    }
    for name in {row.object for row in found}:
        ids = sorted({row.id for row in found if row.object == name})
        records |= watching(unit, unit.catalog.objects[name], ids)
    return records


def watching(unit: Unit, definition: ObjectDefinition, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Gives the records whose rules look at some records over a way back."""
    dialect = unit.connection.dialect.name
    table = unit.catalog.tables[definition.name]
    found: set[tuple[str, str]] = set()
    for field in definition.references:
        if (definition.name, field.name) not in unit.catalog.watched_references:
            continue
        reference = table.c[field.column]
        among = one_of(table.c.id, many("ids", dialect), dialect)
        rows = sa.select(reference).where(among, reference.is_not(None)).distinct()
        parents = unit.connection.scalars(rows, {"ids": list(ids)})
        found |= {(str(field.target), str(parent)) for parent in parents}
    return found
