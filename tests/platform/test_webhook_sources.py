"""Webhooks in: a signed message becomes one record, with the rights of a person."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from standardwebhooks.webhooks import Webhook

from tests.platform.acting import acting, change_element, make, stored
from tests.platform.world import Login, People
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.webhooks.cleanup import forget_messages
from trellis.webhooks.inbox import error_in, receive_again
from trellis.webhooks.receiving import receive_due
from trellis.webhooks.tables import webhook_inbox

SECRET = "whsec_c2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0ZXN0cyE="
MESSAGE = {
    "name": {"type": "string", "from": "/person/name"},
    "mail": {"type": "string", "from": "/person/mails/0"},
    "size": {"type": "integer"},
}
MAPPING = {
    "name": "name",
    "email": "lower(mail)",
    "employees": "size * 10",
    "lead_source": '"web"',
}
BODY = {"person": {"name": "Wang", "mails": ["WANG@ACME.CN"]}, "size": 12}


def source(platform: Platform, people: People, **values: object) -> str:
    values = {
        "title": "Shop",
        "object": "lead",
        "acts_as": people["rita"],
        "secret": SECRET,
        "scheme": "standard",
        "message": MESSAGE,
        "mapping": MAPPING,
        **values,
    }
    return make(platform, "admin", "webhook_source", **values)


def standard(body: bytes, key: str = "m1", at: datetime | None = None) -> dict[str, str]:
    moment = at or datetime.now(UTC)
    signature = Webhook(SECRET).sign(key, moment, body.decode())
    stamp = str(int(moment.timestamp()))
    return {"webhook-id": key, "webhook-timestamp": stamp, "webhook-signature": signature}


def send(app: Flask, key: str, body: bytes, headers: dict[str, str]) -> int:
    return app.test_client().post(f"/hooks/{key}", data=body, headers=headers).status_code


def inbox(platform: Platform) -> list[Any]:
    with platform.database.read() as connection:
        return list(connection.execute(sa.select(webhook_inbox).order_by(webhook_inbox.c.id)))


def test_a_message_becomes_one_record(app: Flask, platform: Platform, people: People) -> None:
    key, body = source(platform, people), json.dumps(BODY).encode()
    began = time.monotonic()
    assert [send(app, key, body, standard(body)) for _ in range(3)] == [202] * 3
    assert time.monotonic() - began < 2
    assert receive_due(platform) == 1
    assert receive_due(platform) == 0
    (message,) = inbox(platform)
    assert (message.state, message.body, message.error) == ("done", "", None)
    lead = stored(platform, "lead", message.record_id)
    assert (lead["name"], lead["email"], lead["employees"]) == ("Wang", "wang@acme.cn", 120)
    assert (lead["created_by"], lead["source"]) == (people["rita"], "Shop")


def test_other_schemes_are_told_by_the_source(
    app: Flask, platform: Platform, people: People
) -> None:
    settings = {"scheme": "timestamped", "algorithm": "sha512", "prefix": "v=", "secret": "plain"}
    names = {"header": "X-Sign", "time_header": "X-Time", "id_header": "X-Id"}
    key, body = source(platform, people, **settings, **names), json.dumps(BODY).encode()
    stamp = str(int(time.time()))
    digest = hmac.new(b"plain", f"{stamp}.".encode() + body, hashlib.sha512).hexdigest()
    headers = {"X-Sign": f"v={digest}", "X-Time": stamp, "X-Id": "7"}
    assert send(app, key, body, headers) == 202
    assert send(app, key, body, {**headers, "X-Time": str(int(stamp) - 1)}) == 401
    assert send(app, key, body, {**headers, "X-Sign": digest}) == 401


BODY_TEXT = json.dumps(BODY).encode()
LATE = datetime.now(UTC) - timedelta(minutes=6)
REFUSED: dict[str, tuple[bytes, dict[str, str]]] = {
    "other body": (BODY_TEXT + b" ", standard(BODY_TEXT)),
    "old": (BODY_TEXT, standard(BODY_TEXT, at=LATE)),
    "no signature": (BODY_TEXT, {"webhook-id": "m1", "webhook-timestamp": "1"}),
    "other id": (BODY_TEXT, {**standard(BODY_TEXT), "webhook-id": "m2"}),
    "broken time": (BODY_TEXT, {**standard(BODY_TEXT), "webhook-timestamp": "²"}),
    "nothing": (b"", {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_signed_is_refused(
    app: Flask, platform: Platform, people: People, case: str
) -> None:
    key, (body, headers) = source(platform, people), REFUSED[case]
    sent = {name: value for name, value in headers.items() if value.isascii()}
    answers = [
        app.test_client().post(f"/hooks/{to}", data=body, headers=sent)
        for to in (
            key,
            "0190a000-0000-7000-8000-000000000000",
            source(platform, people, active=False),
        )
    ]
    assert [one.status_code for one in answers] == [401] * 3
    assert len({one.data for one in answers}) == 1
    assert inbox(platform) == []


@pytest.mark.parametrize(
    ("change", "body", "error"),
    [
        ({}, b"{", "the message is not JSON"),
        ({}, b"[" * 5_000 + b"]" * 5_000, "nested more than 60 levels deep"),
        ({}, b"[" * 900 + b"]" * 900, f"{'/0' * 61}: nested more than 60 levels deep"),
        ({}, b'{"person": {"name": "\\ud800"}}', "not UTF-8 text"),
        ({}, b'{"size": "many"}', "/size: "),
        ({"mapping": {"name": "nme"}}, BODY_TEXT, "name: "),
        ({"mapping": {"name": "name", "password": "name"}}, BODY_TEXT, "/password: "),
        ({"object": "user"}, BODY_TEXT, ""),
    ],
)
def test_what_cannot_be_a_record_is_dead_and_says_why(
    app: Flask,
    platform: Platform,
    people: People,
    change: dict[str, object],
    body: bytes,
    error: str,
) -> None:
    key = source(platform, people, **change)
    assert send(app, key, body, standard(body)) == 202
    assert receive_due(platform) == 1
    (message,) = inbox(platform)
    assert (message.state, message.record_id, message.attempts) == ("dead", None, 1)
    english, chinese = (error_in(message.error or "", language) for language in ("en", "zh"))
    assert english.startswith(error)
    assert english
    assert re.search("[一-鿿]", chinese)


def test_a_body_that_is_too_long_is_refused(app: Flask, platform: Platform, people: People) -> None:
    body = b"x" * (1024 * 1024 + 1)
    assert send(app, source(platform, people), body, standard(body)) == 413


def test_messages_that_failed_are_shown_and_tried_again(
    app: Flask, platform: Platform, people: People, login: Login
) -> None:
    key = source(platform, people, mapping={"name": "nmae"})
    body = json.dumps(BODY).encode()
    assert send(app, key, body, standard(body)) == 202
    receive_due(platform)
    client = login("admin")
    page = client.get("/setup/webhooks/received?state=dead").get_data(as_text=True)
    assert "name: " in page
    assert "WANG@ACME.CN" in page
    with acting(platform, "admin") as unit:
        save_record(unit, "webhook_source", key, {"mapping": MAPPING}, channel="api")
    (message,) = inbox(platform)
    assert login("rita").get("/setup/webhooks/received").status_code == 403
    assert login("rita").post(f"/setup/webhooks/received/{message.id}/again").status_code == 403
    again = f"/setup/webhooks/received/{message.id}/again"
    assert client.post(again).status_code == 302
    assert client.post(again).status_code == 404
    assert receive_due(platform) == 1
    page = client.get("/setup/webhooks/received").get_data(as_text=True)
    assert "Taken in" in page
    (message,) = inbox(platform)
    assert f"/o/lead/{message.record_id}" in page


def test_a_rule_that_blocks_duplicates_holds_for_messages(
    app: Flask, platform: Platform, people: People
) -> None:
    """The second stays with what the rule says, and is taken in once the first has gone."""

    def block(body: dict[str, Any]) -> None:
        body["crm"]["duplicates"] = [
            {
                "name": "same_mail",
                "title": "The same lead",
                "match": [{"field": "email"}],
                "on_create": "block",
            }
        ]

    change_element(platform, "object", "lead", block)
    key, bodies = source(platform, people), [BODY_TEXT, BODY_TEXT + b" "]
    for number, body in enumerate(bodies):
        assert send(app, key, body, standard(body, key=f"m{number}")) == 202
    asked_to_end = iter((False, True))
    assert receive_due(platform, asked_to_end.__next__) == 1
    assert receive_due(platform) == 1
    first, second = inbox(platform)
    assert (first.state, second.state, second.record_id) == ("done", "dead", None)
    assert [error_in(second.error, one) for one in ("en", "zh")] == [
        "There may be such a record already (The same lead); look at the ones named first",
        "可能已有这样的记录（The same lead）；请先查看列出的记录",
    ]
    with acting(platform, "admin") as unit:
        assert len(unit.records().list("lead").items) == 1
        delete_record(unit, "lead", first.record_id, channel="api")
        receive_again(unit, second.id)
    assert receive_due(platform) == 1
    assert [one.state for one in inbox(platform)] == ["done", "done"]


@pytest.mark.parametrize(
    ("scheme", "is_known"),
    [
        ({"scheme": "standard"}, False),
        ({"scheme": "body"}, True),
        ({"scheme": "body", "time_header": "X-Time"}, True),
        ({"scheme": "timestamped"}, True),
        ({"scheme": "timestamped", "time_header": "X-Time"}, False),
    ],
    ids=str,
)
def test_what_could_be_sent_again_for_ever_is_known_for_ever(
    app: Flask, platform: Platform, people: People, scheme: dict[str, object], is_known: bool
) -> None:
    key = source(platform, people, **scheme, encoding="base64", header="X-Sign")
    stamp = str(int(time.time()))
    signed = BODY_TEXT if scheme["scheme"] == "body" else b"." + BODY_TEXT
    if scheme.get("time_header") and scheme["scheme"] == "timestamped":
        signed = f"{stamp}.".encode() + BODY_TEXT
    digest = hmac.new(base64.b64decode(SECRET[6:]), signed, hashlib.sha256).digest()
    headers = {"X-Sign": base64.b64encode(digest).decode(), "X-Time": stamp}
    if scheme["scheme"] == "standard":
        headers = standard(BODY_TEXT)
    assert send(app, key, BODY_TEXT, headers) == 202
    assert receive_due(platform) == 1
    assert forget_messages(platform) == 0
    with platform.database.write() as connection:
        past = datetime.now(UTC) - timedelta(days=31)
        connection.execute(sa.update(webhook_inbox).values(done_at=past))
    assert forget_messages(platform) == (not is_known)
    assert send(app, key, BODY_TEXT, headers) == 202
    assert receive_due(platform) == (not is_known)
