"""`PUT /api/v1/<object>/by/<field>/<value>`: one record, whether it is there already or not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from tests.platform.acting import change_element, database_hash
from tests.platform.filing import add_folders
from tests.platform.test_api import Client, call
from tests.platform.world import Bearer
from trellis.runtime import Platform

__all__ = ["call"]


@pytest.fixture
def folders(platform: Platform) -> Platform:
    """Folders with a unique encrypted number, and a unique name."""
    add_folders(platform)
    change_element(
        platform, "object", "folder", lambda body: body["properties"]["name"].update(UNIQUE)
    )
    return platform


UNIQUE = {"crm": {"unique": True}}


def test_put_creates_and_then_changes(folders: Platform, call: Client) -> None:
    address = "folder/by/name/a%2Fb %2F%2F 协议?"
    first = call("rita", "PUT", address.rstrip("?"), {"reviewed": "yes"})
    record = first.get_json()
    assert (first.status_code, record["name"]) == (201, "a/b // 协议")
    assert first.headers["Location"] == f"/api/v1/folder/{record['id']}"
    same = {"name": "a/b // 协议", "reviewed": "no"}
    again = call("rita", "PUT", address.rstrip("?"), same)
    assert (again.status_code, again.get_json()["version"]) == (200, 2)
    assert again.headers["ETag"] == f'"{record["id"]}:2"'
    assert again.get_json()["reviewed"] == "no"


def test_put_heeds_the_version(folders: Platform, call: Client) -> None:
    address, tag = "folder/by/name/One", {"If-Match": "*"}
    early = call("rita", "PUT", address, {}, tag)
    assert (early.status_code, early.get_json()["errors"][0]["code"]) == (412, "nothing_to_match")
    old = {"If-Match": call("rita", "PUT", address, {}).headers["ETag"]}
    assert call("rita", "PUT", address, {"reviewed": "a"}, old).status_code == 200
    stale = call("rita", "PUT", address, {"reviewed": "b"}, old)
    assert (stale.status_code, stale.get_json()["current"]["version"]) == (412, 2)


def test_put_by_an_encrypted_value(folders: Platform, call: Client) -> None:
    made = call("rita", "PUT", "folder/by/id_number/X-1", {"name": "One"})
    changed = call("rita", "PUT", "folder/by/id_number/X-1", {"name": "Two"})
    assert (made.status_code, changed.status_code) == (201, 200)
    assert changed.get_json()["id_number"] == "X-1"
    assert len(call("rita", "GET", "folder").get_json()["items"]) == 1


# Who, address, body: status, path, code.
REFUSED = [
    ("rita", "folder/by/nam/One", {}, 404, "field", "unknown_value"),
    ("rita", "folder/by/hidden/One", {}, 404, "field", "unknown_value"),
    ("rita", "folder/by/reviewed/One", {}, 422, "field", "field_not_unique"),
    ("mark", "folder/by/id_number/X-1", {}, 403, "field", "field_forbidden"),
    ("rita", "folder/by/name/One", {"name": "Two"}, 422, "/name", "address_differs"),
    ("rita", "folder/by/name/One", {"name": None}, 422, "/name", "address_differs"),
    ("rita", "folder/by/name/One", {"nme": "x"}, 422, "/nme", "unknown_field"),
    ("rita", "folder/by/name/Mark's", {}, 422, "/name", "unique"),
    ("fay", "folder/by/name/One", {}, 404, "object", "unknown_object"),
]


def test_what_put_refuses_changes_nothing(folders: Platform, call: Client) -> None:
    assert call("mark", "PUT", "folder/by/name/Mark's", {}).status_code == 201
    for username in {who for who, *_ in REFUSED}:
        call(username, "GET", "user?limit=1")  # logs in, which writes
    before = database_hash(folders)
    for username, address, body, status, path, code in REFUSED:
        answer = call(username, "PUT", address, body)
        error = answer.get_json()["errors"][0]
        found = (answer.status_code, error["path"], error["code"])
        assert found == (status, path, code), (username, address, answer.get_json())
    assert database_hash(folders) == before


def test_of_many_puts_one_creates(folders: Platform, app: Flask, bearer: Bearer) -> None:
    headers = bearer("rita")

    def put(number: int) -> int:
        body = {"reviewed": str(number)}
        address = "/api/v1/folder/by/name/Race"
        return app.test_client().put(address, json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(put, range(16)))
    assert answers == [200] * 15 + [201]
    listed = app.test_client().get("/api/v1/folder", headers=headers).get_json()["items"]
    assert [item["version"] for item in listed] == [16]
