"""`POST /api/v1/<object>/bulk`: many writes at once, all of them or each for itself."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import database_hash
from tests.platform.test_api import LEAD, Client, call, created
from trellis.api.bulk import MODES
from trellis.automation import outbox
from trellis.runtime import Platform

__all__ = ["call"]

NOWHERE = "0190d6a4-0000-7000-8000-000000000000"


def test_a_bulk_of_all_sorts(call: Client) -> None:
    one, two = (created(call, "diana", "lead", **LEAD)["id"] for _ in range(2))
    body = [
        {"op": "create", "data": {**LEAD, "budget": 12.5}},
        {"op": "update", "id": one, "data": {"title": "CEO"}, "version": 1},
        {"op": "delete", "id": two},
    ]
    answer = call("diana", "POST", "lead/bulk", body)
    results = answer.get_json()["results"]
    new = results[0]["id"]
    assert (answer.status_code, results) == (
        200,
        [{"status": 201, "id": new}, {"status": 200, "id": one}, {"status": 204, "id": two}],
    )
    budget = call("diana", "GET", f"lead/{new}").get_json()["budget"]
    assert budget == {"amount": "12.50", "currency": "CNY"}
    assert call("diana", "GET", f"lead/{one}").get_json()["title"] == "CEO"
    assert call("diana", "GET", f"lead/{two}").status_code == 404


def failing(one: str) -> list[dict[str, Any]]:
    """Gives writes of which only the first can be done, each of the others wrong in its own way."""
    return [
        {"op": "create", "data": LEAD},
        {"op": "create", "data": {**LEAD, "stage": "won"}},
        {"op": "update", "id": one, "data": {"title": "CEO"}, "version": 7},
        {"op": "update", "id": NOWHERE, "data": {}},
        {"op": "delete", "id": one},
        {"op": "merge", "id": one},
        {"op": "update", "data": {"title": "CEO"}, "if_match": 1},
    ]


# Path, code, and in mode `each` the status of the write it belongs to.
FAILURES = [
    ("/1/data/stage", "unknown_field", 422),
    ("/2", "stale", 412),
    ("/3", "missing_record", 404),
    ("/4", "not_allowed", 403),
    ("/5/op", "unknown_value", 422),
    ("/6/if_match", "unknown_key", 422),
    ("/6/id", "required", 422),
]


def test_all_or_nothing_says_all_that_is_wrong(call: Client, platform: Platform) -> None:
    one = created(call, "rita", "lead", **LEAD)["id"]
    before = database_hash(platform)
    answer = call("rita", "POST", "lead/bulk", failing(one))
    errors = answer.get_json()["errors"]
    assert answer.status_code == 422
    found = [(error["path"], error["code"]) for error in errors]
    assert found == [(path, code) for path, code, _ in FAILURES]
    assert database_hash(platform) == before


def test_each_for_itself_says_it_write_by_write(call: Client) -> None:
    one = created(call, "rita", "lead", **LEAD)["id"]
    answer = call("rita", "POST", "lead/bulk?mode=each", failing(one))
    results = answer.get_json()["results"]
    assert (answer.status_code, results[0]["status"], len(results)) == (200, 201, 7)
    found = [
        (error["path"], error["code"], result["status"])
        for result in results[1:]
        for error in result["errors"]
    ]
    assert found == FAILURES
    assert len(call("rita", "GET", "lead").get_json()["items"]) == 2


# Address, body: status, path and code of the first error.
REFUSED = [
    ("lead/bulk", {}, 422, "", "operations_expected"),
    ("lead/bulk", [{"op": "delete", "id": NOWHERE}] * 1_001, 422, "", "bulk_too_long"),
    ("lead/bulk?mode=some", [], 422, "mode", "unknown_value"),
    ("lead/bulk", ["x"], 422, "/0", "map_expected"),
    ("lead/bulk", [{"op": "create", "data": []}], 422, "/0/data", "map_expected"),
    ("lead/bulk", [{"op": "create", "id": "x", "data": {}}], 422, "/0/id", "unknown_key"),
    ("lead/bulk", [{"op": "delete", "id": NOWHERE, "version": "1"}], 422, "/0/version", None),
    ("leed/bulk", [], 404, "object", "unknown_object"),
]


@pytest.mark.parametrize(("address", "body", "status", "path", "code"), REFUSED)
def test_bulks_that_cannot_be_read(
    call: Client, address: str, body: object, status: int, path: str, code: str | None
) -> None:
    answer = call("rita", "POST", address, body)
    error = answer.get_json()["errors"][0]
    assert (answer.status_code, error["path"]) == (status, path)
    assert error["code"] == (code or "whole_number")


def test_a_bulk_call_is_refused_while_too_much_of_them_waits(
    call: Client, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CROWD", 5)
    with platform.database.write() as connection:
        outbox.yield_to_people(connection)
        for index in range(6):
            outbox.add(connection, "tell", {}, f"effect-{index}")
    body = [{"op": "create", "data": LEAD}]
    assert call("diana", "POST", "lead/bulk", body).status_code == 503
    before = database_hash(platform)
    for mode in MODES:
        refused = call("diana", "POST", f"lead/bulk?mode={mode}", body)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert refused.content_type == "application/problem+json"
        (error,) = refused.get_json()["errors"]
        assert (error["code"], error["message"]) == (
            "bulk_crowded",
            "More than 5 effects of imports and bulk calls wait; nothing was written. "
            "Try again in a moment",
        )
    assert database_hash(platform) == before
    assert call("diana", "POST", "lead", LEAD).status_code == 201, "a person goes on"
    with platform.database.write() as connection:
        connection.execute(sa.delete(outbox.outbox))
    assert call("diana", "POST", "lead/bulk", body).status_code == 200
