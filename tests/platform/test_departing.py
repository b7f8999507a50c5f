"""Somebody leaves: out at every door at once, nothing ownerless, nothing told twice."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from metadata.problems import sentence
from tests.platform.acting import acting, change_element, database_hash, make, stored, system
from tests.platform.world import PASSWORD, Bearer, Login, People
from trellis.approvals import submit
from trellis.audit.tables import audit_event
from trellis.automation.dispatcher import database_now
from trellis.automation.requests import approval_approver
from trellis.departing.depart import depart
from trellis.departing.transfer import Transfer
from trellis.errors import NotAllowed, RecordError, Refused
from trellis.jobs.running import RunningJob, Step, job_table
from trellis.jobs.running_loop import JobRunner, drain_jobs
from trellis.records.delete import delete_record, restore_record
from trellis.records.history import record_history
from trellis.records.save import save_record
from trellis.records.sharing import share_record
from trellis.runtime import Platform
from trellis.unit import Unit

LEAD = {"email": "li@acme.cn", "lead_source": "web"}


class Dying(Transfer):
    """A process that dies before it can commit, in every other step."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, unit: Unit, job: RunningJob) -> Step:
        made = super().step(unit, job)
        self.steps += 1
        if self.steps % 2:
            raise SystemExit(9)
        return made


def owners(platform: Platform, ids: list[str]) -> Counter[object]:
    return Counter(stored(platform, "lead", one)["owner"] for one in ids)


def told(platform: Platform, record_id: str) -> int:
    """Gives how often a record's history tells of a new owner."""
    with platform.database.read() as connection:
        query = sa.select(record_history.c.changes, record_history.c.why)
        rows = connection.execute(query.where(record_history.c.record_id == record_id)).all()
    return sum("system-owner" in row.changes and row.why == "Rita departed" for row in rows)


