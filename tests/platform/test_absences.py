"""Who is away: entered by oneself or an administrator, and heard by approvals, pages and API."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.acting import acting, make
from tests.platform.pages import get, read, select, text, texts
from tests.platform.test_assignments import LEADS, activate, decision, lead, owner, team
from tests.platform.world import Bearer, Login, People
from trellis.approvals import decide, of_record, pending_for, submit
from trellis.channels.in_app import notification
from trellis.records.absences import absences_of, end_absence, enter_absence
from trellis.runtime import Platform
from trellis.web.formatting import day
from trellis.worker import make_dispatcher

Headers = dict[str, str]
FAR = timedelta(days=300)


@pytest.fixture
def quote(platform: Platform, people: People) -> str:
    """A quote of Rita's that Mark and then Diana have to approve."""
    account = make(platform, "rita", "account", name="Acme")
    return make(platform, "rita", "quote", name="Q", account=account, amount="800", discount="0.25")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def today(platform: Platform) -> date:
    return datetime.now(UTC).astimezone(platform.settings.zone).date()


def leave(platform: Platform, username: str, substitute: str | None) -> None:
    with acting(platform, username) as unit:
        last = unit.moment.today + FAR
        enter_absence(unit, unit.user_id or "", None, last, substitute=substitute)


def inbox(platform: Platform, username: str) -> list[tuple[str, ...]]:
    """Gives for whom each request in somebody's inbox waits."""
    with acting(platform, username) as unit:
        return [one.absent for one in pending_for(unit)]


def start(platform: Platform, quote: str) -> str:
    with acting(platform, "rita") as unit:
        return submit(unit, "quote", quote).id


def test_a_substitute_decides_and_it_is_said_for_whom_and_why(
    platform: Platform, people: People, app: Flask, login: Login, quote: str
) -> None:
    request = start(platform, quote)
    leave(platform, "mark", "fay")
    assert (inbox(platform, "fay"), inbox(platform, "diana")) == ([(people["mark"],)], [])
    page = get(login("fay"), "/approvals")
    with app.test_request_context():
        last = day(today(platform) + FAR)
    assert f"You stand in for Mark (away until {last})" in text(page, ".request header")
    assert text(page, "a[href='/approvals'] .tally") == "1"
    with acting(platform, "fay") as unit:
        assert decide(unit, request, "approve", "Fine").state.step == "director"
    with acting(platform, "rita") as unit:
        (found,) = of_record(unit, "quote", quote)
    (said,) = found.state.decisions
    assert (said.user, said.person) == (people["fay"], people["mark"])
    assert said.away_until == today(platform) + FAR
    page = get(login("rita"), f"/o/quote/{quote}")
    sentence = texts(page, ".steps .approved div div")[0]
    assert sentence.startswith(f"Fay for Mark, away until {last} approved")


def test_nobody_stands_in_for_her_own_request(
    platform: Platform, people: People, quote: str
) -> None:
    start(platform, quote)
    leave(platform, "mark", "rita")
    assert (inbox(platform, "rita"), inbox(platform, "mark")) == ([], [()])
    assert inbox(platform, "admin") == [(people["mark"],)]  # who is asked when nobody else is


def test_substitutes_of_substitutes_and_their_circle(
    platform: Platform, people: People, quote: str
) -> None:
    start(platform, quote)
    leave(platform, "mark", "fay")
    leave(platform, "fay", "ron")
    assert (inbox(platform, "fay"), inbox(platform, "ron")) == ([], [(people["mark"],)])
    leave(platform, "ron", "mark")
    assert (inbox(platform, "ron"), inbox(platform, "admin")) == ([], [(people["mark"],)])


def test_who_is_away_gets_no_work(platform: Platform, people: People) -> None:
    activate(platform, LEADS.replace('"From China"', '"From China"\n    only available'))
    team(platform, people, "rita", "ron")
    leave(platform, "ron", None)
    leads = [lead(platform, "CN") for _ in range(3)]
    assert [owner(platform, people, one) for one in leads] == ["rita", "rita", "mark"]
    assert (people["ron"], "away") in decision(platform, leads[0])[1]


def call(
    client: FlaskClient, headers: Headers, user: str, action: str, **body: object
) -> tuple[int, object]:
    answer = client.post(f"/api/v1/user/{user}/actions/{action}", json=body, headers=headers)
    found = answer.get_json()
    return answer.status_code, (
        [error["message"] for error in found["errors"]] if "errors" in found else found
    )


