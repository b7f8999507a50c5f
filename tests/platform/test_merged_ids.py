"""Where the id of a merged record is used: reading is led on, all else says which record to use."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.platform.acting import acting, make, stored
from tests.platform.importing import csv_bytes, run, upload
from tests.platform.test_merge import merge
from tests.platform.world import Bearer
from trellis.runtime import Platform
from trellis.transfer.imports import problem_rows, read_import

Pair = tuple[str, str]


@pytest.fixture
def pair(platform: Platform) -> Pair:
    """Gives an account that stayed and one that was merged into it."""
    keep = make(platform, "diana", "account", name="Acme")
    gone = make(platform, "diana", "account", name="Acme Inc.")
    merge(platform, "account", keep, [gone])
    return keep, gone


def messages(answer: TestResponse, status: int) -> list[tuple[str, str]]:
    assert answer.status_code == status, answer.text
    return [(one["path"], one["message"]) for one in answer.json["errors"]]


def test_a_write_there_names_the_record_to_write_to(
    platform: Platform, app: Flask, bearer: Bearer, pair: Pair
) -> None:
    (keep, gone), client = pair, app.test_client()
    there, way = f"/api/v1/account/{gone}", f'it was merged into "{keep}", write to that one'
    before = stored(platform, "account", keep)
    for method, address, body in (
        ("PATCH", there, {"name": "X"}),
        ("DELETE", there, None),
        ("POST", f"{there}/actions/assign", {"to": "wei"}),
    ):
        headers = {**bearer("diana"), "If-Match": '"1"'}
        answer = client.open(address, method=method, json=body, headers=headers)
        assert messages(answer, 404) == [("", f"There is no such record: {way}")], address
    bulk = [{"op": "update", "id": gone, "data": {"name": "X"}}]
    answer = client.post("/api/v1/account/bulk", json=bulk, headers=bearer("diana"))
    assert messages(answer, 422) == [("/0", f"There is no such record: {way}")]
    assert stored(platform, "account", keep) == before
    chinese = {**bearer("diana"), "Accept-Language": "zh", "If-Match": '"1"'}
    told = messages(client.patch(there, json={"name": "X"}, headers=chinese), 404)
    assert told == [("", f"没有这条记录：它已并入“{keep}”，请改那一条")]


def test_a_reference_to_it_names_the_record_to_refer_to(
    platform: Platform, app: Flask, bearer: Bearer, pair: Pair
) -> None:
    (keep, gone), client = pair, app.test_client()
    said = f'There is no record "{gone}": it was merged into "{keep}"'
    body = {"name": "Li", "account": gone}
    answer = client.post("/api/v1/contact", json=body, headers=bearer("diana"))
    assert messages(answer, 422) == [("/account", said)]
    file = csv_bytes([["Name", "Account"], ["Li", gone], ["Wu", "Nobody"], ["Qu", keep]])
    started = upload(platform, "diana", "contact", file)
    columns = {"Name": "name", "Account": "account"}
    assert run(platform, "diana", started, columns=columns) == {"create": 1, "error": 2}
    assert import_problems(platform, "contact", started.id) == {
        2: [{"field": "account", "value": gone, "survivor": keep}],
        3: [{"field": "account", "value": "Nobody"}],
    }


def import_problems(platform: Platform, object_name: str, run_id: str) -> dict[int, list[Any]]:
    with acting(platform, "diana") as unit:
        rows = problem_rows(unit, read_import(unit, object_name, run_id))
        return {row["number"]: [one["values"] for one in row["problems"]] for row in rows}


def test_who_does_not_see_the_survivor_hears_nothing_of_it(
    platform: Platform, app: Flask, bearer: Bearer
) -> None:
    """The old id of a record of hers is to her as unknown as any."""
    gone = make(platform, "rita", "lead", name="Ann", email="a@acme.cn", lead_source="web")
    keep = make(platform, "diana", "lead", name="Ben", email="b@acme.cn", lead_source="web")
    merge(platform, "lead", keep, [gone])
    answers = []
    for one in (gone, "0190c0de-0000-7000-8000-000000000000"):
        headers = {**bearer("rita"), "If-Match": '"1"'}
        answer = app.test_client().patch(f"/api/v1/lead/{one}", json={"name": "X"}, headers=headers)
        answers.append(messages(answer, 404))
    assert answers[0] == answers[1] == [("", "There is no such record")]