def test_everything_goes_to_a_team_in_turn_whatever_dies(
    platform: Platform, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trellis.departing.transfer.CHUNK", 4)
    leads = [make(platform, "rita", "lead", name=f"L{n}", **LEAD) for n in range(10)]
    accounts = [make(platform, "rita", "account", name=f"A{n}") for n in range(3)]
    with system(platform) as unit:
        team = save_record(unit, "team", None, {"name": "East"}, channel="system").id
        for username in ("ron", "mark", "rita"):
            save_record(unit, "user", people[username], {"team": team}, channel="system")
    own = make(platform, "ron", "lead", name="Ron's", **LEAD)
    with acting(platform, "diana") as unit:
        share_record(unit, "lead", own, "rita", level="read")
    with acting(platform, "admin") as unit:
        left = depart(unit, people["rita"], "team", "East", channel="api")
    assert (left.owned, left.shares) == ({"account": 3, "lead": 10}, 1)

    late = [0]

    def clock(connection: sa.Connection) -> datetime:
        return database_now(connection) + timedelta(minutes=2 * late[0])

    dying = Dying()
    runner = JobRunner(platform, clock, {"transfer": dying})
    for _ in range(20):
        try:
            runner.drain()
        except SystemExit:
            late[0] += 1
    assert dying.steps > 6
    with platform.database.read() as connection:
        job = connection.execute(sa.select(job_table)).mappings().one()
    assert (job["state"], job["done"], job["total"]) == ("done", 13, 13)
    assert job["result"] == {
        "done": {"account": 3, "lead": 10}, "forced": [], "approvals": 0,
    }  # fmt: skip
    assert owners(platform, leads) == {people["ron"]: 5, people["mark"]: 5}
    assert {stored(platform, "lead", one)["owner_team"] for one in leads} == {team}
    assert [told(platform, one) for one in (*leads, *accounts)] == [1] * 13
    with platform.database.read() as connection:
        kinds = connection.execute(sa.select(audit_event.c.kind)).scalars().all()
    assert Counter(kinds)["departed"] == 1


def test_open_approvals_go_to_the_successor(platform: Platform, people: People) -> None:
    account = make(platform, "rita", "account", name="Acme")
    values = {"name": "Q", "account": account, "amount": "800", "discount": "0.35"}
    quote = make(platform, "rita", "quote", **values)
    with acting(platform, "rita") as unit:
        request = submit(unit, "quote", quote)
    assert request.state.approvers == (people["mark"],)
    with acting(platform, "admin") as unit:
        depart(unit, people["mark"], "manager", channel="api")
    drain_jobs(platform)
    with platform.database.read() as connection:
        query = sa.select(approval_approver.c.user).where(approval_approver.c.open)
        assert connection.execute(query).scalars().all() == [people["diana"]]


def test_sec_18_every_door_is_shut_at_once(
    platform: Platform, app: Flask, people: People, login: Login, bearer: Bearer
) -> None:
    rita, token, admin = login("rita"), bearer("rita"), bearer("admin")
    client = app.test_client()
    assert rita.get("/profile").status_code == 200
    assert client.get("/api/v1/lead", headers=token).status_code == 200
    address = f"/api/v1/user/{people['rita']}/actions/depart"
    answer = client.post(address, headers=admin, json={"rule": "manager"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert rita.get("/profile").status_code == 302
    assert client.get("/api/v1/lead", headers=token).status_code == 401
    body = {"username": "rita", "password": PASSWORD, "provider": "db"}
    assert client.post("/api/v1/security/login", json=body).status_code == 401


@pytest.mark.parametrize(
    ("username", "rule", "to", "expected"),
    [
        ("mark", "manager", None, (NotAllowed, "", "administer_needed")),
        ("admin", "boss", None, (Refused, "/rule", "depart_rule")),
        ("admin", "user", None, (Refused, "/to", "required")),
        ("admin", "user", "nobody", (Refused, "/to", "unknown_reference")),
        ("admin", "user", "rita", (Refused, "/to", "depart_nobody")),
    ],
)
def test_sec_05_who_may_not_changes_nothing(
    platform: Platform,
    people: People,
    username: str,
    rule: str,
    to: str | None,
    expected: tuple[type[RecordError], str, str],
) -> None:
    before = database_hash(platform)
    with pytest.raises(RecordError) as caught, acting(platform, username) as unit:
        depart(unit, people["rita"], rule, to, channel="api")
    (problem,) = caught.value.problems
    assert (type(caught.value), problem.path, problem.code) == expected
    assert sentence(problem, "zh") != sentence(problem, "en")
    assert database_hash(platform) == before


@pytest.mark.parametrize(
    ("rule", "to", "expected"),
    [
        ("user", "ron", "ron"),
        ("manager", None, "mark"),
        ("queue", "Left", None),
        (None, None, "admin"),
        ("gone", "ron", "admin"),
    ],
)
def test_what_comes_back_goes_to_who_took_over(
    platform: Platform, people: People, rule: str | None, to: str | None, expected: str | None
) -> None:
    """A record is restored to the successor, or to who restores it where none is known or left;
    and so is what was deleted with it."""
    queue = make(platform, "admin", "queue", name="Left")
    account = make(platform, "rita", "account", name="Acme")
    other = make(platform, "ron", "account", name="Ron's")
    for record_id in (account, other):
        with acting(platform, "admin") as unit:
            delete_record(unit, "account", record_id, channel="api")
    with acting(platform, "admin") as unit:
        if rule is None:
            save_record(unit, "user", people["rita"], {"active": False}, channel="api")
        else:
            depart(unit, people["rita"], "user" if rule == "gone" else rule, to, channel="api")
    drain_jobs(platform)
    with acting(platform, "admin") as unit:
        restore_record(unit, "account", other, channel="api")
        if rule == "gone":
            save_record(unit, "user", people["ron"], {"active": False}, channel="api")
        restore_record(unit, "account", account, channel="api")
    found = stored(platform, "account", account)
    assert found["owner"] == (None if expected is None else people[expected])
    assert found["owner_queue"] == (queue if expected is None else None)
    assert stored(platform, "account", other)["owner"] == people["ron"]


def test_sec05_who_restores_what_goes_to_others_is_told_no_more_than_its_id(
    platform: Platform, app: Flask, people: People, bearer: Bearer
) -> None:
    def may_delete(body: dict[str, Any]) -> None:
        body["grants"]["lead"]["delete"] = "subtree"

    change_element(platform, "role", "sales_manager", may_delete)
    lead = make(platform, "rita", "lead", name="Li", **LEAD)
    with acting(platform, "admin") as unit:
        delete_record(unit, "lead", lead, channel="api")
        depart(unit, people["rita"], "user", "diana", channel="api")
    answer = app.test_client().post(f"/api/v1/lead/{lead}/restore", headers=bearer("mark"))
    assert (answer.status_code, answer.get_json()) == (200, {"id": lead, "version": 4})
    assert stored(platform, "lead", lead)["owner"] == people["diana"]
