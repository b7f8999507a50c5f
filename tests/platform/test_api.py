"""`/api/v1/<object>`: what clients send and get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.platform.world import Bearer, Login

Client = Callable[..., TestResponse]

LEAD = {"name": "Li Na", "email": "li@acme.cn", "lead_source": "web"}


@pytest.fixture
def call(app: Flask, bearer: Bearer) -> Client:
    """Gives a way to call the API as a user: method, address, body, headers."""
    tokens: dict[str, dict[str, str]] = {}
    client = app.test_client()

    def run(
        username: str,
        method: str,
        address: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        if username not in tokens:
            tokens[username] = bearer(username)
        more: dict[str, Any] = {} if body is None else {"json": body}
        sent = {**tokens[username], **(headers or {})}
        return client.open(f"/api/v1/{address}", method=method, headers=sent, **more)

    return run


def created(call: Client, username: str, object_name: str, **values: object) -> dict[str, Any]:
    answer = call(username, "POST", object_name, values)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made: dict[str, Any] = answer.get_json()
    return made


def test_a_record_from_birth_to_death(call: Client) -> None:
    answer = call("diana", "POST", "lead", {**LEAD, "budget": 12.5, "employees": 300})
    record = answer.get_json()
    address = f"lead/{record['id']}"
    assert answer.headers["Location"] == f"/api/v1/{address}"
    assert answer.headers["ETag"] == f'"{record["id"]}:1"'
    assert record["budget"] == {"amount": "12.50", "currency": "CNY"}
    assert record["created_at"].endswith("Z")
    changed = call(
        "diana", "PATCH", address, {"title": "CEO"}, {"If-Match": answer.headers["ETag"]}
    )
    assert (changed.status_code, changed.get_json()["version"]) == (200, 2)
    read = call("diana", "GET", address)
    assert read.get_json() == changed.get_json()
    assert read.headers["ETag"] == changed.headers["ETag"]
    gone = call("diana", "DELETE", address, headers={"If-Match": read.headers["ETag"]})
    assert (gone.status_code, gone.get_data()) == (204, b"")
    assert call("diana", "GET", address).status_code == 404
    back = call("diana", "POST", f"{address}/restore")
    assert (back.status_code, back.get_json()["title"]) == (200, "CEO")


def test_lists_are_pages(call: Client) -> None:
    for number in range(5):
        created(call, "rita", "lead", **{**LEAD, "name": f"Lead {number}", "employees": number})
    first = call("rita", "GET", "lead?fields=name&sort=-employees&limit=3&count=exact").get_json()
    assert [item["name"] for item in first["items"]] == ["Lead 4", "Lead 3", "Lead 2"]
    assert (first["count"], first["count_is"]) == (5, "exact")
    after = first["next"]
    second = call(
        "rita", "GET", f"lead?fields=name&sort=-employees&limit=3&after={after}"
    ).get_json()
    assert [item["name"] for item in second["items"]] == ["Lead 1", "Lead 0"]
    assert (second["next"], second["count"], second["count_is"]) == (None, None, None)
    found = call("rita", "GET", 'lead?filter=employees > 2 and name contains "lead"').get_json()
    assert len(found["items"]) == 2
    assert len(call("rita", "GET", "lead?search=Lead 3").get_json()["items"]) == 1
    assert call("ron", "GET", "lead").get_json()["items"] == []


def test_references_expand_to_names(call: Client) -> None:
    account = created(call, "rita", "account", name="Acme")
    contact = created(call, "rita", "contact", name="Wang", account=account["id"])
    plain = call("rita", "GET", f"contact/{contact['id']}").get_json()
    assert plain["account"] == account["id"]
    address = f"contact/{contact['id']}?expand=account,owner&fields=name"
    assert call("rita", "GET", address).get_json() == {
        "id": contact["id"],
        "version": 1,
        "name": "Wang",
        "account": {"id": account["id"], "name": "Acme"},
        "owner": {"id": contact["owner"], "name": "Rita"},
    }
    path = call("rita", "GET", "contact?fields=account.name").get_json()["items"][0]
    assert path["account.name"] == "Acme"


def test_a_stale_write_gets_the_present_record(call: Client) -> None:
    record = created(call, "rita", "lead", **LEAD)
    address, tag = f"lead/{record['id']}", {"If-Match": f'"{record["id"]}:1"'}
    assert call("mark", "PATCH", address, {"title": "CEO"}, tag).status_code == 200
    stale = call("rita", "PATCH", address, {"title": "CTO"}, tag)
    assert stale.status_code == 412
    assert stale.get_json()["current"]["title"] == "CEO"
    assert stale.get_json()["current"]["version"] == 2
    assert call("rita", "PATCH", address, {"title": "CTO"}).status_code == 428
    other = {"If-Match": '"0190d6a4-0000-7000-8000-000000000000:2"'}
    assert call("rita", "PATCH", address, {"title": "CTO"}, other).status_code == 412


def test_approval_by_actions(call: Client) -> None:
    account = created(call, "rita", "account", name="Acme")
    quote = created(
        call, "rita", "quote", name="Q", account=account["id"], amount=800, discount="0.25"
    )
    actions = f"quote/{quote['id']}/actions"
    request = call("rita", "POST", f"{actions}/submit").get_json()
    assert (request["status"], request["step"], request["label"]) == (
        "open",
        "manager",
        "Discount approval",
    )
    assert call("rita", "POST", f"{actions}/approve").status_code == 403
    assert call("ron", "POST", f"{actions}/approve").status_code == 404
    again = call("mark", "POST", f"{actions}/approve", {"revision": request["revision"]})
    assert again.get_json()["step"] == "director"
    late = call("mark", "POST", f"{actions}/approve", {"revision": request["revision"]})
    assert (late.status_code, late.get_json()["errors"][0]["code"]) == (409, "not_asked_now")
    bare = call("diana", "POST", f"{actions}/reject")
    assert (bare.status_code, bare.get_json()["detail"]) == (
        422,
        "A rejection needs a comment that says why",
    )
    done = call("diana", "POST", f"{actions}/reject", {"comment": "Too much"})
    assert done.get_json()["status"] == "returned"
    assert call("rita", "POST", f"{actions}/recall").status_code == 409
    (why,) = call("rita", "GET", f"quote/{quote['id']}/explain?what=approval").get_json()[
        "approval"
    ]
    assert [(step["name"], step["status"]) for step in why["path"]][:2] == [
        ("manager", "approved"),
        ("director", "returned"),
    ]


def test_history_and_reasons(call: Client) -> None:
    record = created(call, "rita", "lead", **LEAD, employees=1500)
    address, tag = f"lead/{record['id']}", {"If-Match": f'"{record["id"]}:1"'}
    call("rita", "PATCH", address, {"title": "CEO"}, tag)
    history = call("rita", "GET", f"{address}/history").get_json()
    assert [item["version"] for item in history["items"]] == [2, 1]
    assert history["items"][0]["changes"] == {"title": [None, "CEO"]}
    assert (history["items"][0]["channel"], history["next"]) == ("api", None)
    (score,) = call("rita", "GET", f"{address}/explain?what=score").get_json()["score"]
    assert (score["points"], score["grade"]) == ("30", "c")
    assert score["items"][0]["because"] == "Enterprise size"


def test_a_browser_needs_its_token_and_a_program_does_not(login: Login, call: Client) -> None:
    browser = login("rita")
    assert browser.post("/api/v1/lead", json=LEAD).status_code == 201
    token = browser.environ_base.pop("HTTP_X_CSRFTOKEN")
    refused = browser.post("/api/v1/lead", json=LEAD)
    assert refused.status_code in {400, 403}
    assert refused.content_type == "application/problem+json"
    assert browser.get("/api/v1/lead").status_code == 200
    browser.environ_base["HTTP_X_CSRFTOKEN"] = token


def test_nobody_unknown_comes_in(app: Flask, platform: object) -> None:
    client: FlaskClient = app.test_client()
    for method, address in (
        ("GET", "lead"),
        ("POST", "lead"),
        ("GET", "nothing"),
        ("GET", "meta/objects"),
    ):
        answer = client.open(f"/api/v1/{address}", method=method)
        assert answer.status_code == 401, address
        assert answer.content_type == "application/problem+json"


def test_owners_change_by_their_own_action(call: Client) -> None:
    record = created(call, "rita", "lead", **LEAD)
    address = f"lead/{record['id']}"
    assert call("rita", "POST", f"{address}/actions/assign", {"to": "ron"}).status_code == 403
    assert call("mark", "POST", f"{address}/actions/assign", {"to": "nobody"}).status_code == 422
    assert call("mark", "POST", f"{address}/actions/assign").status_code == 422
    done = call("mark", "POST", f"{address}/actions/assign", {"to": "ron"})
    assert (done.status_code, done.get_json()["version"]) == (200, 2)
    assert call("rita", "GET", address).status_code == 404
    assert call("ron", "GET", f"{address}?expand=owner").get_json()["owner"]["name"] == "Ron"


def test_users_are_records_that_administrators_make(call: Client) -> None:
    user = {"username": "nia", "name": "Nia", "email": "nia@example.com", "manager": "mark"}
    assert call("rita", "POST", "user", user).status_code == 403
    made = call("admin", "POST", "user", user).get_json()
    taken = call("admin", "POST", "user", {**user, "email": "other@example.com"})
    assert (taken.status_code, taken.get_json()["errors"][0]["path"]) == (422, "/username")
    off = {"If-Match": f'"{made["id"]}:1"'}
    changed = call("admin", "PATCH", f"user/{made['id']}", {"active": False}, off)
    assert changed.get_json()["active"] is False
    assert call("admin", "PATCH", f"user/{made['id']}", {"account": 1}, off).status_code in {
        412,
        422,
    }