def test_absences_by_api(
    platform: Platform, people: People, client: FlaskClient, bearer: Bearer
) -> None:
    mark, ron, admin = bearer("mark"), bearer("ron"), bearer("admin")
    now = today(platform)
    days = {"from": str(now), "until": str(now + timedelta(days=9))}
    status, made = call(client, mark, people["mark"], "away", **days, substitute="fay")
    assert status == 200
    assert isinstance(made, dict)
    assert (made["substitute"], made["by"]) == (people["fay"], people["mark"])
    for headers, user, body, expected in (
        (mark, "mark", {}, ["Must be filled in"]),
        (mark, "mark", {"until": "soon"}, ['"soon" is not a date, as in 2026-03-01']),
        (
            mark,
            "mark",
            {"until": "2020-01-01", "substitute": "mark"},
            [f"The last day lies before the first ({now})", "Somebody else has to stand in"],
        ),
        (
            mark,
            "mark",
            {**days, "substitute": "zoe"},
            [
                f"There is an absence from {now} to {days['until']} already; "
                "take that one back first",
                'There is no record "zoe"',
            ],
        ),
        (ron, "mark", days, ["This needs the right to administer"]),
    ):
        status, messages = call(client, headers, people[user], "away", **body)
        assert (status, messages) == (403 if headers is ron else 422, expected)
    for headers, number in ((mark, 1), (ron, 0), (admin, 1), (bearer("fay"), 1)):
        answer = client.get("/api/v1/absences", headers=headers)
        assert len(answer.get_json()["items"]) == number
    assert call(client, ron, people["ron"], "back", absence=made["id"])[0] == 404
    assert call(client, admin, people["mark"], "back", absence=made["id"])[0] == 200
    with acting(platform, "mark") as unit:
        assert absences_of(unit) == ()


def test_absences_on_pages(platform: Platform, people: People, login: Login) -> None:
    mark, admin = login("mark"), login("admin")
    refused = mark.post("/profile/absences", data={"until": "2020-01-01", "substitute": "x"})
    assert refused.status_code == 422
    assert len(select(read(refused), "p.error")) == 2
    days = {"until": str(today(platform) + FAR), "substitute": people["fay"], "why": "Rest"}
    assert mark.post("/profile/absences", data=days).status_code == 302
    row = text(get(mark, "/profile/absences"), "tbody tr")
    assert "Fay" in row
    assert "Rest" in row
    assert "Mark" in text(get(login("fay"), "/profile/absences"), "#stands-in")
    there = f"/setup/people/{people['mark']}/absences"
    assert mark.get(there).status_code == 403
    (form,) = select(get(admin, there), "tbody form")
    assert admin.post(form.get("action") or "").status_code == 302
    assert texts(get(mark, "/profile/absences"), "tbody tr") == []


def told(platform: Platform, people: People, days: float = 0.001) -> list[str]:
    """Gives who has been told so many days from now that a request waits."""
    at = datetime.now(UTC) + timedelta(days=days)
    dispatcher = replace(make_dispatcher(platform), read_clock=lambda _connection: at)
    dispatcher.drain()
    names = {key: name for name, key in people.ids.items()}
    with platform.database.read() as connection:
        found = sa.select(notification.c.user_id).where(notification.c.kind == "approval_waiting")
        return sorted(names[key] for key in connection.scalars(found))


def test_who_comes_to_stand_in_is_told_what_waits(
    platform: Platform, people: People, quote: str
) -> None:
    start(platform, quote)
    assert told(platform, people) == ["mark"]
    leave(platform, "mark", "fay")
    assert told(platform, people) == ["fay", "mark"]
    leave(platform, "fay", "ron")  # and so for Mark
    assert told(platform, people) == ["fay", "mark", "ron"]


def test_who_stands_in_later_is_told_later_unless_it_is_taken_back(
    platform: Platform, people: People, quote: str
) -> None:
    start(platform, quote)
    first = today(platform) + timedelta(days=5)
    for substitute, days in (("fay", 0), ("ron", 20)):
        with acting(platform, "mark") as unit:
            begins = first + timedelta(days=days)
            last = begins + timedelta(days=9)
            away = enter_absence(unit, people["mark"], begins, last, substitute=substitute)
    with acting(platform, "mark") as unit:
        end_absence(unit, people["mark"], away.id)
    assert told(platform, people, 3) == ["mark"]
    assert told(platform, people, 7) == ["fay", "mark"]
    assert told(platform, people, 30) == ["fay", "mark"]


def test_sec01_who_has_no_word_is_refused_by_rights_whoever_is_away(
    platform: Platform, people: People, client: FlaskClient, bearer: Bearer, quote: str
) -> None:
    start(platform, quote)
    leave(platform, "mark", "fay")
    approve = f"/api/v1/quote/{quote}/actions/approve"
    for who, status in (("admin", 403), ("rita", 403), ("ron", 404), ("fay", 200)):
        assert client.post(approve, json={}, headers=bearer(who)).status_code == status
    leave(platform, "diana", None)
    assert client.post(approve, json={}, headers=bearer("admin")).status_code == 200
