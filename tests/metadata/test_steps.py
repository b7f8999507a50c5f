"""Indexes of big tables: noted with the change, built after it, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.changes.impact import measure
from metadata.diff import plan
from metadata.drift import find_drift, wanted_tables
from metadata.migrate import publish
from metadata.steps import Step, open_steps, run_steps
from metadata.store import create_store, load_catalog
from tests.metadata.databases import JsonObject, element, engine_for, object_body

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT: JsonObject = {"type": "string"}
UNIQUE: JsonObject = {"type": "string", "crm": {"unique": True}}
INDEXED: JsonObject = {"type": "string", "crm": {"index": True}}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A database in which one row makes a table big, with a thing in it."""
    with engine_for(database_url) as made:
        engine = made.execution_options(big_table_rows=0)
        catalog = change(engine, code=TEXT)
        add(engine, catalog, "1", "x")
        yield engine


def change(engine: sa.Engine, **properties: JsonObject) -> Catalog:
    """Publishes object `thing`."""
    with engine.begin() as connection:
        create_store(connection)
        body = object_body({"name": TEXT, **properties})
        publish(connection, [element("thing", body)], by="ann")
        return load_catalog(connection)


def add(engine: sa.Engine, catalog: Catalog, identity: str, code: str) -> None:
    row = {"id": identity, "version": 1, "created_at": NOW, "updated_at": NOW, "code": code}
    with engine.begin() as connection:
        connection.execute(catalog.tables["thing"].insert().values(row))


def standing_alone(engine: sa.Engine) -> Callable[[], AbstractContextManager[sa.Connection]]:
    @contextmanager
    def autocommit() -> Iterator[sa.Connection]:
        with engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    return autocommit


def run(engine: sa.Engine, catalog: Catalog, at: datetime | None = None) -> list[Step]:
    return run_steps(standing_alone(engine), catalog, at=at)


def steps(engine: sa.Engine) -> list[tuple[str, int]]:
    with engine.begin() as connection:
        return [(step.state, step.tries) for step in open_steps(connection)]


def drifts(engine: sa.Engine, catalog: Catalog) -> int:
    with engine.begin() as connection:
        return len(find_drift(connection, wanted_tables(catalog)))


def is_unique(engine: sa.Engine, catalog: Catalog) -> bool:
    """Says whether the database refuses a second x."""
    try:
        add(engine, catalog, "2", "x")
    except sa.exc.IntegrityError:
        return True
    return False


def test_a_small_table_has_its_indexes_at_once(database_url: str) -> None:
    with engine_for(database_url) as engine:
        add(engine, change(engine, code=TEXT), "1", "x")
        catalog = change(engine, code=UNIQUE)
        assert (steps(engine), is_unique(engine, catalog)) == ([], True)


def test_those_of_a_big_table_are_built_later(engine: sa.Engine, dialect: str) -> None:
    """On SQLite at once: there is one writer, and one that builds keeps nobody longer."""
    catalog = change(engine, code=UNIQUE, size=INDEXED)
    waiting = [("waiting", 0)] * 2 if dialect == "postgresql" else []
    assert steps(engine) == waiting
    assert drifts(engine, catalog) == 0
    if dialect == "postgresql":
        assert run(engine, catalog) == []
    assert (steps(engine), drifts(engine, catalog)) == ([], 0)
    assert is_unique(engine, catalog)


def test_rows_that_break_a_unique_index_are_told_and_can_be_put_right(
    engine: sa.Engine, dialect: str
) -> None:
    if dialect == "sqlite":
        return  # is_unique at once, see above
    catalog = change(engine, code=UNIQUE)
    assert not is_unique(engine, catalog)
    (failed,) = run(engine, catalog)
    assert steps(engine) == [("failed", 1)]
    with engine.begin() as connection:
        (told,) = open_steps(connection)
        assert told.error == f'could not create unique index "{failed.name}"'
        connection.execute(catalog.tables["thing"].delete().where(sa.text("id = '2'")))
    assert run(engine, catalog, at=datetime.now(UTC)) == []
    assert steps(engine) == [("failed", 1)], "it is too early to try again"
    assert run(engine, catalog, at=datetime.now(UTC) + timedelta(minutes=2)) == []
    assert (steps(engine), is_unique(engine, catalog)) == ([], True)


def test_what_nobody_wants_any_more_is_not_built(engine: sa.Engine) -> None:
    change(engine, code=UNIQUE)
    catalog = change(engine, code=TEXT)
    assert run(engine, catalog) == []
    assert (steps(engine), is_unique(engine, catalog)) == ([], False)


def test_a_build_that_was_broken_off_is_done_again(engine: sa.Engine, dialect: str) -> None:
    """It leaves an index that is there and does not serve: it is dropped first."""
    if dialect == "sqlite":
        return  # nothing is built outside of the transaction
    catalog = change(engine, code=UNIQUE)
    table = catalog.tables["thing"].name
    with engine.begin() as connection:
        name = open_steps(connection)[0].name
    with standing_alone(engine)() as connection:
        connection.exec_driver_sql(f'CREATE UNIQUE INDEX CONCURRENTLY "{name}" ON {table} (code)')
        connection.exec_driver_sql(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", (name,)
        )
    assert run(engine, catalog) == []
    with engine.begin() as connection:
        found = sa.inspect(connection).get_indexes(table)
        (built,) = (index for index in found if index["name"] == name)
    assert "postgresql_where" in built["dialect_options"], "it is the right one, of living rows"
    assert (steps(engine), drifts(engine, catalog)) == ([], 0)


def test_the_plan_says_that_uniqueness_is_enforced_later(engine: sa.Engine, dialect: str) -> None:
    with engine.begin() as connection:
        before = load_catalog(connection)
        wanted = object_body({"name": TEXT, "code": UNIQUE, "size": INDEXED})
        planned = plan(before.elements, [element("thing", wanted)], before)
        measured = measure(connection, before, planned)
    said = {
        (operation.kind, impact.later.code)
        for operation, impact in zip(planned.operations, measured.impacts, strict=True)
        if impact.later is not None
    }
    indexes = {("add_index", "unique_later"), ("add_index", "index_later")}
    expected = {*indexes, ("add_field", "index_later")}
    assert said == (expected if dialect == "postgresql" else set())
