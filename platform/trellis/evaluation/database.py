"""Evaluating in a database: the records go into temporary tables, the expression into SQL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import sqlalchemy as sa
import sqlalchemy.event

from metadata.catalog import Catalog
from metadata.ddl import columns_of
from metadata.fields.base import FieldDefinition, physical_name
from metadata.objects import ObjectDefinition
from metadata.query.sealed import not_in_sql
from rule_engine.backends.sql import compile_parts_sql, parameters, register_sqlite_functions
from rule_engine.core import Node
from rule_engine.services.evaluate import Surroundings
from rule_engine.types import Kind
from rule_engine.values import CalendarLength, Money
from trellis.evaluation.question import EvaluationError
from trellis.evaluation.records import Loaded

NUMBERS = (Kind.NUMBER, Kind.PERCENT)


@dataclass(frozen=True, slots=True)
class TemporaryTables:
    """A rule_engine SqlSchema over tables that hold nothing but the records asked about."""

    catalog: Catalog
    tables: Mapping[str, sa.Table]
    dialect: str

    def table(self, object_name: str) -> sa.FromClause:
        """Gives an object's table."""
        return self.tables[object_name]

    def column(
        self, table: sa.FromClause, object_name: str, field: str, part: str = ""
    ) -> sa.ColumnElement[object]:
        """Gives a field's column, or the column of one of its parts."""
        definition = self.catalog.objects[object_name].fields[field]
        if definition.type.is_sealed:
            raise not_in_sql(field)
        return table.c[physical_name(definition.column, part)]


@contextmanager
def sqlite_engine() -> Iterator[sa.Engine]:
    """Gives a database in memory."""
    engine = sa.create_engine("sqlite://")
    sa.event.listen(engine, "connect", lambda raw, _record: register_sqlite_functions(raw))
    yield engine
    engine.dispose()


@contextmanager
def postgresql_engine() -> Iterator[sa.Engine]:
    """Gives the PostgreSQL of the environment; raises EvaluationError without one."""
    url = os.environ.get("TRELLIS_DATABASE_URL", "")
    if not url.startswith("postgresql"):
        raise EvaluationError(
            "--engine postgresql needs a PostgreSQL address in TRELLIS_DATABASE_URL"
        )
    engine = sa.create_engine("postgresql+psycopg://" + url.partition("://")[2])
    yield engine
    engine.dispose()


def ask_database(
    engine: sa.Engine,
    node: Node,
    object_name: str,
    loaded: Loaded,
    surroundings: Surroundings,
    record_id: str,
) -> object:
    """Gives the value of a checked expression on one of the loaded records."""
    catalog = loaded.catalog
    tables = make_tables(catalog)
    schema = TemporaryTables(catalog, tables, engine.dialect.name)
    root = tables[object_name]
    parts = compile_parts_sql(node, schema, root)
    columns = [element.label(f"part_{name}") for name, element in parts.items()]
    statement = sa.select(*columns).select_from(root).where(root.c.id == record_id)
    with engine.connect() as connection:
        for table in tables.values():
            table.create(connection)
        fill(connection, catalog, tables, loaded)
        row = connection.execute(statement, parameters(statement, surroundings)).one()
    return from_parts(node.type.kind, dict(zip(parts, row, strict=True)))


def make_tables(catalog: Catalog) -> dict[str, sa.Table]:
    """Gives tables with the columns of the objects', but without keys and constraints.

    Virtual fields have columns here: what a record is said to hold counts.
    """
    metadata = sa.MetaData()
    return {
        name: sa.Table(
            table.name,
            metadata,
            *(sa.Column(column.name, column.type) for column in table.columns),
            *(column for field in virtual_fields(catalog, name) for column in columns_of(field)),
            prefixes=["TEMPORARY"],
        )
        for name, table in catalog.tables.items()
    }


def virtual_fields(catalog: Catalog, object_name: str) -> Iterator[FieldDefinition]:
    """Gives an object's fields without columns of their own, as if they had some."""
    definition = catalog.objects.get(object_name)
    fields = definition.own_fields if definition is not None else ()
    return (replace(field, virtual=False) for field in fields if field.virtual)


def fill(
    connection: sa.Connection, catalog: Catalog, tables: Mapping[str, sa.Table], loaded: Loaded
) -> None:
    """Writes the loaded records."""
    for object_name, rows in loaded.rows.items():
        definition = catalog.objects[object_name]
        for row in rows.values():
            connection.execute(sa.insert(tables[object_name]).values(to_columns(definition, row)))


def to_columns(definition: ObjectDefinition, row: Mapping[str, object]) -> dict[str, object]:
    """Gives what to store for a record, by physical column."""
    columns: dict[str, object] = {}
    for name, value in row.items():
        field = definition.fields[name]
        if field.type.is_sealed:  # nothing in SQL reads it, and there is no key here
            continue
        for part, stored in field.type.to_parts(value, field).items():
            columns[physical_name(field.column, part)] = stored
    return columns


def from_parts(kind: Kind, parts: Mapping[str, object]) -> object:
    """Gives a value of the language for the columns that hold it."""
    main = parts.get("")
    if kind is Kind.CALENDAR_LENGTH:
        months, days = parts.get("months"), parts.get("days")
        if months is None or days is None:
            return None
        return CalendarLength(int(str(months)), int(str(days)))
    if main is None:
        return None
    if kind is Kind.MONEY:
        return Money(Decimal(str(main)), str(parts["currency"]))
    if kind in NUMBERS:
        return Decimal(str(main))
    if kind is Kind.BOOLEAN:
        return bool(main)
    if kind is Kind.CLOCK_LENGTH:
        return timedelta(milliseconds=int(str(main)))
    if isinstance(main, str) and kind in READERS:
        return READERS[kind](main)
    return main


READERS = {
    Kind.DATE: date.fromisoformat,
    Kind.INSTANT: datetime.fromisoformat,
    Kind.TIME: time.fromisoformat,
}
