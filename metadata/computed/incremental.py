"""What a change of some records makes of stored computed fields: exactly the affected records,
group by group in order, whatever lies between a cause and its effect.

A group of fields is worked out at most once for one change. On PostgreSQL the affected records
are locked first, in the order of their ids, and worked out by a statement of its own: of two
transactions that change children of one parent the second one sees the first one's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.computed.columns import kept_parts
from metadata.computed.definitions import Computed, Key
from metadata.computed.filling import beside
from metadata.computed.graph import Group
from metadata.computed.reads import Down, Read, Way
from metadata.fields.base import BASE, FieldDefinition, physical_name
from metadata.query.selection import value_parts
from metadata.query.tables import SystemTables, alive, many
from rule_engine.backends.sql import named_parameters, parameter_names
from rule_engine.types import Environment, RateTable

if TYPE_CHECKING:
    from metadata.catalog import Catalog

Ids = set[str]
Pair = tuple[object, object]


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of some records of an object that have changed.

    `left` gives, for references among them, the ids of records that they led to before. Records
    that came or went have changed their `reads.PRESENT`. With `own` their own computed fields may
    be wrong too: nobody kept them right while the records were away.
    """

    object: str
    ids: frozenset[str]
    fields: frozenset[str]
    left: Mapping[str, frozenset[str]] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A record whose stored fields were brought right: by field the old and the new value."""

    object: str
    id: str
    version: int
    changes: Mapping[str, Pair]


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one group for causes at certain ways; `names` are their parameters."""

    names: frozenset[str]
    lock: sa.Select[Any]
    wrong: sa.Select[Any]
    readers: tuple[tuple[Computed, tuple[str, ...], int, int], ...]


@dataclass(slots=True)
class _Cause:
    """Which records have changed a field, and where its references led before."""

    ids: Ids = field(default_factory=set)
    left: Ids = field(default_factory=set)


def recompute(
    connection: sa.Connection,
    catalog: Catalog,
    changes: Iterable[Change],
    environment: Environment,
) -> list[Recomputed]:
    """Brings right what the changes made wrong; own fields of changed records are right already."""
    changed = list(changes)
    given = _gather(changed)
    doubtful = {change.object: change.ids for change in changed if change.own}
    made: dict[Key, Ids] = {}
    found: list[Recomputed] = []
    for group in catalog.computed.groups:
        reached = _reached(catalog, group, given, made)
        if group.object in doubtful:
            reached.setdefault((), _Cause()).ids |= doubtful[group.object]
        if not reached:
            continue
        rows = _work(connection, catalog, group, reached, environment)
        found += rows
        for row in rows:
            for name in row.changes:
                made.setdefault((group.object, name), set()).add(row.id)
    return found


def _gather(changes: Iterable[Change]) -> dict[Key, _Cause]:
    causes: dict[Key, _Cause] = {}
    for change in changes:
        for name in change.fields:
            cause = causes.setdefault((change.object, name), _Cause())
            cause.ids |= change.ids
            cause.left |= change.left.get(name, frozenset())
    return causes


Reached = dict[Way, _Cause]


def _reached(
    catalog: Catalog, group: Group, given: Mapping[Key, _Cause], made: Mapping[Key, Ids]
) -> Reached:
    """Gives the ways on which the group's fields look at something that has changed.

    What the changed record's own save has computed is not looked at again.
    """
    reached: Reached = {}
    for one in group.fields:
        for read in catalog.computed.reads(one.key):
            key = read.object, read.field
            cause = _Cause()
            if read.way and key in given:
                cause = given[key]
            ids = cause.ids | made.get(key, set())
            if ids or cause.left:
                known = reached.setdefault(read.way, _Cause())
                known.ids |= ids
                known.left |= _left(read, cause)
    return reached


def _left(read: Read, cause: _Cause) -> Ids:
    """Gives the records at the other end of a way back that a reference led to before."""
    step = read.way[-1] if read.way else None
    return cause.left if isinstance(step, Down) and step.field == read.field else set()


def _work(
    connection: sa.Connection,
    catalog: Catalog,
    group: Group,
    reached: Reached,
    environment: Environment,
) -> list[Recomputed]:
    dialect = connection.dialect.name
    ways = sorted(reached, key=repr)
    key = ("computed", dialect, group.object, group.fields[0].field.name, tuple(ways))
    made = catalog.queries.get(
        key, Statements, lambda: make_statements(catalog, dialect, group, ways)
    )
    values = named_parameters(made.names, environment)
    for place, way in enumerate(ways):
        values[f"ids_{place}"] = sorted(reached[way].ids)
        values[f"left_{place}"] = sorted(reached[way].left)
    if dialect == "postgresql" and not connection.execute(made.lock, values).all():
        return []
    rows = connection.execute(made.wrong, values).all()
    found = [_read(group.object, made, row) for row in rows]
    _write(connection, catalog.tables[group.object], group.fields, found, environment.rates)
    return found


