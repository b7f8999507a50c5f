"""What a plan means for a table and the rows in it, looked at before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.fields.base import FieldDefinition, physical_name
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.reuse import is_same


@dataclass(frozen=True, slots=True)
class TablePair:
    """One object's table before (None: not there yet) and after a plan."""

    definition: ObjectDefinition
    fields_before: Mapping[str, FieldDefinition]
    before: sa.Table | None
    after: sa.Table

    @property
    def added_columns(self) -> list[sa.Column[Any]]:
        """Gives the columns that an existing table lacks."""
        if self.before is None:
            return []
        return [column for column in self.after.c if column.name not in self.before.c]

    @property
    def added_indexes(self) -> list[sa.Index]:
        """Gives the indexes that are new, by name."""
        known = {index.name for index in self.before.indexes} if self.before is not None else set()
        found = [index for index in self.after.indexes if index.name not in known]
        return sorted(found, key=lambda index: str(index.name))

    @property
    def dropped_indexes(self) -> list[sa.Index]:
        """Gives the indexes that go, by name."""
        wanted = {index.name for index in self.after.indexes}
        known = self.before.indexes if self.before is not None else set()
        found = [index for index in known if index.name not in wanted]
        return sorted(found, key=lambda index: str(index.name))

    @property
    def new_fields(self) -> list[FieldDefinition]:
        """Gives the fields that an existing table gets."""
        if self.before is None:
            return []
        own = self.definition.own_fields
        return [
            field
            for field in own
            if field.id not in self.fields_before and not self.is_converted(field)
        ]

    def is_converted(self, field: FieldDefinition) -> bool:
        """Says whether a new field takes over the values of another."""
        known = field.id in self.fields_before
        return not known and field.text("converted_from") in self.fields_before

    @property
    def defaults(self) -> list[dict[str, object]]:
        """Gives what every existing row gets: the defaults of new required fields."""
        filled = [field for field in self.new_fields if is_filled(field)]
        return [columns_of_default(field) for field in filled if not field.type.is_sealed]

    @property
    def sealed_defaults(self) -> list[FieldDefinition]:
        """Gives the new required fields whose default each row has in an encrypted form of its
        own."""
        filled = [field for field in self.new_fields if is_filled(field)]
        return [field for field in filled if field.type.is_sealed]


def pair_tables(before: Catalog, after: Catalog) -> list[TablePair]:
    """Gives every object that is not what it was with what it was, matched by element id."""
    objects_before = {**before.retired, **before.objects}
    was = {definition.id: definition for definition in objects_before.values()}
    changed = {
        name: definition
        for name, definition in {**after.retired, **after.objects}.items()
        if not is_same(was.get(definition.id), definition)
    }
    return [
        TablePair(
            definition=definition,
            fields_before=fields_by_id(was.get(definition.id)),
            before=before.tables[was[definition.id].name] if definition.id in was else None,
            after=after.tables[name],
        )
        for name, definition in changed.items()
    ]


def fields_by_id(definition: ObjectDefinition | None) -> dict[str, FieldDefinition]:
    """Gives an object's own fields by id, retired ones too."""
    if definition is None:
        return {}
    fields = (*definition.own_fields, *definition.retired_fields.values())
    return {field.id: field for field in fields}


def is_filled(field: FieldDefinition) -> bool:
    """Says whether existing rows get the default of a new field."""
    return field.required and field.default is not None and not field.computed


def columns_of_default(field: FieldDefinition) -> dict[str, object]:
    """Gives a field's default by column."""
    value = field.type.coerce(field.default, field)
    parts = field.type.to_parts(value, field)
    return {physical_name(field.column, part): stored for part, stored in parts.items()}


def preflight(connection: sa.Connection, pair: TablePair) -> Iterator[Problem]:
    """Finds rows that would break what the plan demands of them."""
    if pair.before is None or pair.definition.retired:
        return
    yield from empties(connection, pair, pair.before)
    yield from duplicates(connection, pair, pair.before)


def empties(connection: sa.Connection, pair: TablePair, table: sa.Table) -> Iterator[Problem]:
    """Finds rows without a value for a field that becomes required."""
    living = table.c.deleted_at.is_(None)
    for field in pair.definition.own_fields:
        was = pair.fields_before.get(field.id)
        demanded = was is not None and was.required and not was.retired
        if not field.required or field.computed or demanded or pair.is_converted(field):
            continue
        if was is None and is_filled(field):
            continue
        lacking = living if was is None else living & table.c[was.column].is_(None)
        rows = count(connection, table, lacking)
        if rows:
            values = {"object": pair.definition.name, "field": field.name, "rows": rows}
            yield Problem(place_of(pair, field), "required_but_empty", values)


def duplicates(connection: sa.Connection, pair: TablePair, table: sa.Table) -> Iterator[Problem]:
    """Finds values that stand more than once where they become unique."""
    living = table.c.deleted_at.is_(None)
    for index in pair.added_indexes:
        if not index.unique:
            continue
        names = [column.name for column in index.columns]
        kept = [table.c[name] for name in names if name in table.c]
        lacking = [name for name in names if name not in table.c]
        filled = {column for values in pair.defaults for column in values}
        if any(name not in filled for name in lacking):
            continue  # a new column without values: nothing can stand twice
        whole = sa.and_(living, *(column.is_not(None) for column in kept))
        one = sa.literal_column("1", sa.Integer).label("one")
        groups = sa.select(one).select_from(table).where(whole).group_by(*kept)
        repeated = groups.having(sa.func.count() > 1)
        rows = connection.scalar(sa.select(sa.func.count()).select_from(repeated.subquery()))
        if rows:
            fields = [field.name for field in pair.definition.own_fields if field.column in names]
            values = {"object": pair.definition.name, "fields": fields, "values": rows}
            yield Problem(f"/objects/{pair.definition.name}", "unique_but_repeated", values)


def count(connection: sa.Connection, table: sa.Table, rows: sa.ColumnElement[bool]) -> int:
    """Gives how many rows there are."""
    found = connection.scalar(sa.select(sa.func.count()).select_from(table).where(rows))
    return int(found or 0)


def place_of(pair: TablePair, field: FieldDefinition) -> str:
    """Gives where a field is defined."""
    return f"/objects/{pair.definition.name}/properties/{field.name}"
