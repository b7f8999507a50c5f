"""Approvers who bring in others, many decisions at once, and who would be asked."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.acting import acting, make, outbox_rows
from tests.platform.pages import get, text, texts
from tests.platform.world import Bearer, Login, People
from trellis.approvals import of_record, pending_for, submit
from trellis.runtime import Platform

Headers = dict[str, str]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def quote_of(platform: Platform, name: str = "Q", discount: str = "0.12") -> str:
    account = make(platform, "rita", "account", name="Acme")
    values = {"name": name, "account": account, "amount": "800", "discount": discount}
    return make(platform, "rita", "quote", **values)


@pytest.fixture
def quote(platform: Platform, people: People) -> str:
    """A quote of Rita's that Mark has to approve."""
    found = quote_of(platform)
    start(platform, found)
    return found


def start(platform: Platform, quote: str) -> str:
    with acting(platform, "rita") as unit:
        return submit(unit, "quote", quote).id


def waiting(platform: Platform, *usernames: str) -> list[int]:
    """Gives how much waits for each."""
    counts = []
    for username in usernames:
        with acting(platform, username) as unit:
            counts.append(len(pending_for(unit)))
    return counts


def act(
    client: FlaskClient, headers: Headers, quote: str, action: str, **body: object
) -> tuple[int, object]:
    address = f"/api/v1/quote/{quote}/actions/{action}"
    answer = client.post(address, json=body, headers=headers)
    found = answer.get_json()
    errors = found.get("errors")
    return answer.status_code, errors[0]["message"] if errors else found["status"]


def test_a_signer_before_and_one_after(
    platform: Platform, people: People, client: FlaskClient, bearer: Bearer, quote: str
) -> None:
    mark, fay, ron = bearer("mark"), bearer("fay"), bearer("ron")
    why = {"reason": "They know more"}
    assert act(client, mark, quote, "add_signer", to="fay", place="after", **why) == (200, "open")
    assert act(client, mark, quote, "add_signer", to="ron", place="before", **why) == (200, "open")
    assert waiting(platform, "mark", "fay", "ron") == [0, 0, 1]
    assert act(client, mark, quote, "approve")[0] == 409
    assert act(client, ron, quote, "approve") == (200, "open")
    assert waiting(platform, "mark", "fay", "ron") == [1, 0, 0]
    assert act(client, mark, quote, "approve") == (200, "open")
    assert waiting(platform, "mark", "fay", "ron") == [0, 1, 0]
    assert act(client, fay, quote, "approve") == (200, "approved")
    told = [row["payload"] for row in outbox_rows(platform)]
    assert sum("approval_waiting" in str(one) for one in told) == 4


def test_forwarding_hands_the_word_on(
    platform: Platform,
    people: People,
    login: Login,
    client: FlaskClient,
    bearer: Bearer,
    quote: str,
) -> None:
    mark, fay = bearer("mark"), bearer("fay")
    for body, expected in (
        ({"to": "fay"}, "Must be filled in"),
        ({"to": "fay", "reason": " "}, "Say why somebody else is to decide"),
        ({"to": "mark", "reason": "x"}, "Name somebody else than yourself"),
        ({"to": "rita", "reason": "x"}, "Who submitted this cannot decide on it"),
        ({"to": "zoe", "reason": "x"}, 'There is no record "zoe"'),
    ):
        assert act(client, mark, quote, "forward", **body) == (422, expected)
    assert act(client, bearer("diana"), quote, "forward", to="fay", reason="x")[0] == 403
    assert act(client, mark, quote, "forward", to="fay", reason="Her field") == (200, "open")
    assert waiting(platform, "mark", "fay") == [0, 1]
    back = act(client, fay, quote, "forward", to="mark", reason="No")
    assert back == (422, "This person has been asked in this step already")
    page = get(login("rita"), f"/o/quote/{quote}")
    assert texts(page, ".steps .current div div")[0].startswith("Mark forwarded this to Fay")
    assert "Her field" in texts(page, ".steps blockquote")
    assert act(client, fay, quote, "approve") == (200, "approved")


