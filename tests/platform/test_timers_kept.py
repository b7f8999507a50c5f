"""No timer is lost by being looked at before its time: asked for by hand, or by a wrong clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, outbox_rows, system
from tests.platform.office import Office
from tests.platform.pages import get, select
from tests.platform.test_approval_time import START, offers, started
from tests.platform.test_approval_time import told as told_in_time
from tests.platform.test_assignments import activate, owner, team
from tests.platform.test_reassign import LINES
from tests.platform.test_reassign import lead as assigned_lead
from tests.platform.test_recycling import claim, queue, waiting
from tests.platform.world import Bearer, Login, People
from trellis.actions import Performer, load_actions
from trellis.approvals import submit
from trellis.automation.clock import plan_rules
from trellis.automation.dispatcher import Dispatcher
from trellis.automation.outbox import RUNNING, WAITING, add, outbox
from trellis.channels import load_channels
from trellis.channels.in_app import notification
from trellis.db import Database
from trellis.records.absences import enter_absence
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.worker import make_dispatcher

CHECK = """
approval check "Check" on lead {
    step look "Look" {
        approvers user "mark"
        due in 10 hours
        remind at 50%
    }
}
"""
DUE = 'rule soon on lead 30 minutes after created_at { notify owner using "call" }'
Begin = Callable[[Platform, People], str]


def submitted(platform: Platform, _people: People) -> str:
    """Begins an approval; gives of what Mark is told when its time comes."""
    activate(platform, CHECK)
    with acting(platform, "rita") as unit:
        values = {"name": "L", "email": "l@a.cn", "lead_source": "web"}
        submit(unit, "lead", save_record(unit, "lead", None, values, channel="api").id, "check")
    return "approval_reminder"


def claimed(platform: Platform, people: People) -> str:
    """Has Ron take a lead that goes back to its queue."""
    queue(platform, people, recycle_days=2, warn_days=1)
    claim(platform, "ron", waiting(platform))
    return "recycle_warning"


def away_soon(platform: Platform, people: People) -> str:
    """Has Fay stand in for Mark, for whom something waits, in some days."""
    submitted(platform, people)
    with acting(platform, "mark") as unit:
        first = unit.moment.today + timedelta(days=2)
        enter_absence(unit, people["mark"], first, first, substitute="fay")
    return "approval_waiting"


TIMERS: dict[str, Begin] = {"approval_time": submitted, "recycle": claimed, "stand_in": away_soon}


def run_at(platform: Platform, at: datetime) -> None:
    """Lets workers do what is due then."""
    replace(make_dispatcher(platform), read_clock=lambda _connection: at).drain()


def told(platform: Platform, kind: str) -> int:
    count = sa.select(sa.func.count()).where(notification.c.kind == kind)
    with platform.database.read() as connection:
        return int(connection.execute(count).scalar_one())


TITLES = {
    "approval_time": "Look after an approval in its time",
    "recycle": "Give a record back to its queue",
    "stand_in": "Tell a substitute what waits",
}


def timer(platform: Platform, action: str) -> dict[str, Any]:
    (row,) = (one for one in outbox_rows(platform) if one["action"] == action)
    return dict(row)


def test_each_timer_that_keeps_its_time_is_tried_here() -> None:
    keeping = {name for name, one in load_actions().items() if getattr(one, "keeps_time", False)}
    assert keeping == set(TIMERS)


def leads(platform: Platform) -> list[str]:
    with system(platform) as unit:
        return [str(one["id"]) for one in unit.records().list("lead").items]


@pytest.mark.parametrize("action", TIMERS)
def test_a_timer_that_asks_what_time_has_brought_is_not_done_before(
    platform: Platform, people: People, login: Login, bearer: Bearer, action: str
) -> None:
    kind = TIMERS[action](platform, people)
    run_at(platform, datetime.now(UTC))
    before, row = told(platform, kind), timer(platform, action)
    client = login("admin")
    answer = client.post(
        f"/api/v1/meta/background/effects/{row['id']}/retry", headers=bearer("admin")
    )
    assert answer.status_code == 409
    assert [(one["code"], one["message"]) for one in answer.get_json()["errors"]] == [
        (
            "keeps_time",
            f'"{TITLES[action]}" is done when its time comes; before that there is nothing for it '
            "to do",
        )
    ]
    listed = client.get("/api/v1/meta/background/effects?state=waiting", headers=bearer("admin"))
    assert {
        (one["what"], one["may_retry"])
        for one in listed.get_json()["items"]
        if one["what"] == action
    } == {(action, False)}
    page = get(client, "/setup/background/effects?state=waiting")
    assert row["id"] not in [one.get("value") for one in select(page, "input[name=id]")]
    # What about which record: the lead, or who is away.
    about = ("user", people["mark"]) if action == "stand_in" else ("lead", *leads(platform))
    assert (row["object"], row["record_id"]) == about
    assert timer(platform, action) == row
    run_at(platform, datetime.now(UTC) + timedelta(days=2))
    assert told(platform, kind) == before + 1


@pytest.mark.parametrize("action", TIMERS)
def test_a_timer_that_failed_is_tried_again(
    platform: Platform, people: People, bearer: Bearer, login: Login, action: str
) -> None:
    """It came due, so nothing is lost."""
    kind = TIMERS[action](platform, people)
    run_at(platform, datetime.now(UTC))
    before, row = told(platform, kind), timer(platform, action)
    later = datetime.now(UTC) + timedelta(days=2)
    with platform.database.write() as connection:
        failed = sa.update(outbox).where(outbox.c.id == row["id"])
        connection.execute(failed.values(last_error="Error: no", available_at=later))
    address = f"/api/v1/meta/background/effects/{row['id']}/retry"
    answer = login("admin").post(address, headers=bearer("admin"))
    assert (answer.status_code, answer.get_json()) == (200, {"count": 1})
    run_at(platform, later)
    assert told(platform, kind) == before + 1


def test_what_a_rule_is_to_do_is_done_now_instead(
    platform: Platform, people: People, bearer: Bearer, login: Login
) -> None:
    """A line of an assignment and a rule on a date are asked now, and at their time no more."""
    activate(platform, LINES + DUE)
    team(platform, people, "rita", "ron")
    with system(platform) as unit:
        plan_rules(unit)
    lead = assigned_lead(platform)
    run_at(platform, datetime.now(UTC))
    assert (owner(platform, people, lead), told(platform, "call")) == ("rita", 0)
    client = login("admin")
    for action in ("due", "reassign"):
        row = next(one for one in outbox_rows(platform) if one["action"] == action)
        address = f"/api/v1/meta/background/effects/{row['id']}/retry"
        assert client.post(address, headers=bearer("admin")).status_code == 200
    for minutes in (1, 40):
        run_at(platform, datetime.now(UTC) + timedelta(minutes=minutes))
        assert (owner(platform, people, lead), told(platform, "call")) == ("ron", 1)


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    yield Office(database, now=START)
    database.dispose()


def test_a_clock_that_is_set_back_between_claim_and_run_loses_no_timer(office: Office) -> None:
    started(office, offers("due in 10 hours remind at 50%"))
    office.round()
    due = START + timedelta(hours=5)
    told_by_clock = iter([due, due, due - timedelta(hours=1)])  # asked, claimed, run
    perform = Performer(office.catalogs, load_actions(), load_channels(), office.zone)
    dispatcher = Dispatcher(office.database, perform, lambda _: next(told_by_clock))
    assert dispatcher.run_batch() == 1
    assert (office.rows(WAITING), office.rows(RUNNING)) == (1, 0)
    assert told_in_time(office) == [("boss", "approval_waiting")]
    office.now = due
    office.round()
    assert told_in_time(office)[1:] == [("boss", "approval_reminder")]


def test_a_timer_is_not_due_a_part_of_a_millisecond_too_early(office: Office) -> None:
    office.publish(offers("due in 1 hour"))
    at = START + timedelta(microseconds=1)
    with office.database.write() as connection:
        add(connection, "approval_time", {"request": "none"}, "early", at=at)
    office.now = START
    assert office.round() == 0
    office.now = START + timedelta(milliseconds=1)
    assert office.round() == 1
