"""Publishing on both databases: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.columns import to_columns
from metadata.migrate import PublishConflict, Unconfirmed, publish
from metadata.problems import DefinitionError
from metadata.store import create_store, load_catalog, load_elements
from tests.metadata.databases import JsonObject, element, engine_for, object_body, snapshot

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT: JsonObject = {"type": "string"}
NUMBER: JsonObject = {"type": "number"}
ACCOUNT = element("account", object_body({"name": TEXT}))


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with engine_for(database_url) as made:
        with made.begin() as connection:
            create_store(connection)
        yield made


def things(properties: JsonObject, **more: Any) -> list[Any]:
    return [ACCOUNT, element("thing", object_body({"name": TEXT, **properties}, **more))]


def insert(connection: sa.Connection, catalog: Catalog, number: int, **values: object) -> None:
    row = {"id": f"{number:036}", "version": 1, "created_at": NOW, "updated_at": NOW, **values}
    connection.execute(catalog.tables["thing"].insert().values(row))


def publish_things(engine: sa.Engine, properties: JsonObject, **more: Any) -> Catalog:
    """Publishes object `thing` on its own, as the designer would."""
    with engine.begin() as connection:
        publish(connection, things(properties, **more), by="ann", confirm=["thing.size"])
        return load_catalog(connection)


def codes(engine: sa.Engine, properties: JsonObject, **more: Any) -> list[tuple[str, object]]:
    """Gives the problems of publishing, and checks that nothing changed by trying."""
    with engine.begin() as connection:
        before = snapshot(connection)
    with pytest.raises(DefinitionError) as caught:
        publish_things(engine, properties, **more)
    with engine.begin() as connection:
        assert snapshot(connection) == before
    found = [(problem.code, problem.values) for problem in caught.value.problems]
    return [(code, values.get("rows", values.get("values"))) for code, values in found]


def test_diff_then_migrate_is_the_new_schema(engine: sa.Engine) -> None:
    """Whatever the way there, the tables have the columns and indexes of the definitions."""
    reference = {"type": "string", "crm": {"field": "reference", "to": "account"}}
    publish_things(engine, {"size": NUMBER})
    publish_things(engine, {"size": {**NUMBER, "crm": {"index": True}}, "account": reference})
    publish_things(engine, {"account": reference, "code": {**TEXT, "crm": {"unique": True}}})
    catalog = publish_things(engine, {"weight": NUMBER, "code": TEXT, "account": reference})
    with engine.begin() as connection:
        inspector = sa.inspect(connection)
        for table in catalog.tables.values():
            columns = {str(column["name"]) for column in inspector.get_columns(table.name)}
            indexes = {str(index["name"]) for index in inspector.get_indexes(table.name)}
            assert columns == {column.name for column in table.c}
            assert indexes == {str(index.name) for index in table.indexes}


def test_rows_survive_rename_retire_and_restore(engine: sa.Engine) -> None:
    catalog = publish_things(engine, {"size": NUMBER})
    with engine.begin() as connection:
        insert(connection, catalog, 1, name="a", size=5)
    renamed = {"weight": {**NUMBER, "crm": {"renamed_from": "size"}}}
    publish_things(engine, renamed)
    with engine.begin() as connection:
        publish(connection, things({}), by="ann", confirm=["thing.weight"])
    catalog = publish_things(engine, renamed)
    field = catalog.objects["thing"].fields["weight"]
    with engine.begin() as connection:
        found = connection.scalar(sa.select(catalog.tables["thing"].c[field.column]))
    assert (field.column, found) == ("size", 5)


def test_required_field_needs_a_default_for_existing_rows(engine: sa.Engine) -> None:
    catalog = publish_things(engine, {"size": NUMBER})
    with engine.begin() as connection:
        insert(connection, catalog, 1, name="a", size=5)
        insert(connection, catalog, 2, name="b")
        insert(connection, catalog, 3, name="c", deleted_at=NOW)
    new = {"size": NUMBER, "color": TEXT}
    assert codes(engine, new, required=["color"]) == [("required_but_empty", 2)]
    assert codes(engine, {"size": NUMBER}, required=["size"]) == [("required_but_empty", 1)]
    new["color"] = {**TEXT, "default": "Red"}
    catalog = publish_things(engine, new, required=["color"])
    table = catalog.tables["thing"]
    with engine.begin() as connection:
        found = connection.execute(sa.select(table.c.color, table.c["color$fold"])).all()
    assert [tuple(row) for row in found] == [("Red", "red")] * 3


def test_unique_needs_unique_living_rows(engine: sa.Engine) -> None:
    catalog = publish_things(engine, {"code": TEXT})
    with engine.begin() as connection:
        for number, code in enumerate(["x", "x", "x", "y", None, None]):
            deleted = NOW if number == 0 else None
            insert(connection, catalog, number, name="a", code=code, deleted_at=deleted)
    unique = {"code": {**TEXT, "crm": {"unique": True}}}
    assert codes(engine, unique) == [("unique_but_repeated", 1)]
    with engine.begin() as connection:
        connection.execute(catalog.tables["thing"].update().values(deleted_at=NOW))
        insert(connection, catalog, 9, name="a", code="x")
    catalog = publish_things(engine, unique)
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        insert(connection, catalog, 10, name="a", code="x")


def test_conflict_confirmation_and_nothing_to_do(engine: sa.Engine) -> None:
    publish_things(engine, {"size": NUMBER})
    with engine.begin() as connection:
        with pytest.raises(PublishConflict) as conflict:
            publish(connection, things({}), by="ann", expected_version=0)
        with pytest.raises(Unconfirmed) as unconfirmed:
            publish(connection, things({}), by="ann", expected_version=1)
        assert publish(connection, load_elements(connection), by="ann") == 1
    assert (conflict.value.current, unconfirmed.value.names) == (1, ("thing.size",))


def test_broken_definition_changes_nothing(engine: sa.Engine) -> None:
    publish_things(engine, {"size": NUMBER})
    assert codes(engine, {"size": NUMBER, "x": {"type": "nothing"}}) != []


DEFAULTS: list[tuple[JsonObject, object]] = [
    ({**TEXT}, 'it\'s 100% :x %(y)s \\ "好"'),
    ({"type": "integer"}, -7),
    ({"type": "number"}, "12.345"),
    ({"type": "number", "crm": {"field": "percent"}}, "12.5%"),
    ({"type": "number", "crm": {"field": "money", "currency": "CNY"}}, "9.90"),
    ({"type": "boolean"}, False),
    ({**TEXT, "format": "date"}, "2026-02-28"),
    ({**TEXT, "format": "date-time"}, "2026-02-28T10:11:12.345Z"),
    ({**TEXT, "enum": ["a%", "b'"]}, "b'"),
    ({"type": "array", "items": {"enum": ["a", "b"]}}, ["b"]),
]


@pytest.mark.parametrize(("kind", "default"), DEFAULTS)
def test_rows_that_are_there_get_the_default_as_if_it_had_been_entered(
    engine: sa.Engine, kind: JsonObject, default: object
) -> None:
    catalog = publish_things(engine, {})
    with engine.begin() as connection:
        insert(connection, catalog, 1, name="a")
    catalog = publish_things(engine, {"new": {**kind, "default": default}}, required=["new"])
    definition, table = catalog.objects["thing"], catalog.tables["thing"]
    field = definition.fields["new"]
    with engine.begin() as connection:
        entered = to_columns(
            connection, definition, "2", {"new": field.type.coerce(default, field)}
        )
        insert(connection, catalog, 2, name="b", **entered)
        columns = [table.c[name] for name in entered]
        rows = connection.execute(sa.select(*columns).order_by(table.c.id)).all()
    assert rows[0] == rows[1]
    assert None not in rows[0]
