"""Imports and exports as clients ask for them: sent twice with a key, in pieces, with mistakes."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.platform.importing import csv_bytes, table
from tests.platform.test_api import Client, call, created
from tests.platform.world import Bearer
from trellis.jobs.running import WAITING, job_table
from trellis.jobs.running_loop import drain_jobs
from trellis.runtime import Platform

__all__ = ["call"]

KEY = {"Idempotency-Key": "order-1"}
LEADS = csv_bytes([["name", "lead_source"], ["Ada", "web"], ["Bob", "web"]])


@pytest.fixture
def uploaded(app: Flask, bearer: Bearer) -> str:
    """Gives the address of an import of two leads that is not run yet."""
    form = {"file": (io.BytesIO(LEADS), "leads.csv")}
    headers = bearer("diana")
    answer = app.test_client().post("/api/v1/lead/import", data=form, headers=headers)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return f"lead/import/{answer.get_json()['id']}"


def names(call: Client) -> list[str]:
    return [one["name"] for one in call("diana", "GET", "lead?sort=name").get_json()["items"]]


def jobs(platform: Platform) -> int:
    with platform.database.read() as connection:
        count = sa.select(sa.func.count()).select_from(job_table)
        return int(connection.execute(count).scalar_one())


def sent_twice(call: Client, address: str, body: object = None) -> dict[str, Any]:
    """Gives what a request with a key is answered, which is the same when it is sent again."""
    first, again = (call("diana", "POST", address, body, KEY) for _ in range(2))
    assert first.status_code in {200, 201}, first.get_data(as_text=True)
    assert (again.status_code, again.get_data()) == (first.status_code, first.get_data())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers.get("Location") == first.headers.get("Location")
    told: dict[str, Any] = first.get_json()
    assert told["job"]["state"] == WAITING
    return told


def test_idem_1_an_import_is_run_and_taken_back_once(
    call: Client, platform: Platform, uploaded: str
) -> None:
    started = sent_twice(call, f"{uploaded}/run", {})
    assert (names(call), jobs(platform)) == ([], 1)
    drain_jobs(platform)
    done = call("diana", "GET", uploaded).get_json()
    assert (done["job"]["id"], done["job"]["state"]) == (started["job"]["id"], "done")
    assert (done["counts"], names(call)) == ({"create": 2}, ["Ada", "Bob"])
    sent_twice(call, f"{uploaded}/undo")
    assert jobs(platform) == 2
    drain_jobs(platform)
    assert call("diana", "GET", uploaded).get_json()["counts"] == {"undone": 2}
    assert names(call) == []


def test_idem_1_an_export_is_made_once(call: Client, platform: Platform) -> None:
    created(call, "diana", "lead", name="Ada", lead_source="web")
    body = {"mode": "exact", "fields": ["name"]}
    told = sent_twice(call, "lead/export", body)
    assert jobs(platform) == 1
    drain_jobs(platform)
    made = call("diana", "GET", f"lead/export/{told['id']}").get_json()
    assert (made["job"]["state"], made["rows"]) == ("done", 1)
    with call("diana", "GET", made["url"].removeprefix("/api/v1/")) as file:
        assert table(file.get_data()) == [["name"], ["Ada"]]


def test_the_worker_is_woken_when_the_job_of_a_request_with_a_key_is_there(
    call: Client, platform: Platform
) -> None:
    seen: list[int] = []
    platform.database.listen("outbox", lambda: seen.append(jobs(platform)))
    sent_twice(call, "lead/export", {})
    assert seen == [1]
