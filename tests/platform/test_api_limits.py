"""Costly questions are refused or stopped, with a reason and a way out (SEC-22)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.query import patience as patient
from tests.platform.test_api import Client, call, created
from trellis.api import heavy as heavy_reads
from trellis.api.problems import RequestError
from trellis.runtime import Platform

__all__ = ["call"]

SLOW = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    ),
    "postgresql": "SELECT pg_sleep(30)",
}
WAY_OUT = (
    "The answer took longer than {} seconds: narrow the filter, leave the count out, or sort by a "
    "field that is indexed"
)


def test_sec_22_a_slow_question_is_stopped(platform: Platform) -> None:
    with platform.database.read() as connection:
        begun = time.monotonic()
        slow = pytest.raises(patient.TooSlow, match=WAY_OUT.format("0.3"))
        with slow, patient.patience(connection, 0.3):
            connection.exec_driver_sql(SLOW[platform.database.dialect])
        assert time.monotonic() - begun < 5
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        with patient.patience(connection, 60):
            assert connection.exec_driver_sql("SELECT 2").scalar() == 2


def test_sec_22_the_api_stops_slow_lists(call: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heavy_reads, "SECONDS", -1.0)
    monkeypatch.setattr(patient, "LOOK_SECONDS", 0.0)
    created(call, "rita", "lead", name="Li Na")
    told = set()
    for _ in range(60):
        answer = call("rita", "GET", 'lead?filter=name contains "a"&count=exact&limit=200')
        told.add(answer.status_code)
        if answer.status_code == 422:
            assert answer.get_json()["detail"] == WAY_OUT.format("-1")
    assert told <= {200, 422}


@contextmanager
def busy(platform: Platform, words: str) -> Iterator[None]:
    """Has the database take five seconds more for statements that contain some words."""
    engine, seconds = platform.database.engine, 5

    def wait(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if words in statement:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute(LONG[platform.database.dialect].format(seconds))

    sa.event.listen(engine, "before_cursor_execute", wait)
    yield
    sa.event.remove(engine, "before_cursor_execute", wait)


LONG = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}0000000)"
        " SELECT max(i) FROM n"
    ),
    "postgresql": "SELECT pg_sleep({})",
}
LONG_READS = {
    "search?q=Li": "search_entry",
    "lead/{}/history": "record_history",
    "lead/{}/as_of?at=2099-01-01T00:00:00Z": "record_history",
    "lead": "o_lead",
    "lead/aggregate": "o_lead",
}


@pytest.mark.parametrize("address", LONG_READS)
def test_sec_22_each_long_read_is_stopped(
    platform: Platform, call: Client, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    record = created(call, "rita", "lead", name="Li Na")
    address = address.format(record["id"])
    assert call("rita", "GET", address).status_code == 200
    monkeypatch.setattr(heavy_reads, "SECONDS", 0.2)
    with busy(platform, LONG_READS[address.replace(record["id"], "{}")]):
        stopped = call("rita", "GET", address)
    assert (stopped.status_code, stopped.get_json()["detail"]) == (422, WAY_OUT.format("0.2"))
    assert call("rita", "GET", address).status_code == 200


def test_sec_22_few_long_reads_of_one_person_at_once(platform: Platform, call: Client) -> None:
    turns = heavy_reads.Turns()
    with turns.taken("rita"), turns.taken("rita"), turns.taken("rita"), turns.taken("rita"):
        refused = pytest.raises(RequestError)
        with turns.taken("mark"), refused as caught, turns.taken("rita"):
            pytest.fail("a fifth turn")
    assert caught.value.status == 429
    assert [problem.code for problem in caught.value.problems] == ["too_many_at_once"]
    with turns.taken("rita"):
        pass


COSTLY = [
    (
        "account?filter=" + " or ".join(["count(contacts) > 1"] * 25),
        "filter",
        "The question costs 257 points and 200 are allowed; 257 of them are for filter: ask for "
        "less there",
    ),
]


@pytest.mark.parametrize(("address", "path", "said"), COSTLY)
def test_sec_22_a_costly_question_is_refused(
    call: Client, address: str, path: str, said: str
) -> None:
    answer = call("rita", "GET", address)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert (error["path"], error["code"], error["message"]) == (path, "too_costly", said)
    aggregate = call("rita", "GET", address.replace("account?", "account/aggregate?"))
    assert aggregate.get_json()["errors"] == [error]


BOUNDS = [
    ("lead?limit=201", "bad_limit"),
    ("lead?limit=0", "bad_limit"),
    ("contact?fields=account.parent.parent.parent.name", "path_too_deep"),
    ("contact?sort=account.parent.parent.parent.name", "path_too_deep"),
    ("contact/aggregate?group=account.parent.parent.parent.name", "path_too_deep"),
    ("lead/aggregate?limit=10001", "bad_limit"),
    (f"lead?filter={'name = 1 or ' * 2000}", "filter_too_long"),
    (f"lead?search={'a' * 201}", "search_too_long"),
]


@pytest.mark.parametrize(("address", "code"), BOUNDS, ids=[row[1] for row in BOUNDS])
def test_sec_22_bounds(call: Client, address: str, code: str) -> None:
    answer = call("rita", "GET", address)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, code)
