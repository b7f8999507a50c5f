"""One database per test module, for tests that only read or that clean up after themselves."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
import sqlalchemy as sa

from rule_engine.backends.sql import register_sqlite_functions
from tests.conftest import find_postgresql, leave_out
from trellis.evaluation.javascript import Answers, find_node, running_node


@pytest.fixture(scope="session")
def node() -> Iterator[Answers]:
    """Gives the one Node that runs compiled JavaScript; in CI it has to be there."""
    if find_node() is None:
        leave_out("Node not found: the tests of the JavaScript back end are LEFT OUT")
    with running_node() as answers:
        yield answers


@pytest.fixture(scope="module")
def connection(dialect: str, request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """Gives a connection that runs compiled rules."""
    with connected(dialect, request) as connection:
        yield connection


@pytest.fixture(scope="module")
def connections(request: pytest.FixtureRequest) -> Iterator[dict[str, sa.Connection]]:
    """Gives a connection to each database that is chosen and there; in CI both have to be."""
    chosen = request.config.getoption("--database")
    dialects = ["sqlite", "postgresql"] if chosen == "both" else [chosen]
    if chosen == "both" and find_postgresql() is None and not os.environ.get("CI"):
        dialects = ["sqlite"]
    with ExitStack() as stack:
        yield {one: stack.enter_context(connected(one, request)) for one in dialects}


@contextmanager
def connected(dialect: str, request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """Gives a connection for some time. PostgreSQL's JIT costs more than it saves."""
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
