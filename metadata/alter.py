"""What is done to tables that hold rows: only ever added to, never rebuilt.

SQLite's rebuild of a table (Alembic's batch mode) deletes the rows that refer to it, so nothing
here or elsewhere uses it: `ADD COLUMN` and `CREATE INDEX` are all that a change needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler


class AddColumn(sa.schema.ExecutableDDLElement):
    """`ALTER TABLE … ADD COLUMN …`, which neither database rebuilds the table for.

    `literal` is what the rows that are there get, in SQL: not one of them is written for that.
    """

    inherit_cache = False

    def __init__(self, column: sa.Column[Any], literal: str | None = None) -> None:
        self.column = column
        self.literal = literal


@compiles(AddColumn)
def write_add_column(element: AddColumn, compiler: DDLCompiler, **_: Any) -> str:
    """Writes the statement for the column's table."""
    table = compiler.preparer.format_table(element.column.table)
    default = f" DEFAULT {element.literal}" if element.literal is not None else ""
    column = compiler.get_column_specification(element.column)
    return f"ALTER TABLE {table} ADD COLUMN {column}{default}"


class DropDefault(sa.schema.ExecutableDDLElement):
    """`ALTER TABLE … ALTER COLUMN … DROP DEFAULT`; rows keep what they got by it."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any]) -> None:
        self.column = column


@compiles(DropDefault)
def write_drop_default(element: DropDefault, compiler: DDLCompiler, **_: Any) -> str:
    """Writes the statement for the column's table."""
    table = compiler.preparer.format_table(element.column.table)
    name = compiler.preparer.format_column(element.column)
    return f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT"


def add_column(connection: sa.Connection, column: sa.Column[Any], value: object = None) -> bool:
    """Adds a column, with a value in each row that is there; gives False when the value cannot be
    written into such a statement, and the rows have none.

    SQLite cannot take the default away again: there a row that is written without the column, by
    definitions of before, has the value too.
    """
    literal = literal_of(connection, column, value)
    connection.execute(AddColumn(column, literal))
    if literal is not None and connection.dialect.name == "postgresql":
        connection.execute(DropDefault(column))
    return value is None or literal is not None


def literal_of(connection: sa.Connection, column: sa.Column[Any], value: object) -> str | None:
    """Gives a value as SQL; None for none, and for what has no such form."""
    if value is None:
        return None
    options = {"literal_binds": True}
    try:
        written = sa.literal(value, column.type).compile(
            dialect=connection.dialect, compile_kwargs=options
        )
    except (NotImplementedError, sa.exc.CompileError):
        return None
    return str(written)


def add_missing(connection: sa.Connection, tables: Iterable[sa.Table]) -> list[str]:
    """Makes the tables, columns and indexes that are not there; gives their names, sorted.

    Columns to be added to a table with rows are nullable or have a `server_default`.
    """
    inspector = sa.inspect(connection)
    known, added = set(inspector.get_table_names()), []
    for table in tables:
        if table.name not in known:
            table.create(connection)
            added.append(table.name)
            continue
        there = {str(column["name"]) for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                connection.execute(AddColumn(column))
                added.append(f"{table.name}.{column.name}")
        indexed = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexed:
                connection.execute(CreateIndex(index))
                added.append(str(index.name))
    return sorted(added)
