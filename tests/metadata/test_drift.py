"""Tables that are not what the definitions say: found, worded, and made whole again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.drift import find_drift, is_systems, repair, wanted_tables
from metadata.migrate import publish
from metadata.store import META_VERSION, create_store, load_catalog
from tests.metadata.databases import JsonObject, element, engine_for, object_body, snapshot

KINDS: dict[str, JsonObject] = {
    "name": {"type": "string"},
    "code": {"type": "string", "crm": {"unique": True}},
    "size": {"type": "integer", "crm": {"index": True}},
    "ratio": {"type": "number"},
    "price": {"type": "number", "crm": {"field": "money"}},
    "day": {"type": "string", "format": "date"},
    "met": {"type": "string", "format": "date-time"},
    "hot": {"type": "boolean"},
    "stage": {"type": "string", "enum": ["a", "b"]},
    "parent": {"type": "string", "crm": {"field": "reference", "to": "thing"}},
}
ROWS = [
    ("ALTER TABLE o_thing DROP COLUMN day", "column o_thing.day is missing; "),
    ("ALTER TABLE o_thing DROP COLUMN import_batch", "column o_thing.import_batch is missing; "),
    ("DROP TABLE meta_draft", "table meta_draft is missing; "),
    ("DROP TABLE o_thing", "table o_thing is missing; "),
    ("ALTER TABLE meta_history DROP COLUMN message", "column meta_history.message, which cannot "),
    ("ALTER TABLE o_thing ADD COLUMN note TEXT", "column o_thing.note belongs to no field; "),
]


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        publish(made, [element("thing", object_body(KINDS))], by="ann")
        made.exec_driver_sql("CREATE TABLE ab_user (id INTEGER PRIMARY KEY, name TEXT)")
        yield made


def found(connection: sa.Connection, catalog: Catalog) -> list[str]:
    return [drift.sentence() for drift in find_drift(connection, wanted_tables(catalog))]


def test_what_was_just_published_has_no_drift(connection: sa.Connection) -> None:
    """Whatever the types, retired fields included; other programs' tables do not count."""
    without = {name: body for name, body in KINDS.items() if name not in {"price", "day"}}
    confirm = ["thing.price", "thing.day"]
    publish(connection, [element("thing", object_body(without))], by="ann", confirm=confirm)
    assert found(connection, load_catalog(connection)) == []


@pytest.mark.parametrize(("damage", "said"), ROWS)
def test_damage_is_found_and_repaired(connection: sa.Connection, damage: str, said: str) -> None:
    catalog = load_catalog(connection)
    connection.exec_driver_sql(damage)
    assert [text[: len(said)] for text in found(connection, catalog)] == [said]
    repair(connection, wanted_tables(catalog))
    is_lost = "add it with" not in said and said.startswith("column")
    assert found(connection, catalog) == [] or is_lost


def test_an_index_that_the_rows_break_is_left_and_said(connection: sa.Connection) -> None:
    catalog = load_catalog(connection)
    (unique,) = (index for index in catalog.tables["thing"].indexes if index.unique)
    connection.exec_driver_sql(f'DROP INDEX "{unique.name}"')
    add = "INSERT INTO o_thing (id, version, created_at, updated_at, code) VALUES "
    at = "'2026-03-01T08:00:00.000Z'"
    connection.exec_driver_sql(f"{add} ('a', 1, {at}, {at}, 'x'), ('b', 1, {at}, {at}, 'x')")
    added, left = repair(connection, wanted_tables(catalog))
    assert (added, [drift.name for drift in left]) == ([], [unique.name])
    assert left[0].sentence("zh") == (
        f"表 o_thing 缺少索引 {unique.name}；可用 trellis doctor --repair 补上"
        "（唯一索引须先消除重复值）"
    )
    connection.exec_driver_sql("UPDATE o_thing SET code = 'y' WHERE id = 'b'")
    assert repair(connection, wanted_tables(catalog))[1] == []


def test_a_wrong_type_is_said(connection: sa.Connection) -> None:
    catalog = load_catalog(connection)
    connection.exec_driver_sql("ALTER TABLE o_thing DROP COLUMN hot")
    connection.exec_driver_sql("ALTER TABLE o_thing ADD COLUMN hot TEXT")
    (said,) = found(connection, catalog)
    assert said == (
        "column o_thing.hot is of type TEXT instead of BOOLEAN; restore the table from a backup"
    )


def test_system_columns_of_a_newer_product_come_by_themselves(connection: sa.Connection) -> None:
    catalog = load_catalog(connection)
    for column in ("source", "day"):
        connection.exec_driver_sql(f"ALTER TABLE o_thing DROP COLUMN {column}")
    added, left = repair(connection, wanted_tables(catalog), only=is_systems)
    assert ([drift.name for drift in added], [drift.name for drift in left]) == (
        ["source"],
        ["day"],
    )


def test_a_store_of_an_older_product_is_brought_forward(connection: sa.Connection) -> None:
    before = snapshot(connection)
    connection.exec_driver_sql("DROP TABLE meta_step")
    connection.exec_driver_sql("ALTER TABLE meta_version DROP COLUMN store")
    create_store(connection)
    assert snapshot(connection) == before
    assert connection.scalar(sa.select(META_VERSION.c.catalog)) == 1
