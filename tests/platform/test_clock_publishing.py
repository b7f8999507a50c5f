"""Publishing rules of service levels: what becomes of open clocks is shown, chosen and done."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.metadata.databases import object_body
from tests.platform.acting import acting, change_element
from tests.platform.computed_world import TEXT
from tests.platform.conditional_world import publish_more
from tests.platform.test_service_levels import choice
from tests.platform.world import Bearer, Login
from trellis.automation.service_levels import service_target
from trellis.jobs.running_loop import drain_jobs
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.service_levels.job import ask_for_plan

pytestmark = pytest.mark.usefixtures("people")

RULES = "local/jobs"
CALENDAR = 'calendar desk { timezone "UTC" hours monday to sunday from 00:00 to 00:00 }'
LEVEL = """
sla job_clock "Jobs" on job {
    calendar desk
    target done "Done" { met when state = "done" otherwise within 8 business hours }
}
"""
SLOWER = LEVEL.replace("8 business", "80 business")


@pytest.fixture
def jobs(platform: Platform) -> Platform:
    fields = {"name": TEXT, "state": choice("open", "done")}
    more = {f"rules/{RULES}": {"text": CALENDAR + LEVEL}}
    publish_more(platform, {"job": object_body(fields)}, more)
    with acting(platform, "rita") as unit:
        save_record(unit, "job", None, {"name": "Paint"}, channel="api")
    return platform


def dues(platform: Platform) -> list[Any]:
    with platform.database.read() as connection:
        return list(connection.scalars(sa.select(service_target.c.due)))


def drafted(client: FlaskClient, text: str, headers: Any) -> dict[str, Any]:
    """Drafts rules and gives the plan."""
    body = {"text": text}
    answer = client.put("/api/v1/meta/rules/jobs", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.get_json()
    plan: dict[str, Any] = client.post("/api/v1/meta/plan", headers=headers).get_json()
    return plan


def test_other_rules_reach_what_is_open_when_that_is_chosen(
    jobs: Platform, app: Flask, bearer: Bearer
) -> None:
    client, headers = app.test_client(), bearer("admin")
    (before,) = dues(jobs)
    plan = drafted(client, CALENDAR + SLOWER, headers)
    (told,) = plan["clocks"]
    assert (told["name"], told["change"], told["open"]) == ("job.job_clock", "changed", 1)
    assert told["calendar"]["moved"] == {}
    assert told["rules"]["moved"] == {"later_more": 1}
    (sample,) = told["rules"]["samples"]
    assert (sample["name"], sample["target"]) == ("Paint", "done")
    wrong = {"token": plan["token"], "open_clocks": ["job.nothing"]}
    answer = client.post("/api/v1/meta/publish", json=wrong, headers=headers)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (
        *(422, "unknown_open_clocks"),
    )
    chosen = {"token": plan["token"], "open_clocks": ["job.job_clock"]}
    answer = client.post("/api/v1/meta/publish", json=chosen, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    assert dues(jobs) == [before]
    drain_jobs(jobs)
    (after,) = dues(jobs)
    assert (after - before).total_seconds() == 72 * 3600


def test_what_is_open_stays_when_nothing_is_chosen_and_moves_when_it_is_chosen_later(
    jobs: Platform, app: Flask, bearer: Bearer, login: Login
) -> None:
    client, headers = app.test_client(), bearer("admin")
    before = dues(jobs)
    assert client.get("/api/v1/meta/open-clocks", headers=headers).get_json() == {"items": []}
    token = drafted(client, CALENDAR + SLOWER, headers)["token"]
    client.post("/api/v1/meta/publish", json={"token": token}, headers=headers)
    drain_jobs(jobs)
    assert dues(jobs) == before
    (told,) = client.get("/api/v1/meta/open-clocks", headers=headers).get_json()["items"]
    assert (told["name"], told["rules"]["moved"]) == ("job.job_clock", {"later_more": 1})
    assert "Move what is ticked" in login("admin").get("/setup/publish").get_data(as_text=True)
    wrong = {"open_clocks": ["job.nothing"]}
    assert client.post("/api/v1/meta/open-clocks", json=wrong, headers=headers).status_code == 422
    chosen = {"open_clocks": ["job.job_clock"]}
    answer = client.post("/api/v1/meta/open-clocks", json=chosen, headers=headers)
    assert answer.status_code == 202
    drain_jobs(jobs)
    assert dues(jobs) > before
    assert client.get("/api/v1/meta/open-clocks", headers=headers).get_json() == {"items": []}


def test_rules_that_are_not_in_force_yet_move_nothing(
    jobs: Platform, app: Flask, bearer: Bearer
) -> None:
    headers, later = bearer("admin"), LEVEL.replace("job_clock", "later_clock")
    client = app.test_client()
    body = {"text": f"ruleset later effective 2999-01-01\n{CALENDAR}{later}"}
    body["text"] = body["text"].replace("desk", "far_desk")
    answer = client.put("/api/v1/meta/rules/later", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.get_json()
    plan = client.post("/api/v1/meta/plan", headers=headers).get_json()
    assert (plan["problems"], plan["clocks"]) == ([], [])


def test_the_page_shows_what_moves_and_publishes_the_choice(jobs: Platform, login: Login) -> None:
    client, before = login("admin"), dues(jobs)
    answer = client.put("/api/v1/meta/rules/jobs", json={"text": CALENDAR + SLOWER})
    assert answer.status_code < 300, answer.get_json()
    page = client.get("/setup/publish").get_data(as_text=True)
    assert "1 later by a day or more" in page
    assert "Paint" in page
    assert 'name="open_clocks" value="job.job_clock"' in page
    token = client.post("/api/v1/meta/plan").get_json()["token"]
    sent = client.post("/setup/publish", data={"token": token, "open_clocks": "job.job_clock"})
    assert sent.status_code == 302
    drain_jobs(jobs)
    assert dues(jobs) > before


def test_the_worker_sees_other_business_time_whatever_door_it_came_through(
    jobs: Platform,
) -> None:
    assert ask_for_plan(jobs)
    assert not ask_for_plan(jobs)
    drain_jobs(jobs)
    assert not ask_for_plan(jobs)
    (before,) = dues(jobs)

    def shorter(body: dict[str, Any]) -> None:
        body["text"] = CALENDAR.replace("from 00:00 to 00:00", "from 00:00 to 00:30") + LEVEL

    change_element(jobs, "rules", RULES, shorter)
    assert ask_for_plan(jobs)
    drain_jobs(jobs)
    (after,) = dues(jobs)
    assert (after - before).days >= 14


def test_the_numbers_are_for_all_and_the_records_for_who_may_read_them(
    jobs: Platform, app: Flask, bearer: Bearer
) -> None:
    def blind(body: dict[str, Any]) -> None:
        body["grants"]["job"] = {"read": "none"}

    change_element(jobs, "role", "admin", blind)
    client, headers = app.test_client(), bearer("admin")
    (told,) = drafted(client, CALENDAR + SLOWER, headers)["clocks"]
    assert (told["rules"]["moved"], told["rules"]["samples"]) == ({"later_more": 1}, [])
