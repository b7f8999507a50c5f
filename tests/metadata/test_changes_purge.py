"""Dropping for good what is long out of use, and definitions as a folder of files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.changes.folder import (
    definition_files,
    place_in_folder,
    read_definitions,
    write_definitions,
)
from metadata.changes.purge import find_purgeable, purge
from metadata.diff import plan
from metadata.migrate import Unconfirmed, publish
from metadata.problems import Problem
from metadata.store import create_store, elements_at, load_catalog, load_elements
from tests.metadata.databases import JsonObject, element, engine_for, object_body

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT: JsonObject = {"type": "string", "crm": {"unique": True, "index": True}}
INTEGER: JsonObject = {"type": "integer"}


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        yield made


def change(connection: sa.Connection, day: int, *objects: tuple[str, JsonObject]) -> Catalog:
    wanted = [element(name, object_body({"name": {"type": "string"}, **p})) for name, p in objects]
    at = START + timedelta(days=day)
    confirm = ["thing", "other", "thing.size", "thing.code"]
    publish(connection, wanted, by="ann", confirm=confirm, at=at)
    return load_catalog(connection)


def columns(connection: sa.Connection, table: str) -> set[str]:
    return {str(column["name"]) for column in sa.inspect(connection).get_columns(table)}


def purge_at(connection: sa.Connection, day: int, *confirm: str) -> int:
    before = START + timedelta(days=day)
    at = START + timedelta(days=200)
    return purge(connection, before=before, by="ann", at=at, confirm=confirm)


def test_only_what_is_out_of_use_long_enough_goes(connection: sa.Connection) -> None:
    change(connection, 0, ("thing", {"size": TEXT, "code": TEXT}), ("other", {}))
    change(connection, 10, ("thing", {"size": INTEGER, "code": TEXT}))
    catalog = change(connection, 50, ("thing", {"size": INTEGER}))
    found = find_purgeable(connection, catalog, START + timedelta(days=30))
    assert [one.place for one in found] == ["other", "thing.size_old"]
    with pytest.raises(Unconfirmed) as unconfirmed, connection.begin_nested():
        purge_at(connection, 30, "other")
    assert unconfirmed.value.names == ("thing.size_old",)
    assert purge_at(connection, 30, "other", "thing.size_old") == 4
    catalog = load_catalog(connection)
    assert (list(catalog.retired), list(catalog.objects["thing"].retired_fields)) == ([], ["code"])
    assert not sa.inspect(connection).has_table("o_other")
    assert {"size", "size$fold"}.isdisjoint(columns(connection, "o_thing"))
    assert {"size_2", "code", "code$fold"} <= columns(connection, "o_thing")
    table = catalog.tables["thing"]
    indexes = {str(one["name"]) for one in sa.inspect(connection).get_indexes(table.name)}
    assert indexes == {str(index.name) for index in table.indexes}
    assert purge_at(connection, 30) == 4


def test_the_way_back_before_a_purge_makes_new_columns(connection: sa.Connection) -> None:
    change(connection, 0, ("thing", {"size": TEXT}), ("other", {}))
    change(connection, 1, ("thing", {}))
    purge_at(connection, 5, "other", "thing.size")
    publish(connection, elements_at(connection, 1), by="ann")
    catalog = load_catalog(connection)
    assert set(catalog.objects) == {"thing", "other"}
    for table in catalog.tables.values():
        assert columns(connection, table.name) == {column.name for column in table.c}


def test_an_exported_folder_changes_nothing(connection: sa.Connection, tmp_path: Path) -> None:
    change(connection, 0, ("thing", {"size": TEXT, "code": TEXT}), ("other", {}))
    change(connection, 1, ("thing", {"code": TEXT}), ("other", {}))
    elements = load_elements(connection)
    files = definition_files(elements)
    assert list(files) == ["objects/other.json", "objects/thing.json"]
    folder = tmp_path / "exported"
    write_definitions(files, folder)
    read = read_definitions(folder, elements)
    assert (read.problems, plan(elements, read.elements).operations) == ([], ())
    (folder / "objects" / "Thing.json").write_text("{}")
    (folder / "objects" / "bad.json").write_text('{"properties": {}, "x": 1, "x": 2}')
    found = {problem.path: problem.code for problem in read_definitions(folder, elements).problems}
    assert found == {
        "objects/Thing.json": "unknown_definition_file",
        "objects/bad.json:/x": "duplicate_key",
    }


PLACES: list[tuple[str, Any]] = [
    ("/objects/thing/properties/a", "objects/thing.json:/properties/a"),
    ("/views/thing/all/columns/0", "views/thing/all.json:/columns/0"),
    ("/rules/crm/checks", "rules/crm/checks.rules"),
    ("/confirm", "/confirm"),
]


@pytest.mark.parametrize(("path", "expected"), PLACES)
def test_problems_name_their_files(path: str, expected: str) -> None:
    assert place_in_folder(Problem(path, "code")).path == expected
