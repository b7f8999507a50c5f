"""Users over the API: passwords and roles are an administrator's matter."""

from __future__ import annotations

from typing import Any

from flask import Flask

from tests.platform.acting import change_element, database_hash
from tests.platform.test_api import Client, call
from tests.platform.world import PASSWORD, People
from trellis.runtime import Platform

__all__ = ["call"]

NEW = "another horse battery"


def log_in(app: Flask, username: str, password: str) -> int:
    body = {"username": username, "password": password, "provider": "db"}
    return app.test_client().post("/api/v1/security/login", json=body).status_code


def test_a_new_password_ends_what_the_old_one_began(
    app: Flask, call: Client, people: People
) -> None:
    assert call("rita", "GET", "lead").status_code == 200
    address = f"user/{people['rita']}/actions/set_password"
    assert call("admin", "POST", address, {"password": NEW}).get_json() == {"id": people["rita"]}
    assert call("rita", "GET", "lead").status_code == 401
    assert (log_in(app, "rita", PASSWORD), log_in(app, "rita", NEW)) == (401, 200)


def test_roles_are_given_all_at_once(call: Client, people: People) -> None:
    address = f"user/{people['fay']}/actions/set_roles"
    assert call("fay", "GET", "lead").status_code == 404
    done = call("admin", "POST", address, {"roles": ["sales_rep", "finance"]})
    roles = ["finance", "sales_rep"]
    assert done.get_json() == {"id": people["fay"], "version": 2, "roles": roles}
    assert call("fay", "GET", "lead").status_code == 200
    shown = call("admin", "GET", f"user/{people['fay']}").get_json()
    assert (shown["roles"], shown["version"]) == ("finance, sales_rep", 2)
    stale = {"If-Match": f'"{people["fay"]}:1"'}
    assert call("admin", "POST", address, {"roles": []}, stale).status_code == 412


def test_what_is_refused_changes_nothing(call: Client, people: People, platform: Platform) -> None:
    def exclude(body: dict[str, Any]) -> None:
        body["excludes"] = ["sales_rep"]

    change_element(platform, "role", "finance", exclude)
    fay, admin = (f"user/{people[name]}/actions" for name in ("fay", "admin"))
    for username in ("rita", "admin"):
        call(username, "GET", "user?limit=1")  # logs in, which writes
    before = database_hash(platform)
    for username, address, body, status, path, code in (
        ("rita", f"{fay}/set_password", {"password": NEW}, 403, "", "administer_needed"),
        ("rita", f"{fay}/set_roles", {"roles": ["admin"]}, 403, "", "administer_needed"),
        ("admin", f"{fay}/set_password", {"password": "short"}, 422, "/password", None),
        ("admin", f"{fay}/set_password", {}, 422, "/password", "required"),
        ("admin", f"{fay}/set_roles", {"roles": ["boss"]}, 422, "/roles", "unknown_role"),
        ("admin", f"{fay}/set_roles", {"roles": "admin"}, 422, "/roles", "texts_expected"),
        (
            "admin",
            f"{fay}/set_roles",
            {"roles": ["finance", "sales_rep"]},
            422,
            "/roles",
            "roles_exclude_each_other",
        ),
        ("admin", f"{admin}/set_roles", {"roles": []}, 409, "/roles", "last_administrator"),
        ("admin", "lead/x/actions/set_password", {"password": NEW}, 404, "action", None),
        ("admin", f"user/{people['fay']}x/actions/set_roles", {"roles": []}, 404, "", None),
    ):
        answer = call(username, "POST", address, body)
        error = answer.get_json()["errors"][0]
        assert (answer.status_code, error["path"]) == (status, path), (address, answer.get_json())
        assert code in (None, error["code"]), (address, body)
        assert database_hash(platform) == before, (address, body)
