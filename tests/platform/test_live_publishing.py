"""Objects published while others work: nobody sees an error, nobody sees what was before.

A few here; `make soak` publishes thirty.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.platform.serving import Answer, Client, served
from tests.platform.world import PASSWORD
from trellis.runtime import Platform
from trellis.security.builder import ADMIN_ROLE
from trellis.security.users import create_user

IS_SOAK = bool(os.environ.get("TRELLIS_SOAK"))
PUBLISHES = 30 if IS_SOAK else 4
CLIENTS = 4

pytestmark = [
    pytest.mark.soak,
    pytest.mark.usefixtures("people"),
]


def gadget(fields: int) -> dict[str, Any]:
    """Gives an object with a number of fields beside its name, the newest one required."""
    names = [f"f{number}" for number in range(1, fields + 1)]
    properties: dict[str, Any] = {"name": {"type": "string"}}
    for name in names:
        properties[name] = {"type": "string", "default": f"a {name}", "crm": {"index": True}}
    return {
        "title": "Gadget",
        "type": "object",
        "required": ["name", *names[-1:]],
        "properties": properties,
        "crm": {"name_field": "name"},
    }


@dataclass
class Live:
    """What is published by now, and what went wrong."""

    newest: int = 0
    done: bool = False
    asked: int = 0
    errors: list[object] = field(default_factory=list)
    stale: list[object] = field(default_factory=list)


def publish(client: Client, number: int) -> float:
    """Adds a field to `gadget` and a new object, and publishes both; gives how long it took."""
    bodies = {"gadget": gadget(number), f"gadget_{number}": gadget(1)}
    for name, body in bodies.items():
        assert client("PUT", f"meta/objects/{name}", body).status == 200
    plan = client("POST", "meta/plan").body
    assert plan["problems"] == []
    begun = time.monotonic()
    answer = client("POST", "meta/publish", {"token": plan["token"]})
    assert answer.status == 200, answer
    return time.monotonic() - begun


def look(client: Client, known: int, turn: int) -> tuple[Answer, bool]:
    """Asks something; says too whether the answer knows of publish `known`."""
    newest = f"f{known}"
    match turn % 6:
        case 0:
            answer = client("POST", "gadget", {"name": "A"})
            return answer, answer.status == 201 and answer.body[newest] == f"a {newest}"
        case 1:
            answer = client("GET", f"gadget?fields=name,{newest}&limit=5")
            items = answer.body.get("items", [])
            # A row written before the field came has its default, too.
            return answer, bool(items) and all(item[newest] == f"a {newest}" for item in items)
        case 2:
            answer = client("POST", f"gadget_{known}", {"name": "B", "f1": "x"})
            return answer, answer.status == 201
        case 3:
            answer = client("GET", f"gadget_{known}?filter=f1%20=%20%22x%22")
            return answer, answer.status == 200
        case 4:
            answer = client.open("GET", f"/o/gadget_{known}/")
            return answer, answer.status == 200
        case _:
            answer = client("GET", "lead?limit=5")
            return answer, answer.status == 200


def work(client: Client, live: Live, start: int) -> None:
    """Reads and writes until all is published."""
    turn = start
    while not live.done:
        known = live.newest
        answer, is_current = look(client, known, turn)
        live.asked += 1
        if answer.status >= 400:
            live.errors.append((turn % 6, known, answer))
        elif not is_current:
            live.stale.append((turn % 6, known, answer))
        turn += 1


def test_nobody_notices_what_is_published_meanwhile(platform: Platform) -> None:
    live = Live()
    with served(platform.settings) as server, ThreadPoolExecutor(CLIENTS) as crowd:
        admin, clients = server.client("admin"), [server.client("admin") for _ in range(CLIENTS)]
        publish(admin, 1)
        live.newest = 1
        assert admin("POST", "gadget", {"name": "first"}).status == 201
        running = [crowd.submit(work, client, live, n) for n, client in enumerate(clients)]
        try:
            for number in range(2, PUBLISHES + 1):
                publish(admin, number)
                live.newest = number
                wanted = live.asked + 2 * CLIENTS
                while live.asked < wanted and not all(one.done() for one in running):
                    time.sleep(0.01)
        finally:
            live.done = True
        for one in running:
            one.result()
        counts = server.served_by()
    assert (live.errors, live.stale) == ([], [])
    assert live.asked > PUBLISHES * CLIENTS
    assert len(counts) == 2, "both processes had their share, or the test would say nothing"


def make_second_admin(platform: Platform) -> None:
    """Makes somebody else who may publish."""
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        values = {"username": "ada", "name": "Ada", "email": "ada@example.com"}
        create_user(connection, catalog, values, password=PASSWORD, roles=[ADMIN_ROLE])


def planned(client: Client, name: str) -> str:
    """Drafts an object and gives the token of the plan."""
    assert client("PUT", f"meta/objects/{name}", gadget(2)).status == 200
    token: str = client("POST", "meta/plan").body["token"]
    return token


def test_of_two_who_publish_at_once_one_wins_and_one_is_told(platform: Platform) -> None:
    make_second_admin(platform)
    outcomes = []
    with served(platform.settings, "--no-worker") as server, ThreadPoolExecutor(2) as two:
        people = {name: server.client(name) for name in ("admin", "ada")}
        base = people["admin"]("GET", "meta/versions").body["items"][0]["version"]
        for number in range(3):
            tokens = {name: planned(one, f"{name}_{number}") for name, one in people.items()}
            begin = threading.Barrier(2)

            def publish_now(name: str, begin: threading.Barrier, token: str) -> Answer:
                begin.wait()
                return people[name]("POST", "meta/publish", {"token": token})

            asked = [two.submit(publish_now, name, begin, tokens[name]) for name in people]
            answers = {name: one.result() for name, one in zip(people, asked, strict=True)}
            outcomes.append(sorted(answer.status for answer in answers.values()))
            (loser,) = (name for name in people if answers[name].status == 409)
            (error,) = answers[loser].body["errors"]
            assert error["code"] == "base_moved", error
            # What was drafted is still there: planned anew, it goes through.
            token = people[loser]("POST", "meta/plan").body["token"]
            assert people[loser]("POST", "meta/publish", {"token": token}).status == 200
        newest = people["admin"]("GET", "meta/versions").body["items"][0]["version"]
    assert outcomes == [[200, 409]] * 3
    assert newest == base + 6
