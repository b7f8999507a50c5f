"""Somebody can always administer: nobody takes that from the last one, through whatever door."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.platform.acting import (
    acting,
    database_hash,
    join_group,
    stored,
    system,
)
from tests.platform.conditional_world import publish_more
from tests.platform.importing import csv_bytes, problems, run, upload
from tests.platform.test_api import Client, call
from tests.platform.world import Login, People, csrf_token
from trellis.departing.depart import depart
from trellis.errors import Conflict, RecordError, Refused
from trellis.records.accounts import give_roles
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.security.users import account_of, set_active, set_roles
from trellis.unit import Unit

__all__ = ["call"]

LAST = "last_administrator"
RULES = """ruleset leaving "Leaving" version 1

rule lock_who_left on user after save {
    when region = "nowhere"
    set active to false
}
"""


def lock_out(unit: Unit, user_id: str) -> None:
    save_record(unit, "user", user_id, {"active": False}, channel="api")


def delete(unit: Unit, user_id: str) -> None:
    delete_record(unit, "user", user_id, channel="api")


def take_back(unit: Unit, user_id: str) -> None:
    give_roles(unit, user_id, ["sales_rep"], None)


def lock_by_command(unit: Unit, user_id: str) -> None:
    set_active(unit.connection, unit.catalog, user_id, active=False)


def let_depart(unit: Unit, user_id: str) -> None:
    depart(unit, user_id, "user", "diana", channel="api")


TAKE: dict[str, tuple[Callable[[Unit, str], None], str]] = {
    "locked out": (lock_out, "/active"),
    "deleted": (delete, ""),
    "given other roles": (take_back, "/roles"),
    "locked by the operator": (lock_by_command, "/active"),
    "departed": (let_depart, "/active"),
}


def codes(error: RecordError) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in error.problems]


def give_administrator(platform: Platform, user_id: str) -> None:
    with platform.database.write() as connection:
        set_roles(connection, platform.catalogs.current(connection), user_id, ["admin"])


@pytest.mark.parametrize("case", TAKE)
def test_the_last_one_stays(platform: Platform, people: People, case: str) -> None:
    take, path = TAKE[case]
    before = database_hash(platform)
    with pytest.raises(Conflict) as error, system(platform) as unit:
        take(unit, people["admin"])
    assert codes(error.value) == [(path, LAST)]
    assert database_hash(platform) == before
    give_administrator(platform, people["fay"])
    with system(platform) as unit:
        take(unit, people["admin"])
        take(unit, people["rita"])  # who never administered
    with pytest.raises(Conflict), system(platform) as unit:
        take(unit, people["fay"])


@pytest.mark.parametrize("case", TAKE)
def test_of_two_at_once_one_stays(platform: Platform, people: People, case: str) -> None:
    """The second begins when the first has written, and not yet committed."""
    take, path = TAKE[case]
    give_administrator(platform, people["fay"])
    written, refused = threading.Event(), list[list[tuple[str, str]]]()

    def second() -> None:
        written.wait(20)
        try:
            with system(platform) as unit:
                take(unit, people["fay"])
        except Conflict as error:
            refused.append(codes(error))

    thread = threading.Thread(target=second)
    thread.start()
    with system(platform) as unit:
        take(unit, people["admin"])
        written.set()
        thread.join(0.5)
    thread.join()
    assert refused == [[(path, LAST)]]


def test_no_door_of_the_api_lets_her_lock_herself_out(
    call: Client, people: People, platform: Platform
) -> None:
    me = people["admin"]
    assert call("admin", "GET", "user?limit=1").status_code == 200
    before = database_hash(platform)
    newest = {"If-Match": "*"}
    for answer in (
        call("admin", "PATCH", f"user/{me}", {"active": False}, newest),
        call("admin", "DELETE", f"user/{me}", None, newest),
    ):
        assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (409, LAST)
    for op in ({"op": "update", "data": {"active": False}}, {"op": "delete"}):
        for mode in ("all", "each"):
            answer = call("admin", "POST", f"user/bulk?mode={mode}", [{**op, "id": me}])
            assert LAST in answer.text, (op, mode)
    assert database_hash(platform) == before
    assert call("admin", "GET", "user?limit=1").status_code == 200


def test_pages_say_why(login: Login, people: People, platform: Platform) -> None:
    client, page = login("admin"), f"/o/user/{people['admin']}"
    version = stored(platform, "user", people["admin"])["version"]
    for address, form in (("edit", {"version": version, "active": ""}), ("delete", {})):
        told = client.post(f"{page}/{address}", data=form, follow_redirects=True)
        assert "Nobody could administer any more" in told.text, address
    assert client.get("/o/user/").status_code == 200


def test_no_import_locks_her_out(platform: Platform, people: People) -> None:
    rows = [["id", "active"], [people["admin"], "false"], [people["rita"], "false"]]
    started = upload(platform, "admin", "user", csv_bytes(rows))
    counts = run(platform, "admin", started, policy="update", match="id")
    assert problems(platform, "admin", started) == {2: [("/active", LAST)]}, counts
    assert stored(platform, "user", people["admin"])["active"] is True
    assert stored(platform, "user", people["rita"])["active"] is False


def test_no_rule_locks_her_out(platform: Platform, people: People) -> None:
    publish_more(platform, {}, {"rules/local/leaving.rules": {"text": RULES}})
    with acting(platform, "admin") as unit:
        save_record(unit, "user", people["rita"], {"region": "nowhere"}, channel="api")
    assert stored(platform, "user", people["rita"])["active"] is False
    with pytest.raises(Refused) as error, acting(platform, "admin") as unit:
        save_record(unit, "user", people["admin"], {"region": "nowhere"}, channel="api")
    assert codes(error.value) == [("", "rule_failed")]
    assert stored(platform, "user", people["admin"])["active"] is True


def test_who_administers_by_a_group_counts(platform: Platform, people: People) -> None:
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        account = account_of(connection, catalog, people["fay"])
        join_group(connection, account, "admin")
    with acting(platform, "fay") as unit:
        lock_out(unit, people["admin"])
    with pytest.raises(Conflict), system(platform) as unit:
        lock_out(unit, people["fay"])


@pytest.mark.parametrize("way", ["edit", "delete"])
def test_a_group_is_not_taken_from_the_last_one(
    platform: Platform, people: People, login: Login, way: str
) -> None:
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        join_group(connection, account_of(connection, catalog, people["fay"]), "admin")
    client = login("fay")
    with acting(platform, "fay") as unit:
        lock_out(unit, people["admin"])
    form = {"name": "g", "label": "", "description": "", "csrf_token": csrf_token(client)}

    def send() -> str:
        answer = client.post(f"/groups/{way}/7", data=form, follow_redirects=True)
        return answer.get_data(as_text=True)

    assert "Nobody could administer any more" in send()
    with acting(platform, "fay") as unit:
        assert unit.principal.may_administer
        save_record(unit, "user", people["admin"], {"active": True}, channel="api")
    send()
    with acting(platform, "fay") as unit:
        assert not unit.principal.may_administer


def test_a_role_is_not_published_by_which_nobody_administers(
    platform: Platform, call: Client
) -> None:
    role = call("admin", "GET", "meta/roles/admin").get_json()
    assert (
        call("admin", "PUT", "meta/roles/admin", {**role, "administer": False}).status_code == 200
    )
    plan = call("admin", "POST", "meta/plan").get_json()
    refused = call("admin", "POST", "meta/publish", {"token": plan["token"]})
    assert refused.status_code == 409
    assert [(one["path"], one["code"]) for one in refused.get_json()["errors"]] == [
        ("/roles/admin", LAST)
    ]
