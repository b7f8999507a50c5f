"""API keys: shown once, kept to scopes on every way to data, dead at once when they should be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from tests.platform.acting import acting, make
from tests.platform.test_api import LEAD, Client, call
from tests.platform.world import Login
from trellis.runtime import Platform
from trellis.security.tables import ab_api_key
from trellis.security.users import find_user, set_active

__all__ = ["call"]

KEYS = "security/api_keys"

Keyed = Callable[..., TestResponse]


@pytest.fixture
def keyed(app: Flask) -> Keyed:
    """Gives a way to call the API with a key: method, address, body, headers."""

    def run(
        key: str,
        method: str,
        address: str,
        body: object = None,
        more: Mapping[str, str] | None = None,
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {key}", **(more or {})}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        return app.test_client().open(f"/api/v1/{address}", method=method, headers=headers, **sent)

    return run


def new_key(call: Client, username: str, **values: object) -> dict[str, Any]:
    answer = call(username, "POST", KEYS, {"name": "Robot", **values})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made: dict[str, Any] = answer.get_json()
    return made


def test_the_life_of_a_key(call: Client, keyed: Keyed, platform: Platform) -> None:
    made = new_key(call, "rita")
    text = made.pop("key")
    assert (made["scopes"], made["revoked_at"], made["last_used_at"]) == (None, None, None)
    assert text.startswith(made["prefix"])
    assert len(text) > 40
    assert keyed(text, "POST", "lead", LEAD).status_code == 201
    (shown,) = call("rita", "GET", KEYS).get_json()["items"]
    assert shown == {**made, "last_used_at": shown["last_used_at"]}
    assert shown["last_used_at"] is not None
    assert call("rita", "GET", f"{KEYS}/{made['id']}").get_json() == shown
    with platform.database.read() as connection:
        row = connection.execute(sa.select(ab_api_key)).one()
    assert text not in repr(tuple(row))
    assert call("rita", "DELETE", f"{KEYS}/{made['id']}").status_code == 204
    assert keyed(text, "GET", "lead").status_code == 401
    assert call("rita", "GET", f"{KEYS}/{made['id']}").get_json()["revoked_at"] is not None


def test_keys_of_others_do_not_exist(call: Client) -> None:
    made = new_key(call, "rita")
    for username in ("ron", "admin"):
        assert call(username, "GET", KEYS).get_json()["items"] == []
        for method in ("GET", "DELETE"):
            assert call(username, method, f"{KEYS}/{made['id']}").status_code == 404


# Scopes, then what is asked and how it is answered: a key never does more than its scopes say.
SCOPED = [
    (["lead:read"], "GET", "lead/{lead}", 200),
    (["lead:read"], "GET", "lead?filter=account.name is empty", 422),
    (["lead:read"], "GET", "account/{account}", 404),
    (["lead:read"], "POST", "lead", 403),
    (["lead:read"], "PATCH", "lead/{lead}", 403),
    (["lead:read"], "PUT", "lead/by/email/x", 422),
    (["lead:read"], "DELETE", "lead/{lead}", 403),
    (["lead:read"], "POST", "lead/{lead}/actions/assign", 403),
    (["lead:read"], "POST", "quote/{quote}/actions/approve", 403),
    (["lead:read"], "POST", "quote/{quote}/actions/submit", 403),
    (["lead:read"], "GET", "meta/objects", 403),
    (["lead:read"], "POST", KEYS, 403),
    (["lead:create"], "POST", "lead", 201),
    (["lead:create"], "GET", "lead/{lead}", 404),
    (["*:read"], "GET", "account/{account}", 200),
    (["*:read"], "PATCH", "account/{account}", 403),
    (["lead:*"], "PATCH", "lead/{lead}", 200),
    (["lead:*"], "GET", "meta/objects", 403),
    (["*:administer"], "GET", "meta/objects", 200),
    (["*:administer"], "GET", "lead/{lead}", 404),
    (["*:*"], "GET", "meta/objects", 200),
    (["*:*"], "DELETE", "lead/{lead}", 204),
]


def test_a_key_is_kept_to_its_scopes(call: Client, keyed: Keyed, platform: Platform) -> None:
    account = make(platform, "admin", "account", name="Acme")
    ids = {
        "account": account,
        "lead": make(platform, "admin", "lead", **LEAD),
        "quote": make(platform, "admin", "quote", name="Q", account=account, discount="0.25"),
    }
    keys: dict[str, str] = {}
    for scopes, method, address, status in SCOPED:
        name = ",".join(scopes)
        keys[name] = keys.get(name) or new_key(call, "admin", scopes=scopes)["key"]
        body = None if method in {"GET", "DELETE"} else LEAD if address == "lead" else {}
        answer = keyed(keys[name], method, address.format(**ids), body, {"If-Match": "*"})
        assert answer.status_code == status, (scopes, method, address, answer.get_json())


def test_pages_take_no_keys(app: Flask, call: Client) -> None:
    key = new_key(call, "rita")["key"]
    answer = app.test_client().get("/profile", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.location) == (302, "/login?next=/profile")


# What is sent, and the path and code of each problem.
REFUSED = [
    ({}, [("/name", "required")]),
    ({"name": " "}, [("/name", "required")]),
    (
        {"name": 5, "scopes": "lead:read"},
        [("/name", "text_expected"), ("/scopes", "texts_expected")],
    ),
    ({"name": "A", "scopes": []}, [("/scopes", "scopes_empty")]),
    ({"name": "A", "scopes": ["lead"]}, [("/scopes/0", "scope_form")]),
    ({"name": "A", "scopes": ["leed:red"]}, [("/scopes/0", "unknown_value")] * 2),
    ({"name": "A", "scopes": ["lead:administer"]}, [("/scopes/0", "unknown_value")]),
    ({"name": "A", "expires_at": "soon"}, [("/expires_at", "datetime")]),
    ({"name": "A", "expires_at": "2020-01-01"}, [("/expires_at", "expiry_past")]),
    ({"name": "A", "user": "admin"}, [("/user", "unknown_key")]),
]


@pytest.mark.parametrize(("body", "problems"), REFUSED)
def test_keys_that_cannot_be_made(
    call: Client, body: dict[str, object], problems: list[tuple[str, str]]
) -> None:
    answer = call("rita", "POST", KEYS, body)
    found = [(error["path"], error["code"]) for error in answer.get_json()["errors"]]
    assert (answer.status_code, found) == (422, problems)


def test_sec_18_keys_die_with_their_time_and_their_owner(
    call: Client, keyed: Keyed, platform: Platform
) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    mortal, eternal = (new_key(call, "rita", **more) for more in ({"expires_at": later}, {}))
    assert keyed(mortal["key"], "GET", "lead").status_code == 200
    with platform.database.write() as connection:
        mine = sa.update(ab_api_key).where(ab_api_key.c.uuid == mortal["id"])
        connection.execute(mine.values(expires_on=ab_api_key.c.created_on))
    assert keyed(mortal["key"], "GET", "lead").status_code == 401
    assert keyed(eternal["key"], "GET", "lead").status_code == 200
    with acting(platform, "admin") as unit:
        user = find_user(unit.connection, unit.catalog, "rita") or ""
        set_active(unit.connection, unit.catalog, user, active=False)
    assert keyed(eternal["key"], "GET", "lead").status_code == 401
    for wrong in (eternal["key"][:-1], eternal["key"] + "x", "trl_"):
        assert keyed(wrong, "GET", "lead").status_code == 401


def test_a_key_is_made_and_revoked_by_page(login: Login, keyed: Keyed, platform: Platform) -> None:
    make(platform, "rita", "lead", **LEAD)
    client = login("rita")
    assert "You have no API keys." in client.get("/profile/keys").get_data(as_text=True)
    refused = client.post("/profile/keys", data={"name": "", "scopes": "leed:read", "life": "30"})
    assert refused.status_code == 422
    assert refused.get_data(as_text=True).count('class="error"') == 2
    form = {"name": "Web site", "scopes": "lead:read", "life": "30"}
    made = client.post("/profile/keys", data=form)
    assert (made.status_code, made.headers["Cache-Control"]) == (200, "private, no-store")
    (key,) = re.findall(r'value="(trl_[^"]+)"', made.get_data(as_text=True))
    assert keyed(key, "GET", "lead").status_code == 200
    assert keyed(key, "GET", "account").status_code == 404
    page = client.get("/profile/keys").get_data(as_text=True)
    assert "Web site" in page
    assert key not in page
    (revoke,) = re.findall(r'action="(/profile/keys/[^"]+/revoke)"', page)
    assert login("ron").post(revoke).status_code == 404
    assert client.post(revoke).status_code == 302
    page = client.get("/profile/keys").get_data(as_text=True)
    assert "Revoked" in page
    assert "/revoke" not in page
    assert keyed(key, "GET", "lead").status_code == 401
