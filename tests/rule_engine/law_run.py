"""How much the law tests try, and one database with the law's rows for tests of SQL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from tests.rule_engine.law_world import (
    RandomRows,
    Store,
    Surroundings,
    Tables,
    make_tables,
    surroundings_of,
    to_row,
)

IS_SOAK = bool(os.environ.get("TRELLIS_SOAK"))
SEED = int(os.environ.get("TRELLIS_LAW_SEED", "1"))
COUNTS = {"deal": 160, "account": 25, "line": 240, "user": 8}


def law(examples: int) -> settings:
    """Gives the settings of a law test; a soak takes others each time."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=not IS_SOAK,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


LAW = law(1200 if IS_SOAK else 120)


@dataclass(frozen=True)
class World:
    connection: sa.Connection
    tables: Tables
    store: Store
    environments: tuple[Surroundings, ...]

    def __repr__(self) -> str:
        """Stays short: hypothesis shows it with each failing example."""
        return "World()"


@pytest.fixture(scope="module")
def world(dialect: str, connection: sa.Connection) -> World:
    store = RandomRows(SEED).store(COUNTS)
    tables = Tables(dialect, fill(connection, store))
    return World(connection, tables, store, surroundings_of(store))


def fill(connection: sa.Connection, store: Store) -> Mapping[str, sa.Table]:
    """Makes the tables of the law's objects with all rows."""
    metadata, tables = make_tables()
    metadata.create_all(connection)
    for name, rows in store.rows.items():
        connection.execute(tables[name].insert(), [to_row(name, row) for row in rows])
    return tables
