"""How many statements a request takes, over all engines of the application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask
from lxml import html

from tests.platform.acting import make
from tests.platform.world import Bearer, Login, People
from trellis.runtime import Platform

ROWS = 25
BEGINNINGS = ("BEGIN", "SELECT pg_advisory_xact_lock_shared(")


@contextmanager
def statements_of(app: Flask) -> Iterator[list[str]]:
    """Collects what the platform and Flask-AppBuilder ask meanwhile.

    What begins a transaction does not count: SQLite's BEGIN, PostgreSQL's hold on the definitions.
    """
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(BEGINNINGS):
            statements.append(statement)

    engines: list[sa.Engine] = [
        app.extensions["trellis"].database.engine,
        app.extensions["trellis_fab_engine"],
    ]
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def lead(platform: Platform, people: People) -> str:
    """One of ROWS leads of Rita's, with a task and an activity."""
    values = {"lead_source": "web", "company": "Acme", "employees": 300}
    ids = [
        make(platform, "rita", "lead", name=f"Lead {n}", email=f"l{n}@acme.cn", **values)
        for n in range(ROWS)
    ]
    make(platform, "rita", "task", subject="Call", lead=ids[0], due_on="2030-01-01")
    met = {"subject": "Met", "kind": "meeting", "happened_at": "2026-01-01T08:00:00Z"}
    make(platform, "rita", "activity", lead=ids[0], **met)
    return ids[0]


# Pages of a logged-in sales rep that were opened before → statements at most, the version row, the
# session and the badges of the frame included.
PAGES = [
    ("/", 9),
    ("/o/lead/", 5),
    ('/o/lead/?filter=employees > 200 and owner.name = "Rita"&sort=-score&search=acme', 5),
    ("/o/lead/{lead}", 20),
    ("/o/lead/{lead}/edit", 6),
    ("/o/lead/new", 3),
]


@pytest.mark.parametrize(("address", "most"), PAGES)
def test_pages(app: Flask, login: Login, lead: str, address: str, most: int) -> None:
    client, address = login("rita"), address.format(lead=lead)
    assert client.get(address).status_code == 200
    with statements_of(app) as statements:
        assert client.get(address).status_code == 200
    assert len(statements) <= most, statements


def test_the_list_really_shows_the_rows(app: Flask, login: Login, lead: str) -> None:
    page = html.fromstring(login("rita").get("/o/lead/").get_data(as_text=True))
    addresses = {link.get("href") for link in page.iter("a")}
    assert len([one for one in addresses if str(one).startswith("/o/lead/01")]) == ROWS


# Method, address, body → statements at most. A write looks at the version row in its own
# transaction too, and answers what it has written.
REQUESTS: list[tuple[str, str, dict[str, object] | None, int]] = [
    ("GET", "lead?limit=25", None, 2),
    ("GET", "lead/{lead}", None, 2),
    ("POST", "lead", {"name": "N", "lead_source": "web"}, 7),
    ("PATCH", "lead/{lead}", {"title": "CEO"}, 8),
]


@pytest.mark.parametrize(("method", "address", "body", "most"), REQUESTS)
def test_api(
    app: Flask,
    bearer: Bearer,
    lead: str,
    method: str,
    address: str,
    body: dict[str, object] | None,
    most: int,
) -> None:
    client, headers = app.test_client(), bearer("rita")
    assert client.get(f"/api/v1/lead/{lead}", headers=headers).status_code == 200
    if method == "PATCH":
        headers["If-Match"] = f'"{lead}:1"'
    with statements_of(app) as statements:
        address = f"/api/v1/{address.format(lead=lead)}"
        answer = client.open(address, method=method, json=body, headers=headers)
    assert answer.status_code in {200, 201}, answer.get_data(as_text=True)
    assert len(statements) <= most, statements


def test_an_inline_edit(app: Flask, login: Login, lead: str) -> None:
    client = login("rita")
    address = f"/o/lead/{lead}/field/title"
    form = html.fromstring(client.get(address).get_data(as_text=True))
    data = {str(one.get("name")): one.get("value") or "" for one in form.iter("input")}
    data["title"] = "CEO"
    with statements_of(app) as statements:
        answer = client.post(address, data=data, headers={"HX-Request": "true"})
    assert answer.status_code in {200, 302, 303}
    # The change with its rules, then the page of the record.
    assert len(statements) <= 29, statements


def test_a_permission_check_asks_nothing(app: Flask, platform: Platform, people: People) -> None:
    with platform.database.read() as connection:
        snapshot = platform.catalogs.snapshot(connection)
        users = snapshot.catalog.tables["user"]
        account = connection.execute(
            sa.select(users.c.account).where(users.c.id == people["rita"])
        ).scalar_one()
        platform.accounts.principal_for(connection, snapshot, account)
        with statements_of(app) as statements:
            principal = platform.accounts.principal_for(connection, snapshot, account)
            assert principal is not None
            access = principal.access("lead")
            assert access.may("read")
            assert access.edits("title")
            assert not principal.access("user").may("delete")
    assert statements == []
