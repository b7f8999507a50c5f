"""Work in the background: seen, tried again and paused by who administers, on the page and over
the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from tests.platform.acting import acting, make, system
from tests.platform.importing import csv_bytes, undo, upload
from tests.platform.pages import get, texts
from tests.platform.world import Bearer, Login, People
from trellis.actions import Later, load_actions
from trellis.automation import outbox
from trellis.automation.dispatcher import MAX_ATTEMPTS, database_now
from trellis.background import load_work
from trellis.channels.in_app import notification
from trellis.jobs.kinds import job_kinds
from trellis.jobs.running import job_table, start_job
from trellis.jobs.running_loop import JobRunner, drain_jobs
from trellis.mail.tables import UNKNOWN, mail_message
from trellis.runtime import Platform
from trellis.scoring.keeping_up import REST, ask_for_scores
from trellis.transfer.import_steps import ROWS_AT_ONCE
from trellis.transfer.imports import start_import
from trellis.webhooks.tables import DEAD, webhook_delivery
from trellis.wording import TITLES
from trellis.worker import make_dispatcher

Call = Callable[..., TestResponse]
BASE = "/api/v1/meta/background"


@pytest.fixture
def call(login: Login, bearer: Bearer, app: Any) -> Call:
    def send(who: str, method: str, path: str = "", **options: Any) -> TestResponse:
        client = app.test_client()
        answer: TestResponse = client.open(
            f"{BASE}{path}", method=method, headers=bearer(who), **options
        )
        return answer

    return send


def add(platform: Platform, key: str, action: str, **payload: object) -> None:
    with platform.database.write() as connection:
        outbox.add(connection, action, payload, key)


def bells(platform: Platform) -> int:
    with platform.database.read() as connection:
        count = sa.select(sa.func.count()).select_from(notification)
        return int(connection.execute(count).scalar_one())


def give_up(platform: Platform) -> None:
    """Has what fails tried until it is dead."""
    dispatcher = make_dispatcher(platform)
    for _ in range(MAX_ATTEMPTS):
        dispatcher.drain()
        with platform.database.write() as connection:
            soon = sa.update(outbox.outbox).where(outbox.outbox.c.state == "waiting")
            past = database_now(connection) - timedelta(seconds=1)
            connection.execute(soon.values(available_at=past))


def counts(call: Call, name: str = "effects") -> dict[str, int]:
    items = call("admin", "GET").get_json()["items"]
    found: dict[str, int] = next(one["counts"] for one in items if one["name"] == name)
    return found


def test_what_failed_is_seen_and_tried_again(
    platform: Platform, people: People, call: Call, login: Login
) -> None:
    lead = make(platform, "diana", "lead", name="Wang", lead_source="web")
    with platform.database.write() as connection:
        payload = {"recipients": [people["rita"]], "kind": "hello", "channel": "pigeon"}
        outbox.add(connection, "notify", payload, "a", object_name="lead", record_id=lead)
    add(platform, "b", "notify", recipients=[people["rita"]], kind="hello")
    give_up(platform)
    assert counts(call) == {"dead": 1, "done": 1}
    (dead,) = call("admin", "GET", "/effects?state=dead").get_json()["items"]
    said = "LookupError: no channel 'pigeon'; there are: email, in_app"
    told = ("what", "object", "record_id", "state", "attempts", "error")
    assert [dead[name] for name in told] == ["notify", "lead", lead, "dead", MAX_ATTEMPTS, said]
    page = get(login("admin"), "/setup/background/effects?state=dead")
    assert texts(page, "tbody td a") == ["Wang"]
    assert said in page.text_content()
    # Somebody adds the channel meanwhile.
    pigeon = {**platform.channels, "pigeon": platform.channels["in_app"]}
    platform.channels.update(pigeon)  # type: ignore[attr-defined]  # a dict, made for this test
    again = call("admin", "POST", f"/effects/{dead['id']}/retry")
    assert (again.status_code, again.get_json()) == (200, {"count": 1})
    assert make_dispatcher(platform).drain() == 1
    assert (counts(call), bells(platform)) == ({"done": 2}, 2)
    refused = call("admin", "POST", f"/effects/{dead['id']}/retry")
    assert (refused.status_code, refused.get_json()["errors"][0]["message"]) == (
        409,
        "It is not tried again as it stands: Done",
    )
    kinds = "SELECT kind FROM audit_event WHERE kind IN ('retried', 'paused', 'resumed')"
    with platform.database.read() as connection:
        assert connection.exec_driver_sql(kinds).scalars().all() == ["retried"]


def test_all_that_was_given_up_is_tried_again_at_once(platform: Platform, call: Call) -> None:
    for number in range(3):
        add(platform, f"k{number}", "nothing_of_the_kind")
    give_up(platform)
    assert counts(call) == {"dead": 3}
    assert call("admin", "POST", "/effects/retry").get_json() == {"count": 3}
    assert counts(call) == {"waiting": 3}


def test_what_waits_for_its_time_is_done_now(
    platform: Platform, people: People, call: Call
) -> None:
    with platform.database.write() as connection:
        later = database_now(connection) + timedelta(days=1)
        payload = {"recipients": [people["rita"]], "kind": "hello"}
        outbox.add(connection, "notify", payload, "later", at=later)
    assert make_dispatcher(platform).drain() == 0
    (waiting,) = call("admin", "GET", "/effects?state=waiting").get_json()["items"]
    call("admin", "POST", f"/effects/{waiting['id']}/retry")
    assert (make_dispatcher(platform).drain(), bells(platform)) == (1, 1)


def test_nothing_is_begun_while_it_is_paused(
    platform: Platform, people: People, call: Call, login: Login
) -> None:
    assert call("admin", "POST", "/effects/pause").status_code == 204
    assert call("admin", "POST", "/effects/pause").status_code == 204
    for number in range(3):
        add(platform, f"k{number}", "notify", recipients=[people["rita"]], kind="hello")
    assert make_dispatcher(platform).drain() == 0
    (shown,) = [one for one in call("admin", "GET").get_json()["items"] if one["paused_since"]]
    assert (shown["name"], shown["counts"], shown["paused_by"]) == (
        "effects",
        {"waiting": 3},
        people["admin"],
    )
    client = login("admin")
    assert "Paused by Administrator" in get(client, "/setup/background/effects").text_content()
    assert client.post("/setup/background/effects/resume").status_code == 302
    assert make_dispatcher(platform).drain() == 3
    assert bells(platform) == 3


def test_jobs_pause_too_and_a_failed_one_goes_on_where_it_ended(
    platform: Platform, call: Call
) -> None:
    assert call("admin", "POST", "/jobs/pause").status_code == 204
    with acting(platform, "diana") as unit:
        start_job(unit, "no_such_kind", {"object": "lead"})
    drain_jobs(platform)
    assert counts(call, "jobs") == {"waiting": 1}
    call("admin", "POST", "/jobs/resume")
    drain_jobs(platform)
    (job,) = call("admin", "GET", "/jobs").get_json()["items"]
    assert (job["what"], job["attempts"], job["state"]) == ("no_such_kind", 1, "waiting")
    assert job["error"].startswith("LookupError: no job 'no_such_kind'; there are: ")


def test_whoever_administers_sees_how_far_a_job_has_come_and_cancels_it(
    platform: Platform, call: Call, login: Login
) -> None:
    total = ROWS_AT_ONCE + 1
    rows = [["name", "lead_source"], *([f"Lead {number}", "web"] for number in range(total))]
    started = upload(platform, "diana", "lead", csv_bytes(rows))
    with acting(platform, "diana") as unit:
        start_import(unit, "lead", started.id, {"duplicates": "none"}, dry=False)
    while True:
        JobRunner(platform).run_turn(stop=lambda: True)  # one step
        (job,) = call("admin", "GET", "/jobs").get_json()["items"]
        if job["done"]:
            break
    told = (job["what"], job["state"], job["done"], job["total"], job["may_cancel"])
    assert told == ("import", "waiting", ROWS_AT_ONCE, total, True)
    client = login("admin")
    assert f"{ROWS_AT_ONCE} / {total}" in get(client, "/setup/background/jobs").text_content()
    ended = client.post("/setup/background/jobs/cancel", data={"id": job["id"]})
    assert ended.status_code == 302
    assert "Cancelled: what was done until now stays" in get(client, ended.location).text_content()
    drain_jobs(platform)
    (job,) = call("admin", "GET", "/jobs").get_json()["items"]
    assert (job["state"], job["done"], job["may_cancel"]) == ("cancelled", ROWS_AT_ONCE, False)
    assert undo(platform, "diana", started) == {"undone": ROWS_AT_ONCE}, "what was written stayed"
    with platform.database.read() as connection:
        noted = "SELECT count(*) FROM audit_event WHERE kind = 'cancelled'"
        assert connection.exec_driver_sql(noted).scalar_one() == 1


def test_what_is_listed_has_a_name_in_words(
    platform: Platform, people: People, call: Call, login: Login
) -> None:
    """A member that a distribution adds without one is called by its name."""
    later = [one for one in load_actions().values() if isinstance(one, Later)]
    kinds = [one.title for one in (*later, *job_kinds().values())]
    for title in (*kinds, *TITLES.values()):
        assert title is not None
        assert title.in_language("zh") != title.in_language("en")
    add(platform, "a", "notify", recipients=[people["rita"]], kind="hello")
    add(platform, "b", "nothing_of_the_kind")
    items = call("admin", "GET", "/effects").get_json()["items"]
    told = {one["what"]: one["title"] for one in items}
    assert told == {"notify": "Tell somebody", "nothing_of_the_kind": "nothing_of_the_kind"}
    client = login("admin")
    client.post("/lang/zh")
    assert "发送通知" in get(client, "/setup/background/effects").text_content()


def test_each_kind_of_job_says_whether_it_is_cancelled(platform: Platform, call: Call) -> None:
    for name, kind in job_kinds().items():
        with system(platform) as unit:
            job_id = start_job(unit, name, {"object": "lead"})
        (job,) = (
            one for one in call("admin", "GET", "/jobs").get_json()["items"] if one["id"] == job_id
        )
        assert job["may_cancel"] == kind.may_cancel
        answer = call("admin", "POST", f"/jobs/{job_id}/cancel")
        assert answer.status_code == (204 if kind.may_cancel else 409)
        if kind.may_cancel:
            again = call("admin", "POST", f"/jobs/{job_id}/cancel")
            assert (again.status_code, again.get_json()["errors"][0]["code"]) == (409, "job_ended")
        else:
            message = f"Work of this kind is not cancelled: {name}. Pause it instead"
            assert answer.get_json()["errors"][0]["message"] == message
    kept = {one["what"] for one in call("admin", "GET", "/jobs?state=waiting").get_json()["items"]}
    assert kept == {"replan_clocks", "duplicate_keys"}


def test_what_was_cancelled_is_not_begun_anew_at_once(platform: Platform, call: Call) -> None:
    assert ask_for_scores(platform) == 1
    (job,) = call("admin", "GET", "/jobs").get_json()["items"]
    assert (job["what"], call("admin", "POST", f"/jobs/{job['id']}/cancel").status_code) == (
        "rescore",
        204,
    )
    assert ask_for_scores(platform) == 0
    with platform.database.write() as connection:
        earlier = database_now(connection) - REST - timedelta(seconds=1)
        connection.execute(sa.update(job_table).values(ended_at=earlier))
    assert ask_for_scores(platform) == 1


def test_a_letter_of_which_nobody_knows_is_sent_again_only_by_name(
    platform: Platform, people: People, call: Call
) -> None:
    add(platform, "k", "notify", recipients=[people["rita"]], kind="hello", channel="email")
    make_dispatcher(platform).drain()
    with platform.database.write() as connection:
        connection.execute(sa.update(mail_message).values(state=UNKNOWN, answer="cut"))
    assert call("admin", "POST", "/mail/retry").get_json() == {"count": 0}
    (letter,) = call("admin", "GET", "/mail?state=unknown").get_json()["items"]
    assert letter["error"] == "cut"
    assert call("admin", "POST", f"/mail/{letter['id']}/retry").get_json() == {"count": 1}
    assert counts(call, "mail") == {"waiting": 1}


def test_pages_follow_each_other(platform: Platform, call: Call) -> None:
    for number in range(5):
        add(platform, f"k{number}", "nothing")
    seen, after = [], ""
    while after is not None:
        query = f"?limit=2&after={after}" if after else "?limit=2"
        page = call("admin", "GET", f"/effects{query}").get_json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert (len(seen), sorted(seen, reverse=True)) == (5, seen)


REFUSED = [
    ("admin", "GET", "/pigeons", 404, 'There is no background work "pigeons"'),
    ("admin", "POST", "/effects/none/retry", 404, 'There is no background work "none"'),
    ("admin", "POST", "/jobs/none/cancel", 404, 'There is no background work "none"'),
    ("admin", "POST", "/pigeons/none/cancel", 404, 'There is no background work "pigeons"'),
    ("rita", "POST", "/jobs/none/cancel", 403, None),
    ("admin", "POST", "/pigeons/pause", 404, 'There is no background work "pigeons"'),
    ("admin", "GET", "/effects?state=flying", 422, None),
    ("admin", "GET", "/effects?limit=0", 422, None),
    ("rita", "GET", "", 403, None),
    ("rita", "GET", "/effects", 403, None),
    ("rita", "POST", "/effects/retry", 403, None),
    ("rita", "POST", "/effects/pause", 403, None),
]


@pytest.mark.parametrize(("who", "method", "path", "status", "said"), REFUSED)
def test_what_is_refused(
    call: Call, who: str, method: str, path: str, status: int, said: str | None
) -> None:
    answer = call(who, method, path)
    assert answer.status_code == status
    if said:
        assert answer.get_json()["errors"][0]["message"] == said


def test_pages_of_every_kind_open_for_administrators_only(login: Login) -> None:
    admin, rita = login("admin"), login("rita")
    for name in load_work():
        assert admin.get(f"/setup/background/{name}").status_code == 200
        assert rita.get(f"/setup/background/{name}").status_code == 403
        assert rita.post(f"/setup/background/{name}/pause").status_code == 403
        assert rita.post(f"/setup/background/{name}/retry").status_code == 403
        assert rita.post(f"/setup/background/{name}/cancel").status_code == 403
    assert admin.get("/setup/background/pigeons").status_code == 404


def test_each_kind_has_the_columns_that_are_written(platform: Platform) -> None:
    for work in load_work().values():
        known = set(work.table.c.keys())
        assert {"id", "state", "attempts", "available_at", "created_at", *work.clears} <= known
        assert work.again <= set(work.states)
    with system(platform) as unit:
        assert unit.connection.execute(sa.select(webhook_delivery.c.state)).all() == []
        assert DEAD in load_work()["webhooks"].again