def test_a_signer_is_added_in_the_inbox(
    platform: Platform, people: People, login: Login, quote: str
) -> None:
    mark = login("mark")
    with acting(platform, "mark") as unit:
        (one,) = pending_for(unit)
    address = f"/approvals/{one.request.id}/others"
    form = {"how": "before", "to": people["fay"], "reason": "Look at it"}
    assert mark.post(address, data={**form, "how": "aside"}).status_code == 400
    assert mark.post(address, data=form).status_code == 302
    assert waiting(platform, "mark", "fay") == [0, 1]
    page = get(login("fay"), "/approvals")
    assert "Mark has Fay decide first" in text(page, ".steps .current")
    assert "You" not in text(page, ".request header")


def test_many_are_decided_each_for_itself(
    platform: Platform, people: People, login: Login, client: FlaskClient, bearer: Bearer
) -> None:
    ids = [start(platform, quote_of(platform, name)) for name in ("A", "B", "C")]
    mark = bearer("mark")
    listed = client.get("/api/v1/approvals", headers=mark).get_json()["items"]
    assert [(one["name"], one["request"]["id"]) for one in listed] == list(
        zip("ABC", ids, strict=True)
    )
    body = {"verdict": "approve", "requests": [{"id": ids[0], "revision": 1}, {"id": "gone"}]}
    body["requests"] += [{"id": ids[1], "revision": 7}]  # type: ignore[operator]  # JSON
    answer = client.post("/api/v1/approvals/decide", json=body, headers=mark).get_json()
    assert [one["status"] for one in answer["results"]] == [200, 404, 409]
    page = login("mark")
    ticked = [f"{ids[0]}:1", f"{ids[1]}:1", f"{ids[2]}:1"]
    form = {"verdict": "reject", "request": ticked, "comment": ""}
    assert page.post("/approvals/decide", data=form).status_code == 302
    assert waiting(platform, "mark") == [2]  # each needs a comment
    assert page.post("/approvals/decide", data={**form, "comment": "No"}).status_code == 302
    shown = get(page, "/approvals").text_content()
    assert "2 requests rejected" in shown
    assert waiting(platform, "mark") == [0]


def test_of_two_bulk_clicks_each_request_is_decided_once(
    platform: Platform, people: People, app: Flask, bearer: Bearer
) -> None:
    ids = [start(platform, quote_of(platform, name)) for name in "ABCDE"]
    body = {"verdict": "approve", "requests": [{"id": one, "revision": 1} for one in ids]}
    headers, results = bearer("mark"), list[list[int]]()
    gate = threading.Barrier(2)

    def click() -> None:
        client = app.test_client()
        gate.wait()
        answer = client.post("/api/v1/approvals/decide", json=body, headers=headers)
        results.append([one["status"] for one in answer.get_json()["results"]])

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sorted(pair) for pair in zip(*results, strict=True)] == [[200, 409]] * 5


def test_the_route_is_told_before_submitting(
    platform: Platform, people: People, login: Login, client: FlaskClient, bearer: Bearer
) -> None:
    quote = quote_of(platform, discount="0.25")
    headers = bearer("rita")
    address = f"/api/v1/quote/{quote}/explain?what=route"
    (way,) = client.get(address, headers=headers).get_json()["route"]
    assert [(one["name"], one["needed"], one["approvers"]) for one in way["steps"]] == [
        ("manager", True, [people["mark"]]),
        ("director", True, [people["diana"]]),
        ("finance", False, [people["fay"]]),
    ]
    page = get(login("rita"), f"/o/quote/{quote}/route")
    assert texts(page, ".steps li div span") == ["Mark", "Diana", "not needed"]
    stranger = client.get(address, headers=bearer("ron"))
    assert stranger.status_code == 404
    small = quote_of(platform, discount="0.01")
    refused = get(login("rita"), f"/o/quote/{small}/route")
    assert "does not meet the condition" in text(refused, "p.error")
    start(platform, quote)
    assert client.get(address, headers=headers).get_json()["route"] == []
    with acting(platform, "rita") as unit:
        (found,) = of_record(unit, "quote", quote)
    assert found.state.approvers == (people["mark"],)
