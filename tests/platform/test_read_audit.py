"""Reading sensitive fields leaves an event, by whichever door; plain reads leave none."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.acting import acting, change_element, make, restrict_field
from tests.platform.world import Bearer, Login, People
from trellis import audit
from trellis.audit.tables import audit_event
from trellis.db import Database
from trellis.runtime import Platform

SENSITIVE = "annual_revenue"


def events(platform: Platform, *kinds: str) -> list[dict[str, Any]]:
    query = sa.select(audit_event).where(audit_event.c.kind.in_(kinds)).order_by(audit_event.c.id)
    with platform.database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def make_sensitive(platform: Platform, name: str) -> None:
    def change(body: dict[str, Any]) -> None:
        body["properties"][name].setdefault("crm", {})["sensitivity"] = "financial"

    change_element(platform, "object", "account", change)


@pytest.fixture
def account(platform: Platform, people: People) -> str:
    """A record with a field of finance."""
    make_sensitive(platform, SENSITIVE)
    return make(platform, "rita", "account", name="Acme", **{SENSITIVE: "5000000"})


READS = {
    "get": "/api/v1/account/{id}",
    "list": "/api/v1/account",
    "chosen": f"/api/v1/account?fields=name,{SENSITIVE}",
    "through": f"/api/v1/contact?fields=name,account.{SENSITIVE}",
    "history": "/api/v1/account/{id}/history",
    "as of": "/api/v1/account/{id}/as_of?at=2100-01-01T00:00:00Z",
    "page": "/o/account/{id}",
}
PLAIN = {
    "without it": "/api/v1/account?fields=name",
    "plain object": "/api/v1/lead",
    "names": "/api/v1/contact?expand=account",
    "unknown": "/api/v1/account/none",
}


GROUPED = {
    "group": ("account", "group=tier", ["tier"]),
    "measures": ("account", f"group=name&measure=max({SENSITIVE}),sum({SENSITIVE})", [SENSITIVE]),
    "how many": ("account", f"measure=count({SENSITIVE})", [SENSITIVE]),
    "group through": ("contact", "group=account.tier", ["account.tier"]),
    "measure through": ("contact", f"measure=min(account.{SENSITIVE})", [f"account.{SENSITIVE}"]),
    "without it": ("account", "group=name&measure=count()", []),
    "both": ("account", f"group=tier&measure=avg({SENSITIVE})", ["tier", SENSITIVE]),
    "no group": ("account", "group=tier&filter=name%20is%20empty", []),
}


def ask(client: FlaskClient, address: str, key: str) -> None:
    assert client.get(address.format(id=key)).status_code in (200, 404)


@pytest.mark.parametrize("door", READS)
def test_a_read_of_sensitive_fields_is_noted(
    platform: Platform, people: People, login: Login, account: str, door: str
) -> None:
    contact = make(platform, "rita", "contact", name="Wang", account=account)
    ask(login("rita"), READS[door], account)
    (event,) = events(platform, "read")
    path = f"account.{SENSITIVE}" if door == "through" else SENSITIVE
    assert event["by"] == people["rita"]
    assert event["record_ids"] == [contact if door == "through" else account]
    assert event["values"]["fields"] == [path]
    assert event["values"]["door"].startswith("GET /")


@pytest.mark.parametrize("case", GROUPED)
def test_groups_that_show_sensitive_fields_are_noted(
    platform: Platform, people: People, login: Login, account: str, case: str
) -> None:
    make_sensitive(platform, "tier")
    make(platform, "rita", "contact", name="Wang", account=account)
    name, query, fields = GROUPED[case]
    answer = login("rita").get(f"/api/v1/{name}/aggregate?{query}")
    assert answer.status_code == 200, answer.get_json()
    told = [(one["by"], one["record_ids"], one["values"]) for one in events(platform, "read")]
    values = {"fields": fields, "door": "GET /api/v1/<object_name>/aggregate"}
    assert told == ([(people["rita"], [], values)] if fields else [])


def test_a_refused_aggregate_leaves_no_event(
    platform: Platform, login: Login, account: str
) -> None:
    restrict_field(platform, "sales_rep", "account", SENSITIVE, "masked")
    answer = login("rita").get(f"/api/v1/account/aggregate?measure=max({SENSITIVE})")
    assert (answer.status_code, events(platform, "read")) == (422, [])


@pytest.mark.parametrize("door", PLAIN)
def test_other_reads_are_not(
    platform: Platform, people: People, login: Login, account: str, door: str
) -> None:
    make(platform, "rita", "contact", name="Wang", account=account)
    ask(login("rita"), PLAIN[door], account)
    assert events(platform, "read") == []


STALE = {"If-Match": '"x"'}
REFUSED = {
    "change": ("PATCH", "/api/v1/account/{id}", {}),
    "delete": ("DELETE", "/api/v1/account/{id}", None),
    "upsert": ("PUT", "/api/v1/account/by/name/Acme", {}),
    "assign": ("POST", "/api/v1/account/{id}/actions/assign", {"to": "?"}),
}


@pytest.mark.parametrize("door", REFUSED)
def test_a_refusal_that_shows_the_present_record_is_noted(
    platform: Platform, people: People, bearer: Bearer, app: Flask, account: str, door: str
) -> None:
    method, address, body = REFUSED[door]
    if door == "upsert":
        change_element(platform, "object", "account", unique_name)
    if body:
        body = {"to": people["rita"]}
    headers = {**bearer("diana"), **STALE}
    answer = app.test_client().open(
        address.format(id=account), method=method, json=body, headers=headers
    )
    assert answer.status_code == 412, answer.get_json()
    assert answer.get_json()["current"][SENSITIVE] == {"amount": "5000000.00", "currency": "CNY"}
    (event,) = events(platform, "read")
    assert (event["by"], event["record_ids"]) == (people["diana"], [account])
    assert event["values"]["fields"] == [SENSITIVE]


def unique_name(body: dict[str, Any]) -> None:
    body["properties"]["name"].setdefault("crm", {})["unique"] = True


def test_a_refusal_that_masks_it_is_not(
    platform: Platform, bearer: Bearer, app: Flask, account: str
) -> None:
    restrict_field(platform, "sales_rep", "account", SENSITIVE, "masked")
    address, headers = f"/api/v1/account/{account}", {**bearer("rita"), **STALE}
    answer = app.test_client().patch(address, json={}, headers=headers)
    assert (answer.status_code, events(platform, "read")) == (412, [])


@pytest.mark.parametrize("seen", [{"If-Match": "*"}, STALE], ids=["done", "refused"])
def test_an_answer_that_is_given_again_is_noted_again(
    platform: Platform, bearer: Bearer, app: Flask, account: str, seen: dict[str, str]
) -> None:
    headers = {**bearer("rita"), **seen, "Idempotency-Key": "once"}
    for _ in range(2):
        answer = app.test_client().patch(f"/api/v1/account/{account}", json={}, headers=headers)
    assert answer.headers["Idempotency-Replayed"] == "true"
    first, again = events(platform, "read")
    assert (again["record_ids"], again["values"]) == (first["record_ids"], first["values"])
    assert again["values"]["fields"] == [SENSITIVE]


@pytest.mark.parametrize("door", ["api", "page"])
def test_a_record_that_stands_in_the_way_of_a_new_one_is_noted(
    platform: Platform, people: People, login: Login, door: str
) -> None:
    def block(body: dict[str, Any]) -> None:
        body["crm"]["duplicates"][0]["on_create"] = "block"
        body["properties"]["email"].setdefault("crm", {})["sensitivity"] = "health"

    change_element(platform, "object", "contact", block)
    values = {"name": "Li Wei", "email": "li.wei@acme.cn"}
    found, client = make(platform, "rita", "contact", **values), login("rita")
    if door == "api":
        answer = client.post("/api/v1/contact", json=values)
        assert answer.status_code == 409, answer.get_json()
    else:
        answer = client.post("/o/contact/new", data=values)
        assert answer.status_code == 422
    assert found in answer.get_data(as_text=True)
    (event,) = events(platform, "read")
    assert (event["record_ids"], event["values"]["fields"]) == ([found], ["email"])


def test_no_answer_leaves_without_its_event(
    platform: Platform, login: Login, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = login("rita")
    platform.database.engine.dispose()

    def refuse(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("the disk is full"))

    monkeypatch.setattr(Database, "do", refuse)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.get(f"/api/v1/account/{account}")
    assert answer.status_code >= 500
    assert b"5000000" not in answer.data


def test_the_audit_page_is_for_administrators(
    platform: Platform, people: People, login: Login, account: str
) -> None:
    with acting(platform, "rita") as unit:
        audit.note(unit, "export", object="account", record_ids=[account], values={"rows": 1})
    assert login("rita").get("/setup/audit").status_code == 403
    admin = login("admin")
    page = admin.get("/setup/audit?kind=export&person=Rita&object=account").get_data(as_text=True)
    assert "Records exported" in page
    assert f"/o/account/{account}" in page
    for other in ("kind=login", "person=Nobody", "object=lead", "until=2001-01-01"):
        page = admin.get(f"/setup/audit?{other}").get_data(as_text=True)
        assert f"/o/account/{account}" not in page
    for broken in ("since=x", "before=%00", "until=9999-12-31", "kind=<b>", "person=%25"):
        assert admin.get(f"/setup/audit?{broken}").status_code == 200


def test_logins_are_noted(platform: Platform, people: People, login: Login) -> None:
    client = login("rita")
    client.get("/logout")
    body = {"username": "rita", "password": "wrong", "provider": "db"}
    assert client.application.test_client().post("/api/v1/security/login", json=body).status_code
    found = [
        (one["kind"], one["by"]) for one in events(platform, "login", "logout", "login_failed")
    ]
    assert found == [
        ("login", people["rita"]),
        ("logout", people["rita"]),
        ("login_failed", "rita"),
    ]
