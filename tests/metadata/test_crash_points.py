"""The connection cut at every statement of every sort of change: all of it happens or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from metadata.elements import Element
from metadata.migrate import publish
from metadata.packages.install import install
from metadata.packages.read import Package, read_package
from metadata.store import create_store, elements_at, load_catalog
from tests.metadata.databases import JsonObject, element, engine_for, object_body, snapshot

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT: JsonObject = {"type": "string"}
ACCOUNT = element("account", object_body({"name": TEXT}))
REFERENCE: JsonObject = {"type": "string", "crm": {"field": "reference", "to": "account"}}

Change = Callable[[sa.Connection, Path], object]


def thing(properties: Mapping[str, JsonObject], **more: Any) -> list[Element]:
    return [ACCOUNT, element("thing", object_body({"name": TEXT, **properties}, **more))]


def package(folder: Path, version: str, files: Mapping[str, JsonObject]) -> Package:
    """Writes a package's files and reads them."""
    manifest = {"name": "base", "version": version, "title": "Base"}
    for path, document in {"manifest.json": manifest, **files}.items():
        file = folder / version / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document), "utf-8")
    return read_package(folder / version)


OLD_PACKAGE: Mapping[str, JsonObject] = {
    "objects/contract.json": object_body({"name": TEXT, "note": TEXT}, required=["name"]),
    "views/contract/all.json": {"title": "All", "type": "list", "columns": ["name"]},
}
NEW_PACKAGE: Mapping[str, JsonObject] = {
    "objects/contract.json": object_body(
        {"name": TEXT, "number": {**TEXT, "default": "-"}, "partner": REFERENCE},
        required=["name", "number"],
    ),
    "objects/clause.json": object_body({"name": TEXT, "code": {**TEXT, "crm": {"unique": True}}}),
    "roles/clerk.json": {"title": "Clerk", "grants": {"contract": {"read": "all"}}},
}


def add(connection: sa.Connection, _: Path) -> int:
    """New fields, one with a default for the rows that are there, indexes, and a new object."""
    code = {**TEXT, "default": "x", "crm": {"index": True}}
    new = element("new", object_body({"name": TEXT, "a": {**TEXT, "crm": {"unique": True}}}))
    wanted = thing({"size": TEXT, "code": code, "at": REFERENCE}, required=["code"])
    return publish(connection, [*wanted, new], by="bob")


def rename(connection: sa.Connection, _: Path) -> int:
    """A field and an object under other names."""
    crm = {"renamed_from": "size"}
    body = object_body({"name": TEXT, "length": {**TEXT, "crm": crm}}, renamed_from="thing")
    return publish(connection, [ACCOUNT, element("article", body)], by="bob")


def retire(connection: sa.Connection, _: Path) -> int:
    """A field and an object out of use."""
    return publish(connection, thing({})[1:], by="bob", confirm=["thing.size", "account"])


def convert(connection: sa.Connection, _: Path) -> int:
    """A field of another type, whose values move into a new column."""
    return publish(connection, thing({"size": {"type": "integer"}}), by="bob")


def compute(connection: sa.Connection, _: Path) -> int:
    """A formula, filled for the rows that are there."""
    crm = {"formula": "length(name)"}
    length: JsonObject = {"type": "integer", "readOnly": True, "crm": crm}
    return publish(connection, thing({"size": TEXT, "length": length}), by="bob")


def roll_back(connection: sa.Connection, _: Path) -> int:
    """The first version again."""
    return publish(connection, elements_at(connection, 1), by="bob", confirm=["thing.size"])


def install_package(connection: sa.Connection, folder: Path) -> int:
    """A new package."""
    return install(connection, package(folder, "1.0.0", OLD_PACKAGE), by="bob")


def upgrade_package(connection: sa.Connection, folder: Path) -> int:
    """The package of the first state, upgraded."""
    new = package(folder, "3.0.0", NEW_PACKAGE)
    return install(connection, new, by="bob", confirm=["contract.note", "view/contract/all"])


CHANGES = [add, rename, retire, convert, compute, roll_back, install_package, upgrade_package]


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with engine_for(database_url) as made:
        yield made


def prepare(engine: sa.Engine, change: Change, folder: Path, rows: int = 3) -> None:
    """Makes the state that a change starts from, with rows in it."""
    with engine.begin() as connection:
        create_store(connection)
        publish(connection, thing({}), by="ann")
        publish(connection, thing({"size": TEXT}), by="ann")
        if change is upgrade_package:
            install(connection, package(folder, "2.0.0", OLD_PACKAGE), by="ann")
        catalog = load_catalog(connection)
        texts = {"thing": {"name": "a", "size": "7"}, "contract": {"name": "a"}}
        for number in range(rows):
            row = {"id": f"{number:036}", "version": 1, "created_at": NOW, "updated_at": NOW}
            for name in {"thing", "contract"} & catalog.objects.keys():
                connection.execute(catalog.tables[name].insert().values({**row, **texts[name]}))


def checksum(engine: sa.Engine) -> str:
    """Gives what two databases share when definitions, tables and rows are the same."""
    with engine.connect() as connection:
        return sha256(repr(sorted(snapshot(connection).items())).encode()).hexdigest()


def cut_at(engine: sa.Engine, point: int, change: Change, folder: Path) -> bool:
    """Makes a change and really closes the connection before the statement with this number, the
    commit being the last; gives False when it ran to its end."""
    left = [point]

    def cut(connection: sa.Connection, *_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.close()

    connection = engine.connect()
    event.listen(connection, "before_cursor_execute", cut)
    event.listen(connection, "commit", cut)
    try:
        with connection.begin():
            change(connection, folder)
    except Exception:
        assert left[0] <= 0, "it failed by itself"
        return True
    finally:
        connection.invalidate()
        connection.close()
    return False


@pytest.mark.parametrize("change", CHANGES)
def test_cut_anywhere_leaves_all_before_or_all_after(
    engine: sa.Engine, change: Change, tmp_path: Path
) -> None:
    prepare(engine, change, tmp_path)
    before = checksum(engine)
    point = 1
    while cut_at(engine, point, change, tmp_path):
        assert checksum(engine) == before, f"cut at statement {point}"
        point += 1
    assert checksum(engine) != before
    assert point > 10
