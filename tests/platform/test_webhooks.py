"""Webhooks: signed, delivered at least once, telling only what their person may see."""

from __future__ import annotations

import base64
import ipaddress
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from metadata.migrate import publish
from metadata.store import load_elements
from tests.metadata.databases import element
from tests.platform.acting import acting, make, restrict_field, stored
from tests.platform.world import People
from trellis.audit.sequencer import sequence
from trellis.audit.tables import audit_event
from trellis.config import Settings
from trellis.errors import NotAllowed
from trellis.net.outbound import Outbound
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.webhooks.delivery import RETRIES, Courier
from trellis.webhooks.fan_out import fan_out
from trellis.webhooks.replay import deliveries, replay
from trellis.webhooks.tables import webhook_delivery, webhook_failing
from trellis.worker import make_dispatcher

SECRET = "whsec_" + base64.b64encode(b"a secret that is 32 bytes long!!").decode()
OTHER = "whsec_" + base64.b64encode(b"another one that is 32 bytes too").decode()
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Receiver:
    """Takes messages on loopback and answers with `status`, after `pause` seconds."""

    status: int = 200
    pause: float = 0
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    url: str = ""

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


Receive = Callable[..., Receiver]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that allow what is on loopback."""
    return replace(settings, outbound_allowed=LOOPBACK)


@pytest.fixture
def receive() -> Iterator[Receive]:
    servers: list[ThreadingHTTPServer] = []

    def start(**options: Any) -> Receiver:
        receiver = Receiver(**options)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(receiver.pause)
                receiver.got.append((dict(self.headers), body))
                receiver.times.append(time.monotonic())
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        return receiver

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def hook(platform: Platform, people: People, url: str, **values: object) -> str:
    """Makes a webhook that acts as rita, and looks at changes from now on."""
    values = {
        "title": "Receiver",
        "url": url,
        "object": "contact",
        "events": ["create", "update", "delete"],
        "acts_as": people["rita"],
        "secret": SECRET,
        **values,
    }
    made = make(platform, "admin", "webhook", **values)
    sequence(platform.database)
    fan_out(platform)
    return made


def deliver(platform: Platform, **options: Any) -> None:
    sequence(platform.database)
    fan_out(platform)
    courier = Courier(platform, Outbound(LOOPBACK, **options))
    courier.drain()
    courier.close()


def states(platform: Platform) -> list[tuple[str, int, str | None]]:
    query = sa.select(webhook_delivery).order_by(webhook_delivery.c.sequence)
    with platform.database.read() as connection:
        rows = connection.execute(query).all()
    return [(row.state, row.attempts, row.error) for row in rows]


def test_messages_are_signed_and_tell_what_happened(
    platform: Platform, people: People, receive: Receive
) -> None:
    receiver = receive()
    hook(platform, people, receiver.url, old_secret=OTHER)
    contact = make(platform, "rita", "contact", name="Wang")
    deliver(platform)
    with acting(platform, "diana") as unit:
        save_record(unit, "contact", contact, {"name": "Wang Li"}, channel="api")
        delete_record(unit, "contact", contact, channel="api")
    deliver(platform)
    for secret in (SECRET, OTHER):
        for headers, body in receiver.got:
            Webhook(secret).verify(body, {name.lower(): it for name, it in headers.items()})
    created, updated, deleted = receiver.bodies()
    assert created["type"] == "trellis.contact.create"
    assert created["source"] == f"/api/v1/contact/{contact}"
    assert created["data"]["record"]["name"] == "Wang"
    assert (updated["data"]["op"], updated["data"]["fields"]) == ("update", ["name"])
    assert (deleted["data"]["op"], deleted["data"]["record"]) == ("delete", None)
    ids = [dict(headers)["webhook-id"] for headers, _ in receiver.got]
    assert ids == [body["id"] for body in receiver.bodies()]
    assert states(platform) == [("done", 1, None)] * 3


def test_a_message_tells_only_what_its_person_sees(
    platform: Platform, people: People, receive: Receive
) -> None:
    """Hidden fields, records out of reach, and conditions over what is hidden."""
    receiver = receive()
    hook(platform, people, receiver.url)
    hook(platform, people, receiver.url, filter="birthday > 1980-01-01", title="Oracle")
    hook(platform, people, receiver.url, object="lead", title="Leads", acts_as=people["ron"])
    contact = make(platform, "diana", "contact", name="Wang", birthday="1990-01-01")
    with acting(platform, "diana") as unit:
        save_record(unit, "contact", contact, {"birthday": "1991-01-01"}, channel="api")
    make(platform, "rita", "lead", name="Li", lead_source="web")
    deliver(platform)
    (told,) = receiver.bodies()
    assert told["data"]["op"] == "create"
    assert "birthday" not in {*told["data"]["fields"], *told["data"]["record"]}
    assert sorted(states(platform)) == [
        ("dead", 0, "the condition cannot be used: bad_filter"),
        ("done", 1, None),
    ]


def test_a_rule_calls_a_webhook_with_values_of_its_own(
    platform: Platform, people: People, receive: Receive
) -> None:
    receiver, other = receive(), receive()
    hook(platform, people, receiver.url, call_name="tell", object=None, events=None)
    hook(platform, people, other.url, title="Other", call_name="off", active=False)
    text = """rule tell on contact after create {
        call tell { name: name, on: date_of(created_at), sum: 1.50 CNY, tags: ["a"] }
        call off { a: 1 }
    }"""
    with platform.database.write(publishing=True) as connection:
        rule = element("local/tell.rules", {"text": text}, kind="rules")
        publish(connection, [*load_elements(connection), rule], by="test")
    contact = make(platform, "rita", "contact", name="Wang")
    make_dispatcher(platform).drain()
    deliver(platform)
    (told,) = receiver.bodies()
    assert told["type"] == "trellis.contact.call"
    data = told["data"]
    assert (data["object"], data["id"], data["op"]) == ("contact", contact, "call")
    today = data["at"][:10]
    sum_of = {"amount": "1.50", "currency": "CNY"}
    assert data["values"] == {"name": "Wang", "on": today, "sum": sum_of, "tags": ["a"]}
    ((headers, body),) = receiver.got
    Webhook(SECRET).verify(body, {name.lower(): it for name, it in headers.items()})
    assert (states(platform), other.got) == ([("done", 1, None)], [])


def test_rights_are_those_of_the_delivery(
    platform: Platform, people: People, receive: Receive
) -> None:
    receiver = receive()
    hook(platform, people, receiver.url)
    make(platform, "rita", "contact", name="Wang", title="Boss")
    sequence(platform.database)
    fan_out(platform)
    restrict_field(platform, "sales_rep", "contact", "title", "hidden")
    deliver(platform)
    (told,) = receiver.bodies()
    assert "title" not in {*told["data"]["fields"], *told["data"]["record"]}


def test_conditions_events_and_fields_choose(
    platform: Platform, people: People, receive: Receive
) -> None:
    receiver = receive()
    chosen = {"filter": 'name starts with "W"', "fields": "title", "events": ["update"]}
    hook(platform, people, receiver.url, **chosen)
    for name in ("Wang", "Zhao"):
        contact = make(platform, "rita", "contact", name=name)
        with acting(platform, "rita") as unit:
            save_record(unit, "contact", contact, {"title": "A"}, channel="api")
            save_record(unit, "contact", contact, {"phone": "+8613800138000"}, channel="api")
    deliver(platform)
    (told,) = receiver.bodies()
    assert told["data"]["fields"] == ["title"]
    assert told["data"]["record"].keys() == {"id", "version", "title"}


def test_a_failure_is_tried_again_and_then_given_up(
    platform: Platform, people: People, receive: Receive
) -> None:
    receiver = receive(status=500)
    key = hook(platform, people, receiver.url)
    make(platform, "rita", "contact", name="Wang")
    for tried in range(1, len(RETRIES) + 1):
        deliver(platform)
        pause = make_due(platform)
        assert 0.79 * RETRIES[tried - 1] <= pause <= 1.21 * RETRIES[tried - 1] + 1
        assert states(platform) == [("waiting", tried, None)]
    deliver(platform)
    assert states(platform) == [("dead", len(RETRIES) + 1, None)]
    receiver.status = 200
    with pytest.raises(NotAllowed), acting(platform, "diana") as unit:
        deliveries(unit)
    with acting(platform, "admin") as unit:
        assert [one["status"] for one in deliveries(unit, state="dead")] == [500]
        assert replay(unit, key) == 1
    deliver(platform)
    assert states(platform) == [("done", 1, None)]
    assert len({dict(headers)["webhook-id"] for headers, _ in receiver.got}) == 1


def make_due(platform: Platform) -> float:
    """Lets the time go until the next try; gives how many seconds that is."""
    with platform.database.write() as connection:
        at = connection.execute(sa.select(webhook_delivery.c.available_at)).scalar_one()
        past = datetime.now(UTC) - timedelta(seconds=5)
        connection.execute(sa.update(webhook_delivery).values(available_at=past))
    return float((at - datetime.now(UTC)).total_seconds())


@pytest.mark.parametrize(("status", "days"), [(410, 0), (500, 6)])
def test_what_is_gone_is_switched_off(
    platform: Platform, people: People, receive: Receive, status: int, days: int
) -> None:
    receiver = receive(status=status)
    key = hook(platform, people, receiver.url)
    since = datetime.now(UTC) - timedelta(days=days)
    if days:
        with platform.database.write() as connection:
            row = {"webhook": key, "since": since}
            connection.execute(sa.insert(webhook_failing).values(row))
    make(platform, "rita", "contact", name="Wang")
    deliver(platform)
    assert stored(platform, "webhook", key)["active"] is False
    with platform.database.read() as connection:
        kinds = connection.execute(sa.select(audit_event.c.kind)).scalars().all()
    assert "webhook" in kinds


def test_an_address_that_hangs_delays_no_other(
    platform: Platform, people: People, receive: Receive
) -> None:
    slow, quick = receive(pause=4), [receive() for _ in range(5)]
    for receiver in (slow, *quick):
        hook(platform, people, receiver.url)
    for number in range(4):
        make(platform, "rita", "contact", name=f"C{number}")
    sequence(platform.database)
    fan_out(platform)
    courier = Courier(platform, Outbound(LOOPBACK, total_seconds=4))
    began = time.monotonic()
    courier.start_due()
    while any(len(one.got) < 4 for one in quick) and time.monotonic() - began < 10:
        time.sleep(0.02)
    latest = max(moment for one in quick for moment in one.times)
    courier.drain()
    courier.close()
    assert [len(one.got) for one in quick] == [4] * 5
    assert latest - began < 3.5


def test_our_own_network_is_not_told(platform: Platform, people: People, receive: Receive) -> None:
    receiver = receive()
    hook(platform, people, receiver.url)
    make(platform, "rita", "contact", name="Wang")
    sequence(platform.database)
    fan_out(platform)
    courier = Courier(platform, Outbound())
    courier.drain()
    courier.close()
    ((state, tried, error),) = states(platform)
    assert (state, tried) == ("waiting", 1)
    assert (error or "").startswith("port: port ")
    assert receiver.got == []
