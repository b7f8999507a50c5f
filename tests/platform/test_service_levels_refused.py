"""Blocks of service levels that cannot be carried out: they keep neither the save nor what comes
behind them, and are found from the rule, the record and the work in the background."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from metadata.migrate import publish
from metadata.store import load_elements
from tests.metadata.databases import element, object_body
from tests.platform.acting import stored, system
from tests.platform.computed_world import TEXT, rules
from tests.platform.office import Office
from tests.platform.pages import get
from tests.platform.serving import wait_until
from tests.platform.test_worker import environment
from tests.platform.world import Login, People
from trellis.automation.dispatcher import database_now
from trellis.automation.outbox import DEAD, DONE, WAITING, outbox
from trellis.automation.quarantine import FAILURES, failing, find_wild, release
from trellis.automation.service_levels import running_on
from trellis.automation.service_timers import BLOCK
from trellis.automation.watch import watch_rules
from trellis.channels.in_app import notification
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.wording import REFUSED

# Messages are due by the database's clock, so that of the test has to be ahead of it.
START = datetime(2046, 3, 5, 8, tzinfo=UTC)

CARE = """
approval big "Big" on parcel { enter when n > 100 step one "One" { approvers owner } }
validate calm on parcel { forbid note = "half" and n < 5 message "Say more" }
sla care "Care" on parcel {
    target answer "Answer" {
        met when status = "done"
        otherwise within 10 hours
        at 20% { set note to "half" set n to 2 notify owner using "half" }
        at 40% { start big }
        at 60% { when n = 2 { set m to 1 } otherwise { set m to 60 } }
        at 80% { when n is empty { notify owner using "empty" } }
        at 100% { escalate to owner }
    }
    target solution "Solution" {
        met when status = "done"
        otherwise within 8 hours
        at 100% { notify owner using "slow" }
    }
}
"""
REASONS = {
    "en": [
        'The rule "care" failed in Parcel: Say more',
        'The rule "care" failed in Parcel: The record does not meet the condition of "Big"',
    ],
    "zh": [
        "规则“care”执行失败（Parcel：Say more）",
        "规则“care”执行失败（Parcel：此记录不符合“Big”的条件）",
    ],
}
TELLING = ["empty", "escalation", REFUSED, REFUSED, "slow"]


@pytest.fixture
def office(platform: Platform, people: People) -> Office:
    assert people
    work_by(platform, CARE)
    return Office(platform.database, now=START, catalogs=platform.catalogs)


@pytest.fixture
def owner(people: People) -> str:
    return people["rita"]


def work_by(platform: Platform, text: str) -> None:
    """Publishes the object, and the rules in place of those of before."""
    status = {"type": "string", "enum": ["open", "done"], "default": "open"}
    number = {"type": "integer"}
    fields = {"name": TEXT, "note": TEXT, "status": status, "n": number, "m": number}
    mine = [element("parcel", object_body(fields)), rules(text)]
    names = {(one.kind, one.name) for one in mine}
    with platform.database.write(publishing=True) as connection:
        others = [one for one in load_elements(connection) if (one.kind, one.name) not in names]
        publish(connection, [*others, *mine], by="test")


def told(office: Office) -> list[str]:
    table = notification.c
    with office.database.read() as connection:
        return list(connection.execute(sa.select(table.kind).order_by(table.id)).scalars())


def refused(office: Office) -> list[tuple[str, str, int, str]]:
    """Gives percentage, state, tries and last error of the blocks that could not be carried out."""
    mine = sa.select(outbox).where(outbox.c.action == BLOCK).order_by(outbox.c.id)
    with office.database.read() as connection:
        rows = connection.execute(mine).all()
    return [(one.payload["percent"], one.state, one.attempts, one.last_error) for one in rows]


def fired(office: Office, parcel: str) -> list[Decimal]:
    with office.database.read() as connection:
        unit = office.unit(connection)
        state = running_on(unit, unit.catalog.objects["parcel"], parcel)["care"].state
    return list(state.target("answer").fired)


LOOKS = [pytest.param(timedelta(minutes=30), id="often"), pytest.param(timedelta(hours=12), id="1")]


@pytest.mark.parametrize("step", LOOKS)
def test_blocks_that_are_refused_keep_none_behind_them(
    office: Office, owner: str, step: timedelta
) -> None:
    parcel = office.save("parcel", name="A", owner=owner)
    office.until(START + timedelta(hours=12), step)
    found = office.get("parcel", parcel)
    assert (found["note"], found["n"], found["m"]) == (None, None, 60)
    assert sorted(told(office)) == TELLING
    assert [one[:3] for one in refused(office)] == [("0.20", DEAD, 1), ("0.40", DEAD, 1)]
    office.until(START + timedelta(hours=30), step)
    assert (len(refused(office)), len(told(office)), office.rows(DEAD)) == (2, 5, 2)
    assert fired(office, parcel) == [Decimal(one) / 100 for one in (20, 40, 60, 80, 100)]


def test_who_looks_after_the_rules_reads_rule_and_reason_in_her_language(
    office: Office, owner: str, login: Login
) -> None:
    office.save("parcel", name="A", owner=owner)
    office.until(START + timedelta(hours=12), timedelta(hours=1))
    admin = login("admin")
    address = "/api/v1/meta/rule_states/sla/care"
    assert admin.get(address).get_json()["failing"] == 2
    for language, reasons in REASONS.items():
        asked = {"Accept-Language": language}
        runs = admin.get(f"{address}/runs", headers=asked).get_json()
        assert sorted(one["error"] for one in runs["failing"]) == sorted(reasons)
        left = admin.get("/api/v1/meta/background/effects?state=dead", headers=asked).get_json()
        assert sorted(one["error"] for one in left["items"]) == sorted(reasons)
    for page in ("/setup/rules/sla/care", "/setup/background/effects"):
        shown = get(admin, page).text_content()
        assert all(one in shown for one in REASONS["en"]), page
    bell = get(admin, "/notifications").text_content()
    for percent, reason in zip((20, 40), REASONS["en"], strict=True):
        assert f"care cannot do for A what is due at {percent}%: {reason}. Once" in bell
    assert [one[3] for one in refused(office)] == REASONS["en"]


@pytest.mark.parametrize("hours", [3, 5, 11])
def test_a_save_is_never_refused_because_of_a_block_that_came_due(
    office: Office, owner: str, hours: int
) -> None:
    parcel = office.save("parcel", owner=owner)
    office.now += timedelta(hours=hours)
    office.save("parcel", parcel, status="done", name="B")
    found = office.get("parcel", parcel)
    assert (found["status"], found["name"], found["note"]) == ("done", "B", None)
    assert found["m"] == (60 if hours > 6 else None)
    assert len(refused(office)) == (1 if hours == 3 else 2)
    office.round()
    office.save("parcel", parcel, name="C")
    assert len(refused(office)) == (1 if hours == 3 else 2)
    kinds = [one for one in told(office) if one != REFUSED]
    assert sorted(kinds) == (["empty", "escalation", "slow"] if hours > 10 else [])


def test_what_was_refused_is_tried_again_when_somebody_says_so(
    platform: Platform, office: Office, owner: str
) -> None:
    mine, other = (office.save("parcel", owner=owner) for _ in range(2))
    office.until(START + timedelta(hours=3), timedelta(hours=1))
    assert refused(office)[0][:2] == refused(office)[1][:2] == ("0.20", DEAD)
    office.save("parcel", other, status="done")
    work_by(platform, CARE.replace("n < 5", "n < 1"))
    with office.database.write() as connection:
        assert release(connection, "care") == 2
    office.round()
    assert [one[1] for one in refused(office)] == [DONE, DONE]
    assert (office.get("parcel", mine)["note"], office.get("parcel", mine)["n"]) == ("half", 2)
    assert (office.get("parcel", other)["note"], told(office)) == (None, [REFUSED, "half"])


def test_a_block_that_is_still_refused_is_tried_as_other_effects_are(
    office: Office, owner: str
) -> None:
    office.save("parcel", owner=owner)
    office.until(START + timedelta(hours=3), timedelta(hours=1))
    with office.database.write() as connection:
        release(connection, "care")
    office.round()
    assert [one[:3] for one in refused(office)] == [("0.20", WAITING, 1)]


def test_a_service_level_whose_blocks_fail_is_found_and_put_into_quarantine(
    office: Office, owner: str
) -> None:
    for _ in range(FAILURES):
        office.save("parcel", owner=owner)
    office.until(START + timedelta(hours=3), timedelta(hours=1))
    with office.database.write() as connection:
        assert failing(connection) == {"care": FAILURES}
        (wild,) = find_wild(connection, database_now(connection), 0)
        assert (wild.rule, wild.cause, wild.number) == ("care", "failures", FAILURES)
        watch_rules(office.unit(connection), 0)
    office.until(START + timedelta(hours=12), timedelta(hours=1))
    assert {office.get("parcel", one)["m"] for one in everything(office)} == {60}


def everything(office: Office) -> list[str]:
    with office.database.read() as connection:
        page = office.unit(connection).records().list("parcel", limit=100)
    return [str(one["id"]) for one in page.items]


QUICK = """
validate calm on parcel { forbid note = "half" message "Say more" }
sla care "Care" on parcel {
    target answer "Answer" {
        met when status = "done"
        otherwise within 1 minute
        at 1% { set note to "half" }
        at 3% { set m to 1 }
    }
}
"""


def test_a_worker_goes_on_behind_a_block_that_is_refused(
    platform: Platform, people: People
) -> None:
    work_by(platform, QUICK)
    with system(platform) as unit:
        values = {"owner": people["rita"]}
        parcel = save_record(unit, "parcel", None, values, channel="api").id
    command = [sys.executable, "-m", "trellis", "worker"]
    with subprocess.Popen(command, env=environment(platform.settings)) as process:
        try:
            wait_until(lambda: stored(platform, "parcel", parcel)["m"] == 1, "the clock goes on")
        finally:
            process.terminate()
    with platform.database.read() as connection:
        assert failing(connection) == {"care": 1}
    assert stored(platform, "parcel", parcel)["note"] is None
