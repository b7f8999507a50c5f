"""What a principal may do with rows that are known by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from metadata.columns import place_of
from metadata.encryption import cipher_of, find_cipher
from metadata.query.answers import Missing, Target
from metadata.query.compiled import CompiledReads
from metadata.query.rows import (
    IDS,
    RECORD_ID,
    RowQuery,
    row_for_change,
    row_in_reach,
    rows_ever,
    rows_in_reach,
)
from metadata.query.run import Row
from metadata.query.tables import PermittedTables, alive


class RowRights(CompiledReads):
    """Rows for a change, and on which of them an action is allowed."""

    def get_for_change(
        self, object_name: str, record_id: str, action: str, *, deleted: bool = False
    ) -> Target:
        """Gives a readable row for a change by `action`, locked on PostgreSQL until the commit.

        The record holds every field, whatever the field rights: it is for saving, not for
        showing. `deleted` looks among deleted rows instead. Raises Missing.
        """
        self._demand(object_name)
        query = self._made(
            ("change", object_name, action, deleted),
            RowQuery,
            lambda tables: row_for_change(tables, object_name, action, deleted=deleted),
        )
        rows = self._run(query.statement, query.bound, {RECORD_ID: record_id})
        if not rows:
            raise Missing(object_name, record_id)
        return Target(query.selection.read(rows[0], self._run.connection), bool(rows[0][-1]))

    def get_many_for_change(
        self, object_name: str, ids: Iterable[str], action: str
    ) -> dict[str, Target]:
        """Gives by id what `get_for_change` gives of each, by one statement; others are absent."""
        self._demand(object_name)
        query = self._made(
            ("changes", object_name, action),
            RowQuery,
            lambda tables: row_for_change(tables, object_name, action, deleted=False, many=True),
        )
        rows = self._run(query.statement, query.bound, {IDS: sorted(set(ids))})
        read, connection = query.selection.read, self._run.connection
        return {str(row[0]): Target(read(row, connection), bool(row[-1])) for row in rows}

    def readable(self, object_name: str, ids: Iterable[str]) -> frozenset[str]:
        """Gives which of some records the principal may read, deleted ones included."""
        self._demand(object_name)
        query = self._made(
            ("readable", object_name),
            RowQuery,
            lambda tables: rows_ever(tables, object_name),
        )
        return frozenset(str(one["id"]) for one in self._read(query, {IDS: sorted(set(ids))}))

    def beside(
        self, object_name: str, rows: sa.Select[Any], *records: sa.ColumnElement[str]
    ) -> Sequence[Row]:
        """Gives those of some rows that are about living records which the principal may read.

        `rows` selects from tables of the platform, in its own order and at most so many; `records`
        are the columns among these that name the records, all of which she may read.
        """
        self._demand(object_name)
        cipher = find_cipher(self._run.connection)
        tables = PermittedTables(self.catalog, self._dialect, self.principal, cipher)
        for record in records:
            root = self.catalog.tables[object_name].alias()
            rows = rows.where(root.c.id == record, *tables.conditions(root, object_name))
        return self._run(rows, tables.bound)

    def within(self, object_name: str, ids: Iterable[str], action: str) -> frozenset[str]:
        """Gives on which of some records, all readable, the principal may do an action."""
        self._demand(object_name)
        query = self._made(
            ("within", object_name, action),
            RowQuery,
            lambda tables: rows_in_reach(tables, object_name, action),
        )
        return frozenset(str(one["id"]) for one in self._read(query, {IDS: sorted(set(ids))}))

    def reaches(self, object_name: str, record_id: str, action: str) -> bool:
        """Says whether an action is allowed on a readable record."""
        self._demand(object_name)
        query = self._made(
            ("reaches", object_name, action),
            RowQuery,
            lambda tables: row_in_reach(tables, object_name, action),
        )
        return bool(self._read(query, {RECORD_ID: record_id}))

    def reveal(self, object_name: str, record_id: str, field: str) -> str | None:
        """Gives the text of a secret, for a program that needs it; None when there is none.

        The only way to one. Raises PermissionError for everybody but the system itself.
        """
        if not self.principal.unrestricted:
            raise PermissionError(f"{object_name}.{field} is revealed to the system only")
        definition = self.catalog.objects[object_name]
        known, table = definition.fields[field], self.catalog.tables[object_name]
        connection = self._run.connection
        wanted = sa.select(table.c[known.column]).where(table.c.id == record_id, alive(table))
        sealed = connection.scalar(wanted)
        if sealed is None or not known.type.is_sealed:
            return None
        return cipher_of(connection).open(sealed, place_of(definition, known, record_id))
