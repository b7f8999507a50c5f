"""Several processes on one database: they agree at once, are killed, and start again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import make, stored
from tests.platform.serving import BROKEN_OFF, Answer, Client, served, wait_until
from tests.platform.world import People
from trellis.automation.outbox import outbox
from trellis.automation.requests import approval_request
from trellis.channels.in_app import notification
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

PUBLISHES = 10
REQUESTS_PER_PUBLISH = 30
AT_ONCE = 6


# --- what one process publishes, all serve ----------------------------------------------------


def gadget(fields: int) -> dict[str, Any]:
    """Gives an object with a number of fields beside its name."""
    names = [f"f{number}" for number in range(fields)]
    return {
        "title": "Gadget",
        "type": "object",
        "required": ["name"],
        "properties": {name: {"type": "string"} for name in ("name", *names)},
        "crm": {"name_field": "name"},
    }


def publish(client: Client, number: int) -> None:
    """Adds a field to `gadget` and a new object, and publishes both."""
    bodies = {"gadget": gadget(number), f"gadget_{number}": gadget(1)}
    for name, body in bodies.items():
        assert client("PUT", f"meta/objects/{name}", body).status == 200
    plan = client("POST", "meta/plan").body
    assert plan["problems"] == []
    assert client("POST", "meta/publish", {"token": plan["token"]}).status == 200


def is_current(client: Client, number: int, request: int) -> bool:
    """Asks something that only a process knows which has seen publish `number`."""
    newest = f"f{number - 1}"
    match request % 4:
        case 0:
            answer = client("POST", "gadget", {"name": "A", newest: "new"})
            return answer.status == 201 and answer.body[newest] == "new"
        case 1:
            answer = client("GET", f"gadget?fields=name,{newest}&limit=3")
            return answer.status == 200 and all(newest in item for item in answer.body["items"])
        case 2:
            return client("POST", f"gadget_{number}", {"name": "B", "f0": "x"}).status == 201
        case _:
            return client("GET", f"gadget_{number}?filter=f0%20=%20%22x%22").status == 200


def test_what_is_published_is_served_by_all_processes_at_once(platform: Platform) -> None:
    stale = 0
    with served(platform.settings) as server, ThreadPoolExecutor(AT_ONCE) as crowd:
        client = server.client("admin")
        before = server.served_by()
        for number in range(1, PUBLISHES + 1):
            publish(client, number)
            asked = crowd.map(
                lambda request, number=number: is_current(client, number, request),
                range(REQUESTS_PER_PUBLISH),
            )
            stale += list(asked).count(False)
        counts = server.served_by()
    assert stale == 0
    assert sum(counts.values()) - sum(before.values()) >= PUBLISHES * REQUESTS_PER_PUBLISH
    # Both processes had their share, or the test would say nothing.
    assert len(counts) == 2
    assert min(counts.values()) >= PUBLISHES, counts


# --- kill -9 ----------------------------------------------------------------------------------


def make_quotes(platform: Platform, number: int) -> list[str]:
    """Makes quotes of Rita's whose discount takes two steps."""
    account = make(platform, "rita", "account", name="Acme")
    values = {"account": account, "amount": "800", "discount": "0.25"}
    return [make(platform, "rita", "quote", name=f"Q{n}", **values) for n in range(number)]


def submitted(client: Client, quote: str) -> Answer | None:
    """Submits a quote; gives None when the server went away meanwhile."""
    try:
        return client("POST", f"quote/{quote}/actions/submit")
    except BROKEN_OFF:
        return None


def notified(platform: Platform) -> list[str]:
    """Gives the quotes about which somebody was told, once per notification."""
    with platform.database.read() as connection:
        return sorted(connection.execute(sa.select(notification.c.record_id)).scalars())


def told(platform: Platform) -> list[tuple[str, str]]:
    """Gives who was told what, once per notification."""
    with platform.database.read() as connection:
        found = connection.execute(sa.select(notification.c.user_id, notification.c.kind))
        return sorted((user, kind) for user, kind in found)


def requested(platform: Platform) -> list[str]:
    """Gives the quotes that wait for an approval."""
    with platform.database.read() as connection:
        return sorted(connection.execute(sa.select(approval_request.c.record_id)).scalars())


def states(platform: Platform) -> set[str]:
    """Gives the states of all effects."""
    with platform.database.read() as connection:
        return set(connection.execute(sa.select(outbox.c.state)).scalars())


def test_killed_amid_submits_every_approval_is_told_of_once(platform: Platform) -> None:
    quotes = make_quotes(platform, 12)
    groups: Sequence[Sequence[str]] = [quotes[:4], quotes[4:8], quotes[8:]]
    answered: list[str] = []
    with served(platform.settings) as server, ThreadPoolExecutor(4) as crowd:
        client = server.client("rita")
        for group in groups:
            running = [crowd.submit(submitted, client, quote) for quote in group]
            running[0].result()
            server.kill("web_server", "trellis worker")
            answers = [future.result() for future in running]
            answered += [quote for quote, a in zip(group, answers, strict=True) if a]
            wait_until(server.is_ready, "the web server's return")
        wait_until(lambda: states(platform) == {"done"}, "the effects")
        wait_until(lambda: notified(platform) == requested(platform), "the notifications")
    assert len(answered) >= len(groups)
    assert set(answered) <= set(notified(platform))
    assert len(set(notified(platform))) == len(notified(platform))


def test_an_approval_survives_a_kill_and_restarts(platform: Platform, people: People) -> None:
    (quote,) = make_quotes(platform, 1)
    actions = f"quote/{quote}/actions"
    with served(platform.settings, "--no-worker") as server:
        answer = submitted(server.client("rita"), quote)
        server.kill("web_server")
    assert answer is not None
    assert (answer.status, answer.body["step"]) == (200, "manager")
    assert (states(platform), told(platform)) == ({"waiting"}, [])
    with served(platform.settings) as server:
        wait_until(lambda: states(platform) == {"done"}, "the effect of the killed process")
        assert told(platform) == [(people["mark"], "approval_waiting")]
        version = stored(platform, "quote", quote)["version"]
        held = server.client("rita")(
            "PATCH", f"quote/{quote}", {"discount": "0.01"}, If_Match=f'"{quote}:{version}"'
        )
        assert (held.status, held.body["errors"][0]["code"]) == (409, "locked"), held
        revision = answer.body["revision"]
        moved = server.client("mark")("POST", f"{actions}/approve", {"revision": revision})
        assert (moved.status, moved.body["step"]) == (200, "director")
    with served(platform.settings) as server:
        done = server.client("diana")("POST", f"{actions}/approve")
        assert (done.status, done.body["status"]) == (200, "approved")
        wait_until(lambda: states(platform) == {"done"}, "the effects")
    assert stored(platform, "quote", quote)["status"] == "approved"
    assert told(platform) == sorted(
        [
            (people["mark"], "approval_waiting"),
            (people["diana"], "approval_waiting"),
            (people["rita"], "quote_approved"),
        ]
    )
