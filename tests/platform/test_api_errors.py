"""What the API says to what it cannot do; and that then nothing is written (SEC-05 to SEC-07)."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from flask import Flask

from tests.platform.acting import database_hash, make, outbox_rows, restrict_field
from tests.platform.test_api import LEAD, Client, call, created
from tests.platform.world import Bearer
from trellis.problem_json import problem_answer, status_problem
from trellis.runtime import Platform

__all__ = ["call"]

# What a text that cannot be stored may be answered with, depending on the database.
OTHER = {200, 400, 422}

NOWHERE = "0190d6a4-0000-7000-8000-000000000000"

# Address and what answers it: status, path and code of the first error.
READS = [
    ("leed", 404, "object", "unknown_object"),
    ("lead?filtre=x", 422, "filtre", "unknown_parameter"),
    ("lead?limit=1000", 422, "limit", "bad_limit"),
    ("lead?limit=ten", 422, "limit", "whole_number"),
    ("lead?fields=nam", 422, "fields", "unknown_field"),
    ("lead?sort=-nam", 422, "sort", "unknown_field"),
    ("lead?expand=name", 422, "expand", "unknown_value"),
    ("lead?filter=nam = 1", 422, "filter", "bad_filter"),
    ("lead?filter=" + "x" * 10_000, 422, "filter", "bad_filter"),
    ("lead?filter=" + "name = 1 or " * 1_500 + "name = 1", 422, "filter", "filter_too_long"),
    ("lead?after=nonsense", 422, "after", "bad_cursor"),
    ("lead?count=many", 422, "count", "bad_count"),
    ("contact?filter=birthday is empty", 422, "filter", "bad_filter"),
    ("contact?sort=birthday", 422, "sort", "unknown_field"),
    ("contact?fields=birthday", 422, "fields", "unknown_field"),
    (f"lead/{NOWHERE}", 404, "", "missing_record"),
    (f"lead/{NOWHERE}/history", 404, "", "missing_record"),
    (f"lead/{NOWHERE}/explain?what=score", 404, "", "missing_record"),
    (f"lead/{NOWHERE}/explain?what=colour", 422, "what", "unknown_value"),
]


@pytest.mark.parametrize(("address", "status", "path", "code"), READS)
def test_reads(call: Client, address: str, status: int, path: str, code: str) -> None:
    answer = call("rita", "GET", address)
    body = answer.get_json()
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert (body["status"], body["errors"][0]["path"], body["errors"][0]["code"]) == (
        status,
        path,
        code,
    )
    assert body["title"]
    assert body["detail"]


def test_every_title_is_in_the_language_of_the_reader(app: Flask) -> None:
    for status in (one for one in HTTPStatus if one >= HTTPStatus.BAD_REQUEST):
        problem = status_problem(status)
        with app.test_request_context(headers={"Accept-Language": "en"}):
            assert problem_answer(status, [problem]).get_json()["title"] == status.phrase
        with app.test_request_context(headers={"Accept-Language": "zh"}):
            told = problem_answer(status, [problem]).get_json()
        assert told["title"] != status.phrase
        assert status.phrase not in told["detail"]


MANY_WRONG = [
    (
        "lead?foo=1&filter=zz&sort=nam&limit=999&expand=nam,owner,colour",
        ["expand", "expand", "filter", "foo", "limit", "sort"],
    ),
    ("lead?limit=ten&filter=zz", ["filter", "limit"]),
    ("lead/aggregate?foo=1&group=zz&limit=ten", ["foo", "group", "limit"]),
    ("search?foo=1&q=a&objects=zz&limit=ten", ["foo", "limit", "objects"]),
    (f"leed/{NOWHERE}?foo=1&expand=zz", ["object"]),
]


@pytest.mark.parametrize(("address", "paths"), MANY_WRONG)
def test_all_that_is_wrong_with_parameters_is_told_at_once(
    call: Client, address: str, paths: list[str]
) -> None:
    answer = call("rita", "GET", address)
    assert answer.status_code == (404 if paths == ["object"] else 422)
    assert sorted(one["path"] for one in answer.get_json()["errors"]) == paths


# Body and what answers it as a new lead of Rita's.
BODIES = [
    (b"{", 400, "json_syntax"),
    (b'{"name": NaN}', 400, "json_syntax"),
    (b'{"name": "A", "name": "B"}', 400, "duplicate_key"),
    (b"[" * 5_000, 400, "json_depth"),
    (b"1" * 5_000, 400, "json_syntax"),
    (b'{"name": "\xff"}', 400, "json_encoding"),
    (b"[]", 422, "object_expected"),
    (b"null", 422, "object_expected"),
    (b'{"name": "' + b"x" * 3_000_000 + b'"}', 413, "body_too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BODIES)
def test_bodies_that_cannot_be_read(
    app: Flask, bearer: Bearer, platform: Platform, body: bytes, status: int, code: str
) -> None:
    headers = bearer("rita")
    before = database_hash(platform)
    answer = app.test_client().post(
        "/api/v1/lead", data=body, headers=headers, content_type="application/json"
    )
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (status, code)
    assert database_hash(platform) == before


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_letters_that_no_database_holds(call: Client, value: str) -> None:
    account = created(call, "rita", "account", name="Acme")["id"]
    quote = created(call, "rita", "quote", name="Q", account=account, amount=8, discount="0.25")
    for method, address, body in (
        ("POST", "lead", {**LEAD, "name": value}),
        ("POST", "contact", {"name": "A", "account": value}),
        ("POST", "lead", {value: "x"}),
        ("POST", f"quote/{quote['id']}/actions/submit", {"approval": value}),
        ("POST", f"quote/{quote['id']}/actions/assign", {"to": value}),
        ("GET", f"lead?search={value}", None),
        ("GET", f"lead?filter=name = {value}", None),
        ("GET", f"lead?after={value}", None),
    ):
        address = address.encode("utf-8", "replace").decode()
        answer = call("diana", method, address, body)
        assert answer.status_code in ({422} if body and "\0" in value else OTHER), (method, address)
    submitted = call("rita", "POST", f"quote/{quote['id']}/actions/submit")
    assert submitted.status_code == 200
    comment = {"comment": value}
    rejected = call("mark", "POST", f"quote/{quote['id']}/actions/reject", comment)
    assert rejected.status_code in OTHER


def test_all_errors_at_once_in_the_callers_language(call: Client) -> None:
    body = {"email": "no", "statu": "new", "lead_source": "web"}
    english = call("rita", "POST", "lead", body, {"Accept-Language": "en"}).get_json()
    chinese = call("rita", "POST", "lead", body, {"Accept-Language": "zh-CN"}).get_json()
    paths = ["/email", "/name", "/statu"]
    assert sorted(error["path"] for error in english["errors"]) == paths
    assert sorted(error["path"] for error in chinese["errors"]) == paths
    near = next(error for error in english["errors"] if error["path"] == "/statu")
    assert "did you mean status?" in near["message"]
    assert all(
        one["message"] != other["message"]
        for one, other in zip(english["errors"], chinese["errors"], strict=True)
    )


def test_a_broken_filter_is_shown_where_it_breaks(call: Client) -> None:
    (error,) = call("rita", "GET", "lead?filter=employees > 5 and stattus = 1").get_json()["errors"]
    assert (error["line"], error["column"]) == (1, 19)
    assert "status" in error["message"]


# SEC-05: each write route, by everybody who may not do it, with the answer.
WRITES = [
    ("fay", "POST", "lead", 404),
    ("fay", "POST", "account", 403),
    ("ron", "PATCH", "lead/{lead}", 404),
    ("fay", "PATCH", "lead/{lead}", 404),
    ("ron", "PATCH", "account/{account}", 403),
    ("fay", "PATCH", "account/{account}", 403),
    ("ron", "DELETE", "lead/{lead}", 404),
    ("rita", "DELETE", "lead/{lead}", 403),
    ("fay", "DELETE", "account/{account}", 403),
    ("ron", "POST", "lead/{lead}/restore", 404),
    ("diana", "POST", "lead/{lead}/restore", 404),
    ("ron", "POST", "quote/{quote}/actions/submit", 404),
    ("fay", "POST", "quote/{quote}/actions/submit", 403),
    ("rita", "POST", "quote/{quote}/actions/approve", 409),
    ("ron", "POST", "quote/{quote}/actions/approve", 404),
    ("ron", "POST", "quote/{quote}/actions/reject", 404),
    ("ron", "POST", "quote/{quote}/actions/recall", 404),
    ("rita", "POST", "quote/{quote}/actions/steal", 404),
    ("rita", "PUT", "meta/objects/lead", 403),
    ("rita", "DELETE", "meta/objects/lead", 403),
    ("rita", "DELETE", "meta/draft", 403),
    ("rita", "POST", "meta/plan", 403),
    ("rita", "POST", "meta/rollback", 403),
    ("rita", "POST", "meta/publish", 403),
    ("rita", "POST", "meta/draft/keep", 403),
    ("rita", "POST", "meta/draft/undo", 403),
    ("rita", "POST", "meta/draft/redo", 403),
    ("rita", "POST", "packages/plan", 403),
    ("rita", "POST", "packages/install", 403),
    ("rita", "DELETE", "packages/crm", 403),
    ("rita", "POST", "files", 422),
]


def test_sec_05_who_may_not_write_writes_nothing(call: Client, platform: Platform) -> None:
    account = make(platform, "diana", "account", name="Acme")
    ids = {
        "account": account,
        "lead": make(platform, "rita", "lead", **LEAD),
        "quote": make(platform, "rita", "quote", name="Q", account=account, discount="0.25"),
    }
    for username in ("rita", "ron", "fay", "diana"):
        call(username, "GET", "user?limit=1")  # logs in, which writes
    before = database_hash(platform)
    for username, method, address, status in WRITES:
        body: dict[str, object] | None = None if method == "DELETE" else {}
        place = address.format(**ids)
        answer = call(username, method, place, body, {"If-Match": "*"})
        assert answer.status_code == status, (username, method, address, answer.get_json())
        assert database_hash(platform) == before, (username, method, address)
    assert outbox_rows(platform) == []


def test_sec_06_only_granted_fields_change(call: Client, platform: Platform) -> None:
    restrict_field(platform, "sales_rep", "account", "annual_revenue", "read")
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
    record = created(call, "rita", "account", name="Acme")
    address, tag = f"account/{record['id']}", {"If-Match": f'"{record["id"]}:1"'}
    fields = catalog.objects["account"].fields
    for name, field in fields.items():
        if name == "name" or (field.writable and name != "annual_revenue"):
            continue
        before = database_hash(platform)
        answer = call("rita", "PATCH", address, {name: record.get(name) or "x"}, tag)
        expected = 403 if name == "annual_revenue" else 422
        assert answer.status_code == expected, name
        assert database_hash(platform) == before, name
    for name in ("tenant", "approval_state", "is_admin", "o_account", "name$fold"):
        unknown = call("rita", "PATCH", address, {name: "x"}, tag)
        assert (unknown.status_code, unknown.get_json()["errors"][0]["code"]) == (
            422,
            "unknown_field",
        )
    mixed = call("rita", "PATCH", address, {"name": "B", "annual_revenue": "1"}, tag)
    assert mixed.status_code == 403
    assert call("rita", "GET", address).get_json()["name"] == "Acme"


def test_sec_07_foreign_ids_answer_like_missing_ones(call: Client, platform: Platform) -> None:
    foreign = make(platform, "ron", "lead", **LEAD)
    deleted = make(platform, "diana", "lead", **LEAD)
    assert call("diana", "DELETE", f"lead/{deleted}", headers={"If-Match": "*"}).status_code == 204
    for method, rest in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/history"),
        ("GET", "/explain"),
        ("POST", "/restore"),
        ("POST", "/actions/submit"),
        ("POST", "/actions/approve"),
        ("POST", "/actions/recall"),
    ):
        body = {"title": "X"} if method == "PATCH" else None
        answers = []
        for record_id in (foreign, deleted, NOWHERE, "x", "%00", "1'--"):
            answer = call("rita", method, f"lead/{record_id}{rest}", body, {"If-Match": "*"})
            answers.append((answer.status_code, answer.get_json()["errors"][0]["code"]))
        assert answers == [(404, "missing_record")] * 6, (method, rest)


def test_wrong_methods_and_types(call: Client, app: Flask, bearer: Bearer) -> None:
    assert call("rita", "PUT", "lead").status_code == 405
    text = app.test_client().post(
        "/api/v1/lead", data="name=x", headers=bearer("rita"), content_type="text/plain"
    )
    assert (text.status_code, text.get_json()["errors"][0]["code"]) == (415, "media_type")
