"""Installing and upgrading packages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.drafts import Draft as StoredDraft
from metadata.drafts import with_drafts
from metadata.elements import Element
from metadata.migrate import Unconfirmed, publish
from metadata.packages.files import load_bases
from metadata.packages.install import install
from metadata.packages.read import Package, read_package
from metadata.packages.upgrade import prepare
from metadata.problems import PackageError
from metadata.store import create_store, load_catalog, load_elements
from tests.metadata.databases import JsonObject, engine_for, object_body

TEXT: JsonObject = {"type": "string"}
BASE: Mapping[str, JsonObject] = {
    "manifest.json": {"name": "base", "version": "1.0.0", "title": "Base"},
    "objects/account.json": object_body({"name": TEXT, "code": TEXT}, required=["name"]),
    "views/account/all.json": {"title": "All", "type": "list", "columns": ["name"]},
    "roles/clerk.json": {"title": "Clerk", "grants": {"account": {"read": "all"}}},
}
BRANCH: Mapping[str, JsonObject] = {
    "manifest.json": {"name": "branch", "version": "1.0.0", "title": "Branch"},
    "objects/account.extend.json": {"properties": {"branch": TEXT}, "required": ["branch"]},
}


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        yield made


def package(folder: Path, files: Mapping[str, JsonObject]) -> Package:
    """Writes a package's files and reads them."""
    for path, document in files.items():
        file = folder / str(files["manifest.json"]["version"]) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document), "utf-8")
    return read_package(folder / str(files["manifest.json"]["version"]))


@pytest.fixture
def base(tmp_path: Path) -> Package:
    return package(tmp_path / "base", BASE)


def upgraded(folder: Path, changes: Mapping[str, JsonObject | None]) -> Package:
    """Gives the next version of the package, with other files; None leaves one out."""
    files = {**BASE, **changes, "manifest.json": {**BASE["manifest.json"], "version": "2.0.0"}}
    kept = {path: document for path, document in files.items() if document is not None}
    return package(folder / "base", kept)


def edit(connection: sa.Connection, kind: str, name: str, body: JsonObject | None) -> None:
    """Publishes a change as the designer would."""
    elements = with_drafts(load_elements(connection), [StoredDraft(kind, name, body)])
    publish(connection, elements, by="ann", confirm=["account.code"])


def stored(connection: sa.Connection, kind: str, name: str) -> Element:
    return next(e for e in load_elements(connection) if e.key == (kind, name))


def fields(connection: sa.Connection) -> dict[str, str]:
    """Gives the account's own fields with the packages they belong to."""
    account = load_catalog(connection).objects["account"]
    return {field.name: field.package for field in account.own_fields}


def body_of(connection: sa.Connection, kind: str, name: str) -> dict[str, Any]:
    return json.loads(json.dumps(stored(connection, kind, name).body))  # type: ignore[no-any-return]  # JSON


def test_install_twice_is_install_once(connection: sa.Connection, base: Package) -> None:
    assert install(connection, base, by="ann") == 1
    assert install(connection, base, by="ann") == 1
    catalog = load_catalog(connection)
    assert catalog.packages == {"base": "1.0.0"}
    assert {element.package for element in load_elements(connection)} == {"base"}
    assert fields(connection) == {"name": "base", "code": "base"}


def test_packages_side_by_side(connection: sa.Connection, base: Package, tmp_path: Path) -> None:
    install(connection, base, by="ann")
    branch = package(tmp_path / "branch", BRANCH)
    install(connection, branch, by="ann")
    version = install(connection, base, by="ann")
    assert version == install(connection, branch, by="ann") == 2
    assert fields(connection) == {"name": "base", "code": "base", "branch": "branch"}
    assert body_of(connection, "object", "account")["required"] == ["name", "branch"]
    bare = {**BRANCH, "objects/account.extend.json": {"properties": {"other": TEXT}}}
    bare["manifest.json"] = {**BRANCH["manifest.json"], "version": "2.0.0"}
    install(connection, package(tmp_path / "branch", bare), by="a", confirm=["account.branch"])
    assert fields(connection) == {"name": "base", "code": "base", "other": "branch"}
    assert body_of(connection, "object", "account")["required"] == ["name"]


