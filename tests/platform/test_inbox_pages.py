"""The inbox of who has much to decide: all of it is reached, and the numbers say how much it is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.acting import acting
from tests.platform.pages import get, read, select, text, texts
from tests.platform.test_absences import leave
from tests.platform.test_assignments import activate
from tests.platform.world import Bearer, Login, People
from trellis.approvals import decide, submit
from trellis.approvals.inbox import INBOX_LIMIT, count_pending
from trellis.mail.decisions import DECISIONS, decision_token
from trellis.records.save import save_record
from trellis.runtime import Platform

CHECK = """
approval check "Check" on lead {
    step look "Look" { approvers user "mark" }
}
"""
MORE = "#requests > p a"
NUMBER = INBOX_LIMIT + 3


@pytest.fixture
def requests(platform: Platform, people: People) -> list[str]:
    """More requests than a page holds that wait for Mark, the oldest first."""
    activate(platform, CHECK)
    made = []
    with acting(platform, "rita") as unit:
        for number in range(NUMBER):
            values = {"name": f"L{number}", "email": f"l{number}@a.cn", "lead_source": "web"}
            lead = save_record(unit, "lead", None, values, channel="api").id
            made.append(submit(unit, "lead", lead, "check").id)
    return made


def shown(page: Any) -> list[str]:
    return [box.get("value").partition(":")[0] for box in select(page, "input[name='request']")]


def tally(page: Any) -> str:
    return text(page, "a[href='/approvals'] .tally")


@pytest.mark.parametrize("who", ["mark", "fay"])
def test_all_that_waits_is_reached_and_counted(
    platform: Platform, login: Login, bearer: Bearer, requests: list[str], who: str
) -> None:
    """Fay stands in for Mark, who is away."""
    if who == "fay":
        leave(platform, "mark", "fay")
    client = login(who)
    first = get(client, "/approvals")
    assert (text(first, "header .count"), tally(first)) == (str(NUMBER), str(NUMBER))
    assert f"{INBOX_LIMIT} of {NUMBER} on this page" in first.text_content()
    (more,) = select(first, MORE)
    second = get(client, more.get("href"))
    assert [shown(first), shown(second)] == [requests[:INBOX_LIMIT], requests[INBOX_LIMIT:]]
    assert select(second, MORE) == []
    assert (text(second, "header .count"), tally(second)) == (str(NUMBER), str(NUMBER))
    found, after = [], ""
    for _ in range(3):
        address = f"/api/v1/approvals?limit=40{after}"
        answer = client.get(address, headers=bearer(who)).get_json()
        found += [one["request"]["id"] for one in answer["items"]]
        after = f"&after={answer['next']}"
    assert (found, answer["next"]) == (requests, None)


def test_what_is_decided_meanwhile_moves_no_page(
    platform: Platform, login: Login, bearer: Bearer, requests: list[str]
) -> None:
    client = login("mark")
    answer = client.get("/api/v1/approvals?limit=10", headers=bearer("mark")).get_json()
    assert answer["next"] == requests[9]
    with acting(platform, "mark") as unit:
        for one in (requests[3], requests[9], requests[10]):
            decide(unit, one, "approve")
        assert count_pending(unit) == NUMBER - 3
    address = f"/api/v1/approvals?limit=2&after={answer['next']}"
    answer = client.get(address, headers=bearer("mark")).get_json()
    assert [one["request"]["id"] for one in answer["items"]] == requests[11:13]


def test_a_cursor_that_no_page_gave_is_refused(
    login: Login, bearer: Bearer, requests: list[str]
) -> None:
    client = login("mark")
    answer = client.get("/api/v1/approvals?after=x", headers=bearer("mark"))
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, "bad_cursor")
    assert shown(get(client, "/approvals?after=x")) == requests[:INBOX_LIMIT]


def test_the_link_in_the_letter_of_the_newest_leads_to_it(
    app: Flask, platform: Platform, people: People, requests: list[str]
) -> None:
    stranger, secret = app.test_client(), platform.settings.secret_key
    path = f"{DECISIONS}/{decision_token(secret, requests[-1], people['mark'])}"
    page = read(stranger.get(path))
    assert texts(page, "h1") == [f"L{NUMBER - 1}"]
    decided = stranger.post(path, data={"verdict": "approve", "revision": "1"})
    assert decided.status_code == 200
    assert "It does not wait for you" in read(stranger.get(path)).text_content()
    other = f"{DECISIONS}/{decision_token(secret, requests[0], people['ron'])}"
    assert "It does not wait for you" in read(stranger.get(other)).text_content()


def test_who_decides_on_a_later_page_comes_back_to_it(login: Login, requests: list[str]) -> None:
    client: FlaskClient = login("mark")
    second = select(get(client, "/approvals"), MORE)[0].get("href")
    actions = [form.get("action") for form in select(get(client, second), ".request form")]
    assert {action.partition("?")[2] for action in actions} == {second.partition("?")[2]}
    there = actions[1]
    refused = client.post(there, data={"verdict": "reject"})
    assert (refused.status_code, shown(read(refused))) == (422, requests[INBOX_LIMIT:])
    assert len(select(read(refused), "p.error")) == 1
    for one in requests[INBOX_LIMIT + 1 :]:
        answer = client.post(
            f"/approvals/{one}?{second.partition('?')[2]}", data={"verdict": "approve"}
        )
        assert answer.location == second
    client.post(there, data={"verdict": "approve"})
    # Nothing is left there.
    assert shown(get(client, second)) == requests[:INBOX_LIMIT]
