"""One database per test module, for tests that only read or that clean up after themselves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from rule_engine.backends.sql import register_sqlite_functions


@pytest.fixture(scope="module")
def connection(dialect: str, request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """Gives a connection that runs compiled rules. PostgreSQL's JIT costs more than it saves."""
    if dialect == "sqlite":
        engine = sa.create_engine("sqlite://")
        with engine.connect() as connection:
            register_sqlite_functions(connection.connection.driver_connection)  # type: ignore[arg-type]  # is a sqlite3.Connection
            yield connection
        engine.dispose()
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"rules{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as raw:
        raw.execute(f'CREATE DATABASE "{name}"')
    address = f"postgresql+psycopg://{server}/{name}"
    engine = sa.create_engine(address, connect_args={"options": "-c jit=off"})
    with engine.connect() as connection:
        yield connection
    engine.dispose()
