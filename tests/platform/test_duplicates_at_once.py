"""The same record made twice at the same moment: a rule that blocks lets one of them pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.platform.acting import acting, change_element
from tests.platform.importing import csv_bytes, run, upload
from tests.platform.world import Bearer
from trellis.duplicates import holding
from trellis.duplicates.doors import guard_new
from trellis.records.save import save_record
from trellis.runtime import Platform

LI = {"name": "Li Wei", "email": "li.wei@example.com", "phone": "+8613800138000"}
AGAIN = {**LI, "name": "Wei Li"}
OTHER = {"name": "Zhang San", "email": "zhang@example.com"}

Call = Callable[[], object]


@pytest.fixture
def doors(platform: Platform, app: Flask, bearer: Bearer) -> dict[str, Call]:
    """What makes AGAIN by each door, and what says that it was refused."""
    publish_rule(platform, on_create="block", on_import="block")
    headers = bearer("diana")

    def created() -> object:
        return app.test_client().post("/api/v1/contact", json=AGAIN, headers=headers).status_code

    def bulk(*records: dict[str, str]) -> object:
        body = [{"op": "create", "data": one} for one in records]
        address = "/api/v1/contact/bulk?mode=each"
        answer = app.test_client().post(address, json=body, headers=headers)
        return answer.get_json()["results"][-1]["status"]

    def imported() -> object:
        content = csv_bytes([["name", "email", "phone"], list(AGAIN.values())])
        return run(platform, "diana", upload(platform, "diana", "contact", content))

    many = [{"name": f"N{n}", "email": f"n{n}@example.com"} for n in range(holding.MOST_KEYS + 1)]
    return {
        "create": created,
        "bulk": lambda: bulk(AGAIN),
        "big bulk": lambda: bulk(*many, AGAIN),
        "import": imported,
        "another": lambda: bulk(OTHER),
    }


def publish_rule(platform: Platform, **values: object) -> None:
    def change(body: dict[str, Any]) -> None:
        body["crm"]["duplicates"][0].update(values)

    change_element(platform, "object", "contact", change)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


REFUSED = {"create": 409, "bulk": 409, "big bulk": 409, "import": {"error": 1}}


@pytest.mark.parametrize("door", REFUSED)
def test_whoever_comes_second_waits_and_is_refused(
    platform: Platform, doors: dict[str, Call], pool: ThreadPoolExecutor, door: str
) -> None:
    with acting(platform, "diana") as unit:
        guard_new(unit, "contact", save_record(unit, "contact", None, LI, channel="api"))
        second: Future[object] = pool.submit(doors[door])
        assert not wait([second], timeout=1).done
    assert second.result(timeout=20) == REFUSED[door]
    assert names(platform) & {"Li Wei", "Wei Li"} == {"Li Wei"}


@pytest.mark.on("postgresql")
def test_whoever_makes_another_does_not_wait(
    platform: Platform, doors: dict[str, Call], pool: ThreadPoolExecutor
) -> None:
    """Where writers do not wait for each other anyway."""
    with acting(platform, "diana") as unit:
        guard_new(unit, "contact", save_record(unit, "contact", None, LI, channel="api"))
        assert pool.submit(doors["another"]).result(timeout=20) == 201


def test_of_many_at_once_one_passes(
    platform: Platform, doors: dict[str, Call], pool: ThreadPoolExecutor
) -> None:
    start = threading.Barrier(8)

    def create() -> object:
        start.wait()
        return doors["create"]()

    told = [one.result() for one in [pool.submit(create) for _ in range(8)]]
    assert sorted(map(str, told)) == ["201", *["409"] * 7]
    assert names(platform) == {"Wei Li"}


def names(platform: Platform) -> set[str]:
    with platform.database.read() as connection:
        contact = platform.catalogs.current(connection).tables["contact"]
        return set(connection.scalars(sa.select(contact.c.name)))


def test_a_rule_that_only_warns_costs_no_lock(platform: Platform) -> None:
    publish_rule(platform, on_create="warn", on_import="warn")
    statements: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(platform.database.engine, "before_cursor_execute", listen)
    with acting(platform, "diana") as unit:
        guard_new(unit, "contact", save_record(unit, "contact", None, LI, channel="api"))
    assert statements
    assert [one for one in statements if "pg_advisory_xact_lock(" in one] == []
