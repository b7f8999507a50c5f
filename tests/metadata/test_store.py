"""Elements, versions and drafts in the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from metadata.drafts import Draft, discard_drafts, drafts, save_draft, with_drafts
from metadata.elements import Element
from metadata.migrate import publish
from metadata.store import (
    Versions,
    bump_security,
    create_store,
    elements_at,
    history,
    load_catalog,
    load_elements,
    read_versions,
)
from tests.metadata.databases import element, engine_for, object_body

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
ROLE = element("boss", {"title": "头", "grants": {}}, "role")


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        yield made


def thing(*fields: str) -> Element:
    return element("thing", object_body({name: {"type": "string"} for name in fields}))


def test_store_is_made_once(connection: sa.Connection) -> None:
    bump_security(connection)
    create_store(connection)
    assert read_versions(connection) == Versions(0, 1)
    assert load_elements(connection) == []


def test_versions_are_kept_and_any_one_can_be_published_again(connection: sa.Connection) -> None:
    states = [
        [thing("name")],
        [thing("name", "b"), ROLE],
        [thing("name", "b", "c"), replace(ROLE, body={"title": "尾", "grants": {}})],
        [thing("name", "b", "c")],
    ]
    seen: dict[int, list[Element]] = {}
    for state in states:
        version = publish(connection, state, by="ann", message=f"to {len(seen) + 1}")
        seen[version] = load_elements(connection)
    assert list(seen) == [1, 2, 3, 4]
    assert {version: elements_at(connection, version) for version in seen} == seen
    newest, *_, oldest = history(connection)
    assert (newest.version, newest.by, newest.message) == (4, "ann", "to 4")
    assert [operation["kind"] for operation in oldest.operations] == ["create_object"]
    assert read_versions(connection).catalog == 4
    back = publish(connection, elements_at(connection, 2), by="ann", confirm=["thing.c"])
    assert back == 5
    catalog = load_catalog(connection)
    assert catalog.version == 5
    assert [field.name for field in catalog.objects["thing"].own_fields] == ["name", "b"]
    assert list(catalog.roles) == ["boss"]


def test_order_of_fields_is_kept(connection: sa.Connection) -> None:
    publish(connection, [thing("name", "z", "a", "m")], by="ann")
    catalog = load_catalog(connection)
    assert [field.name for field in catalog.objects["thing"].own_fields] == ["name", "z", "a", "m"]


def test_drafts_belong_to_their_author(connection: sa.Connection) -> None:
    body = dict(thing("name", "b").body)
    save_draft(connection, "ann", "object", "thing", {}, at=NOW)
    save_draft(connection, "ann", "object", "thing", body, at=NOW)
    save_draft(connection, "ann", "role", "boss", None, at=NOW + timedelta(seconds=1))
    save_draft(connection, "bob", "object", "thing", {})
    assert drafts(connection, "ann") == [
        Draft("object", "thing", body),
        Draft("role", "boss", None),
    ]
    wanted = with_drafts([thing("name"), ROLE], drafts(connection, "ann"))
    assert wanted == [thing("name", "b")]
    discard_drafts(connection, "ann", "role", "boss")
    assert len(drafts(connection, "ann")) == 1
    discard_drafts(connection, "ann")
    assert drafts(connection, "ann") == []
    assert len(drafts(connection, "bob")) == 1