def test_what_is_local_survives_an_upgrade(
    connection: sa.Connection, base: Package, tmp_path: Path
) -> None:
    install(connection, base, by="ann")
    account = body_of(connection, "object", "account")
    account["properties"]["note"] = TEXT
    account["properties"]["code"]["title"] = "Our code"
    edit(connection, "object", "account", account)
    edit(connection, "view", "account/mine", dict(BASE["views/account/all.json"]))
    edit(connection, "view", "account/all", {**BASE["views/account/all.json"], "title": "Ours"})
    assert fields(connection) == {"name": "base", "code": "base", "note": "local"}
    properties = {"name": {**TEXT, "title": "Name 2"}, "code": {**TEXT, "title": "Code 2"}}
    new = upgraded(
        tmp_path,
        {
            "objects/account.json": object_body({**properties, "more": TEXT}, required=["name"]),
            "views/account/all.json": {**BASE["views/account/all.json"], "title": "All 2"},
            "roles/clerk.json": {**BASE["roles/clerk.json"], "title": "Clerk 2"},
        },
    )
    elements = load_elements(connection)
    found = prepare(new, elements, load_bases(connection, elements)["base"])
    assert [conflict.place for conflict in found.conflicts] == [
        "objects/account.json:/properties/code/title",
        "views/account/all.json:/title",
    ]
    install(connection, new, by="ann")
    assert fields(connection) == {"name": "base", "code": "base", "more": "base", "note": "local"}
    catalog = load_catalog(connection)
    titles = {field.name: field.label() for field in catalog.objects["account"].own_fields}
    assert titles == {"name": "Name 2", "code": "Our code", "more": "More", "note": "Note"}
    assert stored(connection, "view", "account/all").body["title"] == "Ours"
    assert stored(connection, "view", "account/mine").package == "local"
    assert stored(connection, "role", "clerk").body["title"] == "Clerk 2"


def test_what_an_upgrade_leaves_out_is_retired_or_removed(
    connection: sa.Connection, base: Package, tmp_path: Path
) -> None:
    install(connection, base, by="ann")
    new = upgraded(
        tmp_path,
        {
            "objects/account.json": object_body({"name": TEXT}, required=["name"]),
            "roles/clerk.json": None,
        },
    )
    with pytest.raises(Unconfirmed) as unconfirmed:
        install(connection, new, by="ann")
    assert unconfirmed.value.names == ("account.code",)
    install(connection, new, by="ann", confirm=unconfirmed.value.names)
    catalog = load_catalog(connection)
    assert list(catalog.objects["account"].retired_fields) == ["code"]
    assert not catalog.roles
    assert install(connection, new, by="ann") == catalog.version


def test_what_an_admin_retired_stays_retired(connection: sa.Connection, base: Package) -> None:
    install(connection, base, by="ann")
    account = body_of(connection, "object", "account")
    del account["properties"]["code"]
    edit(connection, "object", "account", account)
    version = load_catalog(connection).version
    assert install(connection, base, by="ann") == version
    assert list(load_catalog(connection).objects["account"].retired_fields) == ["code"]


def test_broken_package_is_refused_with_its_files(
    connection: sa.Connection, base: Package, tmp_path: Path
) -> None:
    view = {**BASE["views/account/all.json"], "columns": ["nmae"]}
    broken = package(tmp_path / "broken", {**BASE, "views/account/all.json": view})
    with pytest.raises(PackageError) as caught:
        install(connection, broken, by="ann")
    assert [problem.path for problem in caught.value.problems] == [
        "views/account/all.json:/columns/0"
    ]
    assert load_elements(connection) == []
    other = replace(base, manifest=replace(base.manifest, requires={"nothing": ">=1"}))
    with pytest.raises(PackageError):
        install(connection, other, by="ann")
