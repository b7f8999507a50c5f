"""Imports and exports as clients ask for them: sent twice with a key, in pieces, with mistakes."""

from __future__ import annotations

import http.client
import io
import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.platform.acting import acting
from tests.platform.importing import csv_bytes, table
from tests.platform.serving import SECONDS, served
from tests.platform.test_api import Client, call, created
from tests.platform.world import Bearer
from trellis.api.requests import MAX_BODY_BYTES
from trellis.jobs.running import WAITING, job_table
from trellis.jobs.running_loop import drain_jobs
from trellis.runtime import Platform
from trellis.transfer.exports import read_question, start_export

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


def test_an_export_that_the_database_cannot_make_ends_at_once(
    call: Client, platform: Platform
) -> None:
    """The API lets no such text in; what was kept by others ends like that."""
    with acting(platform, "diana") as unit:
        question = read_question(unit, "lead", {"ids": ["a\0b"]}, "en")
        run_id = start_export(unit, "lead", question)
    drain_jobs(platform)
    job = call("diana", "GET", f"lead/export/{run_id}").get_json()["job"]
    told = [one["code"] for one in job["errors"]]
    assert (job["state"], told) in (("done", []), ("failed", ["value_out_of_range"]))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"dry": "true"}, [("/dry", "boolean_expected")]),
        ({"dry": 1}, [("/dry", "boolean_expected")]),
        ({"dry": None, "layout": None},
         [("/dry", "boolean_expected"), ("/layout", "map_expected")]),
        ({"dry": True, "layout": "csv"}, [("/layout", "map_expected")]),
        ({"layout": {"header": "no", "sheet": 5}},
         [("/layout/sheet", "text_expected"), ("/layout/header", "boolean_expected")]),
        ({"dry": 0, "layout": {"charset": "utf-8"}},
         [("/dry", "boolean_expected"), ("/layout/charset", "unknown_key")]),
        ({"layout": {"format": None, "encoding": [], "delimiter": None}},
         [(f"/layout/{name}", "not_known") for name in ("format", "encoding", "delimiter")]),
        ({"policy": None, "duplicates": None, "blank": {}},
         [(f"/{name}", "not_known") for name in ("policy", "duplicates", "blank")]),
        ({"policy": "foo"}, [("/policy", "not_known")]),
        *(({"policy": policy}, [("/match", "import_match_missing")])
          for policy in ("update", "upsert", "skip")),
        ({"policy": "upsert", "match": None}, [("/match", "import_match_missing")]),
        ({"match": 5}, [("/match", "not_known")]),
        *(({"save_as": name}, [("/save_as", "text_expected")])
          for name in (None, 5, [], {"a": 1})),
        ({"columns": {"name": {"date": None, "decimal": None, "values": "x"}}},
         [("/columns/name/date", "not_known"), ("/columns/name/decimal", "not_known"),
          ("/columns/name/values", "map_expected")]),
        ({"columns": {"name": {"values": {"x": None}}}},
         [("/columns/name/values/x", "text_expected")]),
        ([], [("", "object_expected")]),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_no_run(
    call: Client, platform: Platform, uploaded: str, body: object, told: object
) -> None:
    answer = call("diana", "POST", f"{uploaded}/run", body)
    errors = [(one["path"], one["code"]) for one in answer.get_json()["errors"]]
    assert (answer.status_code, errors) == (422, told)
    assert (names(call), jobs(platform)) == ([], 0)


def test_null_is_no_run(app: Flask, bearer: Bearer, platform: Platform, uploaded: str) -> None:
    address, headers = f"/api/v1/{uploaded}/run", bearer("diana")
    kind = "application/json"
    answer = app.test_client().post(address, data="null", content_type=kind, headers=headers)
    assert (answer.status_code, jobs(platform)) == (422, 0)


@pytest.mark.parametrize("name", ["format", "mode"])
def test_an_export_of_no_kind_is_refused_in_words(call: Client, name: str) -> None:
    answer = call("diana", "POST", "lead/export", {name: None})
    (error,) = answer.get_json()["errors"]
    assert (answer.status_code, error["path"]) == (422, f"/{name}")
    assert error["message"].startswith('no "null"; there are: ')


def test_how_a_file_is_read_is_refused_where_it_was_said(app: Flask, bearer: Bearer) -> None:
    layout = json.dumps({"encoding": None, "header": "yes"})
    form = {"file": (io.BytesIO(LEADS), "leads.csv"), "options": layout}
    answer = app.test_client().post("/api/v1/lead/import", data=form, headers=bearer("diana"))
    paths = [one["path"] for one in answer.get_json()["errors"]]
    assert (answer.status_code, paths) == (422, ["/options/encoding", "/options/header"])


def in_pieces(port: int, headers: dict[str, str], address: str, body: bytes) -> tuple[int, Any]:
    """Sends a body whose length nobody knows beforehand; gives status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    pieces = (body[at : at + 50_000] for at in range(0, len(body), 50_000))
    sent = {**headers, "Content-Type": "application/json"}
    try:
        connection.request("POST", f"/api/v1/{address}", pieces, sent, encode_chunked=True)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_sec_22_a_body_in_pieces_is_a_body(
    call: Client, bearer: Bearer, platform: Platform, uploaded: str
) -> None:
    made = [created(call, "diana", "lead", name=f"L{n}", lead_source="web") for n in range(3)]
    headers = bearer("diana") | {"Transfer-Encoding": "chunked"}
    with served(platform.settings, "--no-worker") as server:

        def send(address: str, body: bytes) -> tuple[int, Any]:
            return in_pieces(server.port, headers, address, body)

        status, dry = send(f"{uploaded}/run", b'{"dry": true}')
        assert (status, dry["phase"], dry["counts"]) == (200, "check", {"create": 2})
        status, some = send("lead/export", b'{"filter": "name = \\"L1\\""}')
        assert (status, some["rows"]) == (201, 1)
        status, everything = send("lead/export", b"")
        assert (status, everything["rows"]) == (201, 3)
        status, answer = send(f"lead/{made[0]['id']}/actions/assign", b'{"too": "rita"}')
        assert (status, answer["errors"][0]["code"]) == (422, "unknown_key")
        status, _ = send("lead/export", b'{"search": "%s"}' % (b"x" * MAX_BODY_BYTES))
        assert status == 413
    assert names(call) == ["L0", "L1", "L2"]
