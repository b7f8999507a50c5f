"""Publishing among others who read and write: they wait for each other, or are told who is busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask

from metadata.locks import Busy
from tests.platform.world import Bearer
from trellis import db
from trellis.db import Database
from trellis.runtime import Platform

METADATA = sa.MetaData()
account = sa.Table(
    "balance", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Integer)
)


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(db, "BUSY_SECONDS", 0.5)
    database = Database(database_url)
    with database.write() as connection:
        METADATA.create_all(connection)
        connection.execute(account.insert(), [{"id": 1, "n": 0}, {"id": 2, "n": 0}])
    yield database
    database.dispose()


def test_who_meets_in_a_deadlock_is_done_again(database: Database) -> None:
    """Each changes two rows, in opposite orders; PostgreSQL breaks one of them off."""
    meeting = threading.Barrier(2)
    tries: list[int] = []

    def both(first: int) -> None:
        def work(connection: sa.Connection) -> None:
            tries.append(first)
            for number in (first, 3 - first):
                changed = account.update().where(account.c.id == number)
                connection.execute(changed.values(n=account.c.n + 1))
                if len(tries) <= 2 and number == first and database.dialect == "postgresql":
                    meeting.wait(10)

        database.do(work)

    with ThreadPoolExecutor(2) as two:
        for done in [two.submit(both, first) for first in (1, 2)]:
            done.result(30)
    with database.read() as connection:
        assert list(connection.execute(sa.select(account.c.n)).scalars()) == [2, 2]
    assert len(tries) == (3 if database.dialect == "postgresql" else 2)


def test_what_fails_by_itself_is_not_tried_again(database: Database) -> None:
    tries: list[int] = []

    def work(connection: sa.Connection) -> None:
        tries.append(1)
        connection.execute(account.insert().values(id=1))

    with pytest.raises(sa.exc.IntegrityError):
        database.do(work)
    assert tries == [1]


def test_publishing_waits_for_writers_and_writers_for_publishing(database: Database) -> None:
    """So that nothing is written by definitions that are out of force when it is committed."""
    order: list[str] = []
    writes, publishes = threading.Event(), threading.Event()

    def write() -> None:
        with database.write():
            writes.set()
            time.sleep(0.3)
            order.append("written")

    def publish() -> None:
        writes.wait(5)

        def work(_connection: sa.Connection) -> None:
            publishes.set()
            time.sleep(0.3)
            order.append("published")

        database.do(work, publishing=True)

    def write_later() -> None:
        publishes.wait(5)
        with database.write():
            order.append("written later")

    with ThreadPoolExecutor(3) as three:
        for done in [three.submit(work) for work in (write, publish, write_later)]:
            done.result(30)
    assert order == ["written", "published", "written later"]


def test_patience_has_an_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metadata.locks.WAIT", "300ms")
    start = time.monotonic()
    with database.write(), pytest.raises(Busy) as busy:
        database.do(lambda _connection: None, publishing=True)
    assert str(busy.value) == (
        "Others are writing records or publishing just now; nothing was changed. "
        "Try again in a moment"
    )
    assert time.monotonic() - start < 8


LEAD_FIELD = {"type": "string", "title": "Note to self"}


def test_a_table_in_use_is_named_and_nothing_changed(
    app: Flask, bearer: Bearer, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads leads for hours: a report, a dump. On SQLite readers are in nobody's way."""
    monkeypatch.setattr("metadata.locks.WAIT", "300ms")
    client, headers = app.test_client(), bearer("admin")
    lead = client.get("/api/v1/meta/objects/lead", headers=headers).get_json()
    lead["properties"]["note_to_self"] = LEAD_FIELD
    assert client.put("/api/v1/meta/objects/lead", json=lead, headers=headers).status_code == 200
    plan = client.post("/api/v1/meta/plan", headers=headers).get_json()
    body = {"token": plan["token"]}
    with platform.database.read() as reader:
        reader.execute(sa.text("SELECT count(*) FROM o_lead")).scalar_one()
        answer = client.post("/api/v1/meta/publish", json=body, headers=headers)
        if platform.database.dialect == "sqlite":
            assert answer.status_code == 200, answer.get_json()
            return
        assert answer.status_code == 503, answer.get_json()
        assert answer.headers["Retry-After"] == "5"
        assert answer.get_json()["errors"] == [
            {
                "path": "",
                "code": "table_busy",
                "message": "Somebody else is working with the records of lead; nothing was "
                "changed. Try again in a moment",
            }
        ]
        found = client.get("/api/v1/lead?fields=name&limit=1", headers=headers)
        assert found.status_code == 200
        chinese = client.post(
            "/api/v1/meta/publish", json=body, headers={**headers, "Accept-Language": "zh"}
        )
        assert chinese.get_json()["detail"] == "正有人在使用 lead 的记录；未作任何更改。请稍后重试"
    answer = client.post("/api/v1/meta/publish", json=body, headers=headers)
    assert answer.status_code == 200, answer.get_json()
