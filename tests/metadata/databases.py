"""Engines for the tests of metadata: with the settings that publishing counts on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from metadata.elements import Element

JsonObject = dict[str, Any]


def make_engine(url: str) -> sa.Engine:
    """Gives an engine whose transactions hold DDL too, on SQLite as on PostgreSQL."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url)
    engine = sa.create_engine(url)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None
        register_functions(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def register_functions(connection: Any) -> None:
    """Gives a SQLite connection what compiled rules call."""
    try:
        from rule_engine.backends.sql import register_sqlite_functions
    except ImportError:
        return

    register_sqlite_functions(connection)


@contextmanager
def engine_for(url: str) -> Iterator[sa.Engine]:
    """Gives an engine and closes its connections at the end."""
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def element(name: str, body: JsonObject, kind: str = "object", package: str = "local") -> Element:
    """Gives an element as an author hands it in: without an id."""
    return Element("", kind, name, package, body)


def object_body(
    properties: Mapping[str, JsonObject], *, required: Sequence[str] = (), **crm: object
) -> JsonObject:
    """Gives the JSON Schema of an object."""
    body: JsonObject = {"type": "object", "properties": dict(properties)}
    if required:
        body["required"] = list(required)
    return {**body, "crm": crm} if crm else body


def snapshot(connection: sa.Connection) -> dict[str, object]:
    """Gives everything in a database: each table's columns, indexes and rows."""
    inspector = sa.inspect(connection)
    return {
        table: (
            [str(column["name"]) for column in inspector.get_columns(table)],
            sorted(str(index["name"]) for index in inspector.get_indexes(table)),
            sorted(
                tuple(map(str, row))
                for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))
            ),
        )
        for table in inspector.get_table_names()
    }
