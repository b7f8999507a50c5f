"""A draft is published after a dry run only while the data still answers as it did then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.platform.acting import acting, make
from tests.platform.test_api import Client, call
from tests.platform.test_scoring import BASE, LEAD, draft, leads
from tests.platform.test_web_browser import DESK, Visitor, visitor
from trellis.designer.publishing import make_plan
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.scoring.bound import read_token
from trellis.scoring.foreseen import drafted, foresee, in_draft

__all__ = ["call", "visitor"]
pytestmark = pytest.mark.usefixtures("people")

BIG = {**LEAD, "name": "Big", "employees": 1500}


def dry_run(call: Client) -> str:
    token: str = call("admin", "GET", f"{BASE}/differences").get_json()["token"]
    return token


def publish(call: Client, token: str) -> tuple[int, str]:
    answer = call("admin", "POST", "meta/publish", {"token": token})
    told = answer.get_json()
    return answer.status_code, told["errors"][0]["code"] if "errors" in told else ""


def test_an_answer_that_moved_is_refused(platform: Platform, call: Client) -> None:
    leads(platform)
    draft(call, platform)
    token = dry_run(call)
    make(platform, "diana", "lead", **BIG)
    refused = call("admin", "POST", "meta/publish", {"token": token}).get_json()
    assert refused["status"] == 409
    assert refused["errors"][0]["message"] == (
        "The records have changed since you looked: Lead score would now change 4 of them; "
        "look again, then publish"
    )
    assert publish(call, dry_run(call)) == (200, "")


MOVED = {
    "another record": lambda platform, ids: make(platform, "diana", "lead", **BIG),
    "gone": lambda platform, ids: remove(platform, ids[1]),
    "points": lambda platform, ids: change(platform, ids[3], lead_source="web"),
}


@pytest.mark.parametrize("what", MOVED)
def test_what_moves_an_answer(platform: Platform, call: Client, what: str) -> None:
    ids = leads(platform)
    draft(call, platform)
    token = dry_run(call)
    MOVED[what](platform, ids)
    assert publish(call, token) == (409, "scores_moved")
    # The token of the plan stands for the definitions alone.
    plan = call("admin", "POST", "meta/plan").get_json()["token"]
    assert publish(call, plan) == (200, "")


def change(platform: Platform, record_id: str, **values: object) -> None:
    with acting(platform, "diana") as unit:
        save_record(unit, "lead", record_id, values, channel="api")


def remove(platform: Platform, record_id: str) -> None:
    with acting(platform, "diana") as unit:
        delete_record(unit, "lead", record_id, channel="api")


def test_other_changes_of_records_do_not_count(platform: Platform, call: Client) -> None:
    ids = leads(platform)
    draft(call, platform)
    token = dry_run(call)
    change(platform, ids[1], name="Other")
    make(platform, "diana", "lead", **LEAD)  # the draft gives it what the rules in force give
    assert publish(call, token) == (200, "")


def test_time_alone_does_not_count(platform: Platform, call: Client) -> None:
    """What fades between the dry run and publishing fades by itself, in force as in the draft."""
    leads(platform)
    fading = "base 10\n    add 9 when created_at in last 1 minutes"
    draft(call, platform, ("base 10", fading))
    token = dry_run(call)
    with acting(platform, "admin") as unit:
        later = replace(unit.moment, now=unit.moment.now + timedelta(hours=1))
        then = replace(unit, moment=later)
        seen = [
            foresee(in_draft(one, drafted(one), "lead", "lead_score")).records
            for one in (unit, then)
        ]
        assert seen == [4, 0]
        _, check = read_token(then, token)
        check(make_plan(then))


def test_nonsense_is_no_token(platform: Platform, call: Client) -> None:
    leads(platform)
    draft(call, platform)
    token = dry_run(call)
    for wrong in (f"{token}~", f"{token}~lead.lead_score", token.replace("@", "@99")):
        assert publish(call, wrong)[0] == 409
    assert publish(call, f"{token}~lead.nothing@1=0123456789abcdef")[0] == 404


def test_the_page_asks_again(platform: Platform, call: Client, visitor: Visitor) -> None:
    leads(platform)
    draft(call, platform)
    page = visitor.enter("admin", DESK)
    page.goto("/setup/publish")
    page.locator("input[name=answer]").wait_for(state="attached")
    make(platform, "diana", "lead", **BIG)
    page.get_by_role("button", name="Publish version").click()
    page.get_by_text("would now change 4 of them").wait_for()
    page.locator("input[name=answer]").wait_for(state="attached")
    make(platform, "diana", "lead", **BIG)
    page.get_by_label("Whatever the records change meanwhile").check()
    page.get_by_role("button", name="Publish version").click()
    page.get_by_text("is published and in use").wait_for()
