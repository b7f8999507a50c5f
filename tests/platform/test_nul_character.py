"""U+0000, which PostgreSQL cannot hold, is refused at every door before a database is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.platform.acting import database_hash, make
from tests.platform.test_api import LEAD, Client, call
from tests.platform.test_routes import own_rules
from tests.platform.world import Bearer, Login
from trellis.runtime import Platform

__all__ = ["call"]

PART = re.compile(r"<(?:(string|path|int):)?(\w+)>")
NUL = "%00"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


def broken_addresses(app: Flask, record: str) -> Iterator[tuple[str, str, str]]:
    """Gives rule, method and address of each route of ours, with U+0000 for each part in turn."""
    for rule, _ in own_rules(app):
        parts = [name for kind, name in PART.findall(rule.rule) if kind != "int"]
        for broken in parts:

            def fill(found: re.Match[str], broken: str = broken) -> str:
                known = {"object_name": "contact", "record_id": record}
                return NUL if found[2] == broken else known.get(found[2], "1")

            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.rule, method, PART.sub(fill, rule.rule)


def test_sec_22_no_part_of_an_address_breaks_anything(
    app: Flask, bearer: Bearer, login: Login, platform: Platform
) -> None:
    record = make(platform, "diana", "contact", name="Wang")
    api, pages, headers = app.test_client(), login("admin"), bearer("admin")
    pages.get("/")
    told: dict[tuple[str, str], int] = {}
    before = database_hash(platform)
    for rule, method, address in broken_addresses(app, record):
        if rule.startswith("/api/"):
            answer = api.open(address, method=method, headers=headers)
        else:
            answer = pages.open(address, method=method)
        told[method, address] = answer.status_code
    ours = {key: status for key, status in told.items() if key[1].startswith("/api/v1/")}
    assert len(ours) > 100
    assert {key: status for key, status in ours.items() if status != 404} == {}
    assert {key: status for key, status in told.items() if status >= 500} == {}
    assert database_hash(platform) == before


def test_sec_22_no_parameter_breaks_anything(
    app: Flask, bearer: Bearer, platform: Platform
) -> None:
    record, headers = make(platform, "diana", "contact", name="Wang"), bearer("admin")
    client = app.test_client()
    document = client.get("/api/v1/openapi.json", headers=headers).get_json()
    tried = 0
    for path, item in document["paths"].items():
        operations = [(method, one) for method, one in item.items() if method in ("get", "post")]
        for method, operation in operations:
            for parameter in parameters(document, [*item.get("parameters", []), operation]):
                address = re.sub(r"\{record_id\}", record, path)
                address = re.sub(r"\{\w+\}", "1", address)
                answer = client.open(f"{address}?{parameter}={NUL}", method=method, headers=headers)
                told = [(one["path"], one["code"]) for one in answer.get_json()["errors"]]
                assert (answer.status_code, told) == (422, [(parameter, "nul_character")]), address
                tried += 1
    assert tried > 100


def parameters(document: dict[str, Any], found: list[Any]) -> Iterator[str]:
    """Gives the names of the parameters in the query that are told of."""
    for one in found:
        yield from parameters(document, one.get("parameters", []))
        if "$ref" in one:
            one = document["components"]["parameters"][one["$ref"].rpartition("/")[2]]
        if one.get("in") == "query":
            yield one["name"]


def test_sec_22_a_hook_without_a_source_is_not_signed(app: Flask, platform: Platform) -> None:
    assert app.test_client().post(f"/hooks/{NUL}", json={}).status_code == 401


@pytest.mark.parametrize(
    ("address", "body", "path"),
    [
        ("security/api_keys", {"name": "a\0", "scopes": ["lead:read"]}, "/name"),
        ("contact/{id}/actions/share", {"to": "mark", "why": "\0"}, "/why"),
        ("contact/{id}/actions/share", {"to": "\0"}, "/to"),
        ("contact/{id}/actions/unshare", {"to": "\0"}, "/to"),
        ("contact/{id}/actions/assign", {"to": "\0"}, "/to"),
        ("contact/{id}/actions/merge", {"records": ["\0"]}, "/records/0"),
        ("contact/{id}/actions/merge", {"records": ["x"], "why": "a\0b"}, "/why"),
        ("contact/{id}/actions/unmerge", {"merge": "\0"}, "/merge"),
        ("contact/import/1/run", {"save_as": "\0"}, "/save_as"),
        ("contact/export", {"ids": ["x", "\0"]}, "/ids/1"),
        ("contact", {"name": "a\0b"}, "/name"),
        ("contact", {"a\0b": "x"}, "/a\0b"),
    ],
)
def test_sec_22_no_text_of_a_body_breaks_anything(
    call: Client, platform: Platform, address: str, body: object, path: str
) -> None:
    record = make(platform, "diana", "contact", name="Wang")
    call("diana", "GET", "contact")
    before = database_hash(platform)
    answer = call("diana", "POST", address.format(id=record), body)
    told = [(one["path"], one["code"]) for one in answer.get_json()["errors"]]
    assert (answer.status_code, told) == (422, [(path, "nul_character")])
    assert database_hash(platform) == before


def test_sec_22_nor_does_one_in_another_encoding(app: Flask, bearer: Bearer) -> None:
    answer = app.test_client().post(
        "/api/v1/lead",
        data='{"name": "a\\u0000b"}'.encode("utf-16"),
        content_type="application/json",
        headers=bearer("diana"),
    )
    told = [one["path"] for one in answer.get_json()["errors"]]
    assert (answer.status_code, told) == (422, ["/name"])


def test_a_bulk_write_answers_it_where_it_is(call: Client, platform: Platform) -> None:
    record = make(platform, "diana", "lead", **LEAD)
    ops = [
        {"op": "delete", "id": "\0"},
        {"op": "update", "id": record, "data": {"title": "\0"}},
        {"op": "update", "id": record, "data": {"title": "CEO"}},
    ]
    answer = call("diana", "POST", "lead/bulk?mode=each", ops)
    told = [
        (one["status"], [error["path"] for error in one.get("errors", ())])
        for one in answer.get_json()["results"]
    ]
    assert told == [(422, ["/0/id"]), (422, ["/1/data/title"]), (200, [])]
    refused = call("diana", "POST", "lead/bulk", ops)
    paths = [error["path"] for error in refused.get_json()["errors"]]
    assert (refused.status_code, paths) == (422, ["/0/id", "/1/data/title"])
