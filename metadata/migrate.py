"""Publishing: definitions, tables and history move to the next version in one transaction.

Nothing here begins or commits: the caller's transaction holds all of it. On SQLite that takes an
engine with `isolation_level=None` and `BEGIN IMMEDIATE`; the driver's own mode would leave half of
the tables behind after an exception.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable, DropIndex
from sqlalchemy.sql.compiler import DDLCompiler

from metadata.catalog import Catalog, build_catalog
from metadata.diff import plan
from metadata.elements import Element
from metadata.preflight import TablePair, pair_tables, preflight
from metadata.problems import DefinitionError
from metadata.store import (
    Entry,
    keep_program,
    load_elements,
    lock_versions,
    replace_elements,
    write_history,
)

POSTGRESQL_LOCK_TIMEOUT = "2s"


class PublishConflict(Exception):  # noqa: N818  # says what is the case
    """Somebody published in between. `current` is the version now in force."""

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__(f"version {current} is in force now")


class Unconfirmed(Exception):  # noqa: N818  # says what is the case
    """The plan takes things out of use that were not confirmed. `names` lists these."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"to be confirmed: {', '.join(self.names)}")


def publish(
    connection: sa.Connection,
    elements: Sequence[Element],
    *,
    by: str,
    message: str = "",
    confirm: Collection[str] = (),
    expected_version: int | None = None,
    at: datetime | None = None,
) -> int:
    """Makes `elements` the definitions in force and gives the new version.

    `elements` is the whole wanted state; nothing to do gives the version in force. Raises
    PublishConflict when `expected_version` is not the one in force, Unconfirmed, and
    DefinitionError with everything that stands in the way; then nothing is changed.
    """
    versions = lock_versions(connection)
    if expected_version is not None and expected_version != versions.catalog:
        raise PublishConflict(versions.catalog)
    current = load_elements(connection)
    planned = plan(current, elements)
    if planned.problems:
        raise DefinitionError(planned.problems)
    if not planned.operations:
        return versions.catalog
    unconfirmed = [name for name in planned.destructive if name not in confirm]
    if unconfirmed:
        raise Unconfirmed(unconfirmed)
    entry = Entry(
        version=versions.catalog + 1,
        at=at or datetime.now(UTC),
        by=by,
        message=message,
        operations=tuple(operation.to_json() for operation in planned.operations),
    )
    before = build_catalog(versions.catalog, current)
    after = build_catalog(entry.version, planned.elements)
    change_tables(connection, before, after)
    replace_elements(connection, current, planned.elements, entry.version)
    write_history(connection, entry, expected=versions)
    keep_program(connection, after)
    return entry.version


def change_tables(connection: sa.Connection, before: Catalog, after: Catalog) -> None:
    """Brings the tables from one catalog to the next.

    Raises DefinitionError, before anything is changed, for rows that do not fit.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{POSTGRESQL_LOCK_TIMEOUT}'")
    pairs = pair_tables(before, after)
    problems = [found for pair in pairs for found in preflight(connection, pair)]
    if problems:
        raise DefinitionError(problems)
    for pair in pairs:
        change_table(connection, pair)


def change_table(connection: sa.Connection, pair: TablePair) -> None:
    """Makes or extends one object's table. Columns are never dropped here."""
    if pair.before is None:
        connection.execute(CreateTable(pair.after))
    for index in pair.dropped_indexes:
        connection.execute(DropIndex(index))
    for column in pair.added_columns:
        connection.execute(AddColumn(column))
    for values in pair.defaults:
        connection.execute(pair.after.update().values(values))
    for index in pair.added_indexes:
        connection.execute(CreateIndex(index))


class AddColumn(sa.schema.ExecutableDDLElement):
    """`ALTER TABLE … ADD COLUMN …`, which neither database rebuilds the table for."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any]) -> None:
        self.column = column


@compiles(AddColumn)
def write_add_column(element: AddColumn, compiler: DDLCompiler, **_: Any) -> str:
    """Writes the statement for the column's table."""
    table = compiler.preparer.format_table(element.column.table)
    return f"ALTER TABLE {table} ADD COLUMN {compiler.get_column_specification(element.column)}"