def make_statements(
    catalog: Catalog, dialect: str, group: Group, ways: Sequence[Way]
) -> Statements:
    """Gives the statements for a group of fields and the ways to what has changed."""
    table = catalog.tables[group.object]
    affected = [
        affected_by(catalog, dialect, way, f"ids_{place}", f"left_{place}")
        for place, way in enumerate(ways)
    ]
    living = sa.and_(alive(table), table.c.id.in_(sa.union_all(*affected)))
    lock = sa.select(table.c.id).where(living).order_by(table.c.id).with_for_update()
    columns: list[sa.ColumnElement[Any]] = [table.c.id, table.c.version]
    readers = []
    differs = []
    tables = SystemTables(catalog, dialect)
    for one in group.fields:
        parts = tuple(part for part in value_parts(one.field) if part != BASE)
        new = kept_parts(one, tables, table)
        old = [table.c[physical_name(one.field.column, part)] for part in parts]
        readers.append((one, parts, len(columns), len(columns) + len(parts)))
        columns += [*old, *(new[part] for part in parts)]
    labels = [column.label(f"c{place}") for place, column in enumerate(columns)]
    rows = sa.select(*labels).where(living).subquery("worked_out")
    for _, parts, old_place, new_place in readers:
        for offset in range(len(parts)):
            value, part = rows.c[f"c{new_place}"], rows.c[f"c{new_place + offset}"]
            right = part if offset == 0 else beside(value, part)
            differs.append(rows.c[f"c{old_place + offset}"].is_distinct_from(right))
    wrong = sa.select(*rows.c).where(sa.or_(*differs)).order_by(rows.c.c0)
    return Statements(parameter_names(wrong), lock, wrong, tuple(readers))


def affected_by(
    catalog: Catalog, dialect: str, way: Way, ids: str, left: str
) -> sa.Select[tuple[str]]:
    """Gives the ids of the records from which a way leads to one of the changed records.

    By selects inside of each other, not by OR: databases look all rows through for that.
    """
    tables = SystemTables(catalog, dialect)

    def reach(place: int) -> sa.SelectBase:
        if place == len(way):
            return listed(ids, dialect)
        step = way[place]
        owner = step.target if isinstance(step, Down) else step.source
        rows = catalog.tables[owner].alias()
        reference = tables.column(rows, owner, step.field)
        if not isinstance(step, Down):
            return sa.select(rows.c.id).where(reference.in_(reach(place + 1)))
        # A deleted record still leads to where it was counted.
        there = sa.select(reference).where(rows.c.id.in_(reach(place + 1)))
        if place + 1 < len(way):
            return there
        return sa.union_all(there, listed(left, dialect))

    found = reach(0).subquery()
    return sa.select(next(iter(found.c)))


def listed(name: str, dialect: str) -> sa.Select[Any]:
    """Gives the members of a parameter that is a list of texts, as rows."""
    values = many(name, dialect)
    if dialect == "postgresql":
        return sa.select(sa.func.unnest(values, type_=sa.Text()).column_valued(f"of_{name}"))
    return sa.select(sa.func.json_each(values).table_valued("value").c.value)


def _read(object_name: str, made: Statements, row: Sequence[Any]) -> Recomputed:
    changes: dict[str, Pair] = {}
    for one, parts, old_place, new_place in made.readers:
        old = value_of(one.field, parts, row[old_place : old_place + len(parts)])
        new = value_of(one.field, parts, row[new_place : new_place + len(parts)])
        if old != new:
            changes[one.field.name] = (old, new)
    return Recomputed(object_name, str(row[0]), int(row[1]), changes)


def value_of(
    definition: FieldDefinition, parts: Sequence[str], columns: Sequence[object]
) -> object:
    """Gives a value from the columns of its parts."""
    found = dict(zip(parts, columns, strict=True))
    return None if found[""] is None else definition.type.from_parts(found, definition)


def _write(
    connection: sa.Connection,
    table: sa.Table,
    fields: Collection[Computed],
    found: Sequence[Recomputed],
    rates: RateTable,
) -> None:
    """Writes what differs: records with the same changed fields by one statement."""
    definitions = {one.field.name: one.field for one in fields}
    together: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for row in found:
        values: dict[str, object] = {"record_id": row.id}
        for name, (_, new) in row.changes.items():
            kept = definitions[name]
            parts = kept.type.to_parts(new, kept) | kept.type.rated_parts(new, rates)
            for part, stored in parts.items():
                values[f"to_{physical_name(kept.column, part)}"] = stored
        if row.changes:
            together.setdefault(tuple(values), []).append(values)
    for names, rows in together.items():
        columns = [name.removeprefix("to_") for name in names[1:]]
        update = (
            sa.update(table)
            .where(table.c.id == sa.bindparam("record_id", type_=sa.Text()))
            .values({column: sa.bindparam(f"to_{column}") for column in columns})
        )
        connection.execute(update, rows)
