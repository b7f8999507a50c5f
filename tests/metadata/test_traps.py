"""The ways in which other systems lose data when tables change: none of them happens here.

Each was reproduced with automatic migrations on SQLite or PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.drift import find_drift, wanted_tables
from metadata.elements import Element
from metadata.migrate import Unconfirmed, publish
from metadata.problems import DefinitionError
from metadata.store import create_store, load_catalog, load_elements
from tests.metadata.databases import JsonObject, element, engine_for, object_body, snapshot

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT: JsonObject = {"type": "string"}
REFERENCE: JsonObject = {"type": "string", "crm": {"field": "reference", "to": "thing"}}
EVERYTHING = ["thing", *(f"thing.{name}" for name in ("code", "nr", "size", "parent"))]


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    """A database with three things: codes 7, x and none."""
    with engine_for(database_url) as engine, engine.connect() as made:
        create_store(made)
        catalog = change(made, {"code": TEXT})
        for number, code in enumerate(["7", "x", None]):
            row = {"id": str(number), "version": 1, "created_at": NOW, "updated_at": NOW}
            made.execute(catalog.tables["thing"].insert().values({**row, "code": code}))
        yield made


def thing(properties: JsonObject, **more: Any) -> Element:
    return element("thing", object_body({"name": TEXT, **properties}, **more))


def change(connection: sa.Connection, properties: JsonObject, **more: Any) -> Catalog:
    """Publishes object `thing`, with everything confirmed that a person could confirm."""
    publish(connection, [thing(properties, **more)], by="ann", confirm=EVERYTHING)
    return load_catalog(connection)


def stored(connection: sa.Connection, column: str = "code") -> list[object]:
    """Gives what a column holds, whatever the definitions say."""
    rows = connection.exec_driver_sql(f'SELECT "{column}" FROM o_thing ORDER BY id')
    return list(rows.scalars())


def columns(connection: sa.Connection) -> set[str]:
    return {str(column["name"]) for column in sa.inspect(connection).get_columns("o_thing")}


def test_1_a_rename_without_a_hint_is_not_a_drop(connection: sa.Connection) -> None:
    """It takes the old field out of use, which wants confirmation and can be taken back."""
    with pytest.raises(Unconfirmed):
        publish(connection, [thing({"number": TEXT})], by="ann")
    change(connection, {"number": TEXT})
    assert stored(connection) == ["7", "x", None]
    field = change(connection, {"number": TEXT, "code": TEXT}).objects["thing"].fields["code"]
    assert stored(connection, field.column) == ["7", "x", None]


def test_1_a_rename_by_id_needs_no_hint(connection: sa.Connection) -> None:
    (known,) = load_elements(connection)
    properties: Any = known.body["properties"]
    body = {**known.body, "properties": {"name": TEXT, "number": properties["code"]}}
    publish(connection, [Element(known.id, "object", "item", "local", body)], by="ann")
    field = load_catalog(connection).objects["item"].fields["number"]
    assert (field.column, stored(connection, field.column)) == ("code", ["7", "x", None])


def test_2_a_required_field_without_a_default_is_refused_beforehand(
    connection: sa.Connection,
) -> None:
    before = snapshot(connection)
    with pytest.raises(DefinitionError) as refused:
        change(connection, {"code": TEXT, "size": TEXT}, required=["size"])
    assert [problem.code for problem in refused.value.problems] == ["required_but_empty"]
    assert snapshot(connection) == before
    change(connection, {"code": TEXT, "size": {**TEXT, "default": "L"}}, required=["size"])
    assert stored(connection, "size") == ["L", "L", "L"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "integer"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "string", "format": "date"},
        {"type": "string", "enum": ["7"]},
    ],
)
def test_3_another_type_turns_no_text_into_nought(
    connection: sa.Connection, wanted: JsonObject
) -> None:
    """What does not convert is told, or confirmed to be lost; the old column stays in any case."""
    with suppress(DefinitionError, Unconfirmed), connection.begin_nested():
        field = change(connection, {"code": wanted}).objects["thing"].fields["code"]
        assert [value is None for value in stored(connection, field.column)][1:] == [True, True]
    assert stored(connection, "code") == ["7", "x", None]


def test_4_no_change_of_a_parent_touches_rows_that_refer_to_it(
    connection: sa.Connection, dialect: str
) -> None:
    """A rebuilt parent table had its children deleted by ON DELETE CASCADE."""
    if dialect == "sqlite":
        connection.commit()
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.cursor().execute("PRAGMA foreign_keys=ON")
    for action in ("CASCADE", "SET NULL"):
        connection.exec_driver_sql(
            f"CREATE TABLE child_{action[:3]} (id INTEGER PRIMARY KEY,"
            f" thing TEXT REFERENCES o_thing (id) ON DELETE {action})"
        )
        connection.exec_driver_sql(f"INSERT INTO child_{action[:3]} VALUES (1, '0'), (2, '1')")
    code = {**TEXT, "crm": {"unique": True}}
    renamed = {"nr": {**code, "crm": {"unique": True, "renamed_from": "code"}}}
    change(connection, {"code": code, "size": TEXT, "parent": REFERENCE}, owner=False)
    change(connection, {"code": {**TEXT, "crm": {"index": True}}, "parent": REFERENCE})
    change(connection, renamed)
    publish(connection, [], by="ann", confirm=EVERYTHING)
    change(connection, renamed)
    for table in ("child_CAS", "child_SET"):
        found = connection.exec_driver_sql(f"SELECT id, thing FROM {table} ORDER BY id").all()
        assert [tuple(row) for row in found] == [(1, "0"), (2, "1")]


def test_5_an_indexed_reference_on_a_table_with_rows_has_one_index(
    connection: sa.Connection,
) -> None:
    catalog = change(connection, {"code": TEXT, "parent": REFERENCE})
    names = [str(index["name"]) for index in sa.inspect(connection).get_indexes("o_thing")]
    assert sorted(names) == sorted(str(index.name) for index in catalog.tables["thing"].indexes)
    assert (
        sum(
            "parent" in "".join(map(str, index["column_names"]))
            for index in sa.inspect(connection).get_indexes("o_thing")
        )
        == 1
    )
    assert not [name for name in names if "alembic" in name]


def test_6_unique_over_repeated_values_is_refused_beforehand(connection: sa.Connection) -> None:
    connection.exec_driver_sql("UPDATE o_thing SET code = 'x'")
    before = snapshot(connection)
    with pytest.raises(DefinitionError) as refused:
        change(connection, {"code": {**TEXT, "crm": {"unique": True}}})
    assert [problem.code for problem in refused.value.problems] == ["unique_but_repeated"]
    assert snapshot(connection) == before


def test_7_a_new_reference_is_no_drift(connection: sa.Connection) -> None:
    """SQLite tells a constraint that came with ADD COLUMN otherwise than it was written."""
    catalog = change(connection, {"code": TEXT, "parent": REFERENCE})
    assert find_drift(connection, wanted_tables(catalog)) == []


def test_8_tables_of_others_are_left_alone(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE ab_user (id INTEGER PRIMARY KEY, name TEXT)")
    connection.exec_driver_sql("INSERT INTO ab_user VALUES (1, 'ann')")
    catalog = change(connection, {"size": TEXT})
    assert find_drift(connection, wanted_tables(catalog)) == []
    assert connection.exec_driver_sql("SELECT name FROM ab_user").scalar_one() == "ann"


def test_9_tables_made_in_a_transaction_that_is_lost_are_gone(connection: sa.Connection) -> None:
    """The driver's own mode of transactions left half of the change behind on SQLite."""
    connection.commit()
    before = snapshot(connection)
    connection.commit()
    change(connection, {"code": TEXT, "size": {**TEXT, "default": "L"}}, required=["size"])
    other = element("other", object_body({"name": TEXT}))
    publish(connection, [*load_elements(connection), other], by="ann")
    assert "size" in columns(connection)
    connection.rollback()
    assert snapshot(connection) == before
