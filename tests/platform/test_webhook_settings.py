"""Webhooks that could never do anything: refused when they are saved, named when they stop."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from metadata.problems import sentence
from tests.platform.acting import acting, make, restrict_field, stored
from tests.platform.importing import csv_bytes, run, upload
from tests.platform.test_webhooks import (
    LOOPBACK,
    SECRET,
    Receive,
    deliver,
    hook,
    receive,
    settings,
    states,
)
from tests.platform.world import Bearer, Login, People
from trellis.departing.depart import depart
from trellis.doctor import examine_webhooks
from trellis.errors import Refused
from trellis.net.addresses import Network
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.security.users import set_active
from trellis.webhooks.replay import replay

__all__ = ["receive", "settings"]

Found = list[tuple[str, str]]


class Undone(Exception):  # noqa: N818  # says what becomes of it
    """What was made is not kept."""


NOBODY = "nobody acts for the webhook"

# A change of what is right, and what it is refused with.
WRONG: list[tuple[dict[str, object], Found]] = [
    ({}, []),
    ({"url": "https://erp:8443/x"}, []),
    ({"url": "http://127.0.0.1:5000/x"}, []),
    ({"url": "http://erp.example/x"}, []),  # whether it is ours is asked when it is spoken to
    ({"url": "http://93.184.216.34/x"}, [("/url", "webhook_plain")]),
    ({"url": "https://10.0.0.1/x"}, [("/url", "webhook_inner")]),
    ({"url": "https://[::ffff:10.0.0.1]/x"}, [("/url", "webhook_inner")]),
    ({"url": "http://0xa.1/x"}, [("/url", "webhook_inner"), ("/url", "webhook_plain")]),
    ({"url": "https://u:p@erp.example/x"}, [("/url", "url")]),
    ({"url": "https://erp.example/路"}, [("/url", "webhook_address")]),
    ({"object": "acount"}, [("/object", "unknown_object")]),
    ({"object": None, "events": None}, [("/object", "webhook_tells_nothing")]),
    ({"object": None}, [("/object", "webhook_tells_nothing")]),
    ({"events": []}, [("/events", "webhook_tells_nothing")]),
    ({"events": [], "call_name": "tell"}, []),
    ({"object": None, "events": None, "call_name": "tell"}, []),
    ({"fields": "name, title"}, []),
    ({"fields": "nmae, title, size"}, [("/fields", "unknown_field")] * 2),
    ({"filter": 'name starts with "W"'}, []),
    ({"filter": "nmae = 1 and size = 2"}, [("/filter", "bad_filter")] * 2),
    ({"filter": "name = "}, [("/filter", "bad_filter")]),
    ({"filter": 'name matches "W"'}, [("/filter", "bad_filter")]),
]  # fmt: skip
RIGHT = {
    "title": "Receiver",
    "url": "https://receiver.example/hook",
    "object": "contact",
    "events": ["create"],
    "secret": SECRET,
}
BROKEN = {"object": "acount", "url": "http://10.0.0.1/x", "events": []}
SAID = [
    ("/object", "unknown_object"),
    ("/url", "webhook_inner"),
    ("/url", "webhook_plain"),
    ("/events", "webhook_tells_nothing"),
]


def refusal(
    platform: Platform,
    people: People,
    values: Mapping[str, object],
    networks: tuple[Network, ...] = LOOPBACK,
) -> Found:
    """Gives what an administrator is told who makes a webhook, in both languages."""
    given = {**RIGHT, "acts_as": people["rita"], **values}
    try:
        with acting(platform, "admin") as unit:
            allowed = replace(unit, own_networks=networks)
            save_record(allowed, "webhook", None, given, channel="api")
            raise Undone  # noqa: TRY301  # rolls back
    except Undone:
        return []
    except Refused as refused:
        for problem in refused.problems:
            assert sentence(problem, "zh") != sentence(problem, "en")
        return [(one.path, one.code) for one in refused.problems]


def test_a_webhook_that_would_do_nothing_is_refused(platform: Platform, people: People) -> None:
    found = {str(values): refusal(platform, people, values) for values, _ in WRONG}
    assert found == {str(values): expected for values, expected in WRONG}


def test_plain_http_and_our_network_need_an_allowance(platform: Platform, people: People) -> None:
    def found(url: str, *networks: str) -> list[str]:
        allowed = tuple(ipaddress.ip_network(one) for one in networks)
        return [code for _, code in refusal(platform, people, {"url": url}, allowed)]

    for url in ("http://127.0.0.1/x", "http://localhost/x", "http://10.0.0.1"):
        assert found(url) == ["webhook_inner", "webhook_plain"]
    assert found("http://a.example/") == ["webhook_plain"]
    assert found("https://a.example:25/") == ["webhook_port"]
    assert found("https://10.0.3.4/", "10.1.0.0/16") == ["webhook_inner"]
    assert found("http://10.0.3.4:25/", "10.0.0.0/16") == []


def test_every_door_says_all_at_once(
    platform: Platform, people: People, app: Flask, bearer: Bearer, login: Login
) -> None:
    body = {**RIGHT, **BROKEN, "acts_as": people["rita"]}
    client, headers = app.test_client(), bearer("admin")
    answer = client.post("/api/v1/webhook", json=body, headers=headers)
    assert answer.status_code == 422
    assert [(one["path"], one["code"]) for one in answer.get_json()["errors"]] == SAID
    ops = [{"op": "create", "data": body}] * 2
    told = client.post("/api/v1/webhook/bulk?mode=each", json=ops, headers=headers).get_json()
    for result in told["results"]:
        assert [one["code"] for one in result["errors"]] == [code for _, code in SAID]
    page = login("admin").post("/o/webhook/new", data={**body, "active": "on", "events": ""})
    assert page.status_code == 422
    text = page.get_data(as_text=True)
    for words in ("no object &#34;acount&#34;", "in our own network", "has to begin with https://"):
        assert words in text
    rows = [["title", "url", "object", "events", "acts_as", "secret"]]
    rows.append(["W", "http://10.0.0.1/x", "acount", "create", "rita", SECRET])
    counts = run(platform, "admin", upload(platform, "admin", "webhook", csv_bytes(rows)))
    assert counts == {"error": 1}


def test_one_that_is_off_may_be_wrong_until_it_is_switched_on(
    platform: Platform, people: People
) -> None:
    values = {**RIGHT, **BROKEN, "acts_as": people["rita"], "active": False}
    key = make(platform, "admin", "webhook", **values)
    with pytest.raises(Refused) as refused, acting(platform, "admin") as unit:
        save_record(unit, "webhook", key, {"active": True}, channel="api")
    assert [(one.path, one.code) for one in refused.value.problems] == SAID


def test_a_source_names_an_object_and_somebody_who_works_here(
    platform: Platform, people: People
) -> None:
    lock(platform, people["ron"])
    values = {"title": "S", "object": "leed", "acts_as": people["ron"], "secret": SECRET}
    values |= {"scheme": "standard", "message": {}, "mapping": {}}
    with pytest.raises(Refused) as refused:
        make(platform, "admin", "webhook_source", **values)
    assert [(one.path, one.code) for one in refused.value.problems] == [
        ("/object", "unknown_object"),
        ("/acts_as", "webhook_nobody_acts"),
    ]


def lock(platform: Platform, user_id: str) -> None:
    with platform.database.write() as connection:
        set_active(connection, platform.catalogs.current(connection), user_id, active=False)


def test_what_a_leavers_webhooks_would_have_told_is_given_up_and_can_be_sent_again(
    platform: Platform, people: People, receive: Receive
) -> None:
    """Not more than the next person may see, and only what fulfils the condition then."""
    receiver = receive()
    restrict_field(platform, "sales_rep", "contact", "birthday", "hidden")
    key = hook(platform, people, receiver.url, filter='name starts with "W"')
    with acting(platform, "admin") as unit:
        left = depart(unit, people["rita"], "manager", channel="api")
    assert left.webhooks == {"webhook": ["Receiver"]}
    wang = make(platform, "diana", "contact", name="Wang", birthday="1990-01-01")
    make(platform, "diana", "contact", name="Zhao")
    for number in range(2):  # a change of nothing but what is hidden, and a deletion
        with acting(platform, "diana") as unit:
            if number:
                delete_record(unit, "contact", wang, channel="api")
            else:
                values = {"birthday": "1991-01-01"}
                save_record(unit, "contact", wang, values, channel="api")
    deliver(platform)
    assert states(platform) == [("dead", 1, NOBODY)] * 4
    assert [one.text for one in examine_webhooks(platform)] == [
        "webhook 'Receiver', acts_as: Nobody acts for it: this user is locked out or gone. "
        "Choose somebody who works here"
    ]
    with acting(platform, "admin") as unit:
        save_record(unit, "webhook", key, {"acts_as": people["ron"]}, channel="api")
        assert replay(unit, key) == 4
    assert list(examine_webhooks(platform)) == []
    deliver(platform)
    done, left_out = ("done", 1, None), ("done", 1, "not to be told")
    assert states(platform) == [left_out, left_out, left_out, done]
    assert [body["data"]["op"] for body in receiver.bodies()] == ["delete"]


def test_the_next_person_is_told_what_she_sees(
    platform: Platform, people: People, receive: Receive
) -> None:
    receiver = receive()
    key = hook(platform, people, receiver.url, fields="name,birthday")
    lock(platform, people["rita"])
    make(platform, "diana", "contact", name="Wang", birthday="1990-01-01", title="Boss")
    deliver(platform)
    assert states(platform) == [("dead", 1, NOBODY)]
    with acting(platform, "admin") as unit:
        save_record(unit, "webhook", key, {"acts_as": people["ron"]}, channel="api")
        replay(unit, key)
    deliver(platform)
    (told,) = receiver.bodies()
    assert told["data"]["record"].keys() == {"id", "version", "name"}
    assert set(told["data"]["fields"]) <= {"name"}
    assert "birthday" not in told["data"]["fields"]


def test_whoever_has_somebody_depart_is_told_of_her_webhooks(
    platform: Platform, people: People, login: Login, app: Flask, bearer: Bearer
) -> None:
    key = hook(platform, people, "https://receiver.example/hook", title="To the shop")
    hook(platform, people, "https://receiver.example/hook", title="Off", active=False)
    hook(platform, people, "https://receiver.example/hook", title="Ron's", acts_as=people["ron"])
    values = {"title": "From the shop", "object": "lead", "acts_as": people["rita"]}
    values |= {"secret": SECRET, "scheme": "body", "message": {}, "mapping": {}}
    make(platform, "admin", "webhook_source", **values)
    page = login("admin").get(f"/setup/people/{people['rita']}/depart").get_data(as_text=True)
    assert f'<a href="/o/webhook/{key}">To the shop</a>' in page
    assert ">From the shop</a>" in page
    assert "Ron" not in page
    assert ">Off<" not in page
    answer: dict[str, Any] = (
        app.test_client()
        .post(
            f"/api/v1/user/{people['rita']}/actions/depart",
            json={"rule": "manager"},
            headers=bearer("admin"),
        )
        .get_json()
    )
    assert answer["webhooks"] == {
        "webhook": ["To the shop"],
        "webhook_source": ["From the shop"],
    }
    assert stored(platform, "webhook", key)["active"] is True
