"""The sentences of the REST contract that no other test holds on to, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from tests.platform.acting import make
from tests.platform.test_api import LEAD, Client, call, created
from tests.platform.world import Bearer, People
from trellis.api.requests import MAX_BODY_BYTES, MAX_BULK_BYTES, MAX_KEYS
from trellis.runtime import Platform

__all__ = ["call"]

ANY = {"If-Match": "*"}
NOWHERE = "0190d6a4-0000-7000-8000-000000000000"

# What is sent by whom, and the status, path and code that come back.
SAID = [
    # Versions.
    ("rita", "PATCH", "lead/{lead}", {}, {}, 428, "", "if_match_missing"),
    ("diana", "DELETE", "lead/{lead}", None, {}, 428, "", "if_match_missing"),
    ("rita", "PATCH", "lead/{lead}", {}, {"If-Match": '"{lead}:9"'}, 412, "", "stale"),
    ("rita", "PATCH", "lead/{lead}", {}, {"If-Match": "nonsense"}, 412, "", "stale"),
    # Fields: system, computed and read-only ones are 422, those of others 403.
    ("rita", "PATCH", "lead/{lead}", {"owner": "ron"}, ANY, 422, "/owner", "read_only"),
    ("rita", "PATCH", "lead/{lead}", {"id": "x"}, ANY, 422, "/id", "read_only"),
    ("rita", "PATCH", "lead/{lead}", {"version": 7}, ANY, 422, "/version", "read_only"),
    ("rita", "PATCH", "lead/{lead}", {"created_by": "x"}, ANY, 422, "/created_by", "read_only"),
    ("rita", "PATCH", "lead/{lead}", {"score": 99}, ANY, 422, "/score", "read_only"),
    ("admin", "PATCH", "user/{rita}", {"roles": "admin"}, ANY, 422, "/roles", "read_only"),
    ("admin", "PATCH", "user/{rita}", {"account": 1}, ANY, 422, "/account", "read_only"),
    # Who may not: 403 for what is seen, 404 for what is not.
    ("rita", "DELETE", "lead/{lead}", None, ANY, 403, "", "not_allowed"),
    ("ron", "GET", "lead/{lead}", None, {}, 404, "", "missing_record"),
    ("rita", "GET", "meta/objects", None, {}, 403, "", "administer_needed"),
    ("rita", "GET", "packages", None, {}, 403, "", "administer_needed"),
    ("rita", "POST", "user", {"username": "n"}, {}, 403, "", None),
    # Parameters.
    ("rita", "GET", "lead?limit=201", None, {}, 422, "limit", "bad_limit"),
    ("rita", "POST", "lead?count=exact", LEAD, {}, 422, "count", "unknown_parameter"),
    ("rita", "GET", "lead?limit=5&limit=6", None, {}, 422, "limit", "repeated_parameter"),
    # States.
    ("diana", "DELETE", "account/{held}", None, ANY, 409, "", None),
    ("diana", "POST", "lead/{lead}/restore", {}, {}, 404, "", "missing_record"),
    ("rita", "POST", "lead/{lead}/actions/steal", {}, {}, 404, "action", "unknown_value"),
    ("rita", "POST", "lead/{lead}/actions/assign", {"to": 5}, {}, 422, "/to", "text_expected"),
    ("rita", "POST", "lead/{lead}/actions/assign", {"two": "x"}, {}, 422, "/two", "unknown_key"),
]


def test_what_is_refused_and_how(call: Client, platform: Platform, people: People) -> None:
    held = make(platform, "diana", "account", name="Held")
    make(platform, "diana", "quote", name="Q", account=held)
    ids = {"lead": make(platform, "rita", "lead", **LEAD), "held": held, "rita": people["rita"]}
    wrong = []
    for username, method, address, body, headers, status, path, code in SAID:
        sent = {name: value.replace("{lead}", ids["lead"]) for name, value in headers.items()}
        answer = call(username, method, address.format(**ids), body, sent)
        error = answer.get_json()["errors"][0]
        found = (answer.status_code, error["path"], code and error["code"])
        if found != (status, path, code) or answer.content_type != "application/problem+json":
            wrong.append((username, method, address, found, answer.get_json()["detail"]))
    assert wrong == []


def post(app: Flask, headers: Mapping[str, str], address: str, body: str, kind: str) -> Any:
    return app.test_client().post(
        f"/api/v1/{address}", data=body, headers=headers, content_type=kind
    )


JSON = "application/json"

# Address, body, media type: status and code.
BODIES = [
    ("lead", "{}", "text/plain", 415, "media_type"),
    ("lead", "name=x", "application/x-www-form-urlencoded", 415, "media_type"),
    ("lead", "{", JSON, 400, "json_syntax"),
    ("lead", '{"name": "a", "name": "b"}', JSON, 400, "duplicate_key"),
    ("lead", "[" * 62 + "]" * 62, JSON, 400, "json_depth"),
    (
        "lead",
        "{" + ",".join(f'"k{n}": 1' for n in range(MAX_KEYS + 1)) + "}",
        JSON,
        400,
        "json_keys",
    ),
    ("lead", " " * (MAX_BODY_BYTES + 1), JSON, 413, "body_too_large"),
    ("lead/bulk", " " * (MAX_BODY_BYTES + 1) + "{}", JSON, 422, "operations_expected"),
    ("lead/bulk", " " * (MAX_BULK_BYTES + 1), JSON, 413, "body_too_large"),
]


@pytest.mark.parametrize(("address", "body", "kind", "status", "code"), BODIES)
def test_bodies_and_their_limits(
    app: Flask, bearer: Bearer, address: str, body: str, kind: str, status: int, code: str
) -> None:
    answer = post(app, bearer("rita"), address, body, kind)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (status, code)


def test_numbers_are_exact(app: Flask, bearer: Bearer) -> None:
    numbers = '"budget": 1.005, "employees": 1.00000000000000000001'
    body = f'{{"name": "N", "email": "n@acme.cn", "lead_source": "web", {numbers}}}'
    refused = post(app, bearer("rita"), "lead", body, JSON)
    assert refused.status_code == 422
    assert [error["path"] for error in refused.get_json()["errors"]] == ["/employees"]


def test_a_stale_delete_shows_the_present_record(call: Client) -> None:
    record = created(call, "diana", "lead", **LEAD)
    stale = call("diana", "DELETE", f"lead/{record['id']}", None, {"If-Match": '"x:1"'})
    assert stale.status_code == 412
    assert stale.get_json()["current"] == record


def test_a_read_is_never_304(call: Client) -> None:
    answer = call("rita", "POST", "lead", LEAD)
    tag = {"If-None-Match": answer.headers["ETag"]}
    read = call("rita", "GET", f"lead/{answer.get_json()['id']}", None, tag)
    assert (read.status_code, read.headers["ETag"]) == (200, answer.headers["ETag"])
    assert read.headers["Cache-Control"] == "private, no-store"
