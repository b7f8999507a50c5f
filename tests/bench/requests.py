"""Pages and API requests through Flask's test client: CPU time and statements of one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, cycle

import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.bench.clock import Row, medians
from tests.bench.world import World
from tests.platform.world import PASSWORD, csrf_token

TIMES = 20
FIELDS = "name,company,status,score,lead_source,industry,employees,budget,owner.name"
LIST = f"/api/v1/lead?fields={FIELDS}&filter=employees > 200&sort=-score&limit=50"


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Collects the statements of all engines, but for SQLite's BEGIN."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    engines = (world.platform.database.engine, world.app.extensions["trellis_fab_engine"])
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    yield statements
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", note)


def browser(world: World) -> FlaskClient:
    """Gives Rita's browser, logged in."""
    client = world.app.test_client()
    data = {"username": "rita", "password": PASSWORD, "csrf_token": csrf_token(client)}
    demand(client.post("/login", data=data).status_code == 302)
    return client


def token(world: World) -> dict[str, str]:
    """Gives the headers of Rita's program."""
    body = {"username": "rita", "password": PASSWORD, "provider": "db"}
    answer = world.app.test_client().post("/api/v1/security/login", json=body)
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def demand(is_fine: bool) -> None:
    """Refuses to measure what does not work."""
    if not is_fine:
        raise AssertionError("a request was refused")


def works(world: World) -> dict[str, Callable[[], object]]:
    """Gives the requests by name; each call sends one."""
    page, program, headers = browser(world), world.app.test_client(), token(world)
    ids, numbers, versions = cycle(world.leads), count(), count(1)
    changed = world.leads[0]

    def get(client: FlaskClient, address: str) -> None:
        sent = headers if client is program else {}
        demand(client.get(address, headers=sent).status_code == 200)

    def create() -> None:
        body = {"name": f"New {next(numbers)}", "lead_source": "web", "employees": 300}
        demand(program.post("/api/v1/lead", json=body, headers=headers).status_code == 201)

    def patch() -> None:
        sent = {**headers, "If-Match": f'"{changed}:{next(versions)}"'}
        address, body = f"/api/v1/lead/{changed}", {"title": f"Buyer {next(numbers)}"}
        demand(program.patch(address, json=body, headers=sent).status_code == 200)

    return {
        "API: get one": lambda: get(program, f"/api/v1/lead/{next(ids)}"),
        "API: list of 50, filtered, sorted, joined": lambda: get(program, LIST),
        "API: the same with a capped count": lambda: get(program, f"{LIST}&count=capped"),
        "API: create": create,
        "API: patch": patch,
        "page: list": lambda: get(page, "/o/lead/"),
        "page: record": lambda: get(page, f"/o/lead/{next(ids)}"),
        "page: form": lambda: get(page, "/o/lead/new"),
        "floor: /healthz": lambda: get(page, "/healthz"),
    }


REACH = {"page: list": "4 ms, 5 SQL"}


def measure(world: World) -> list[Row]:
    """Measures in CPU time of this process; on PostgreSQL the server's own is not in it."""
    sent = works(world)
    statements: dict[str, int] = {}
    for name, work in sent.items():
        work()
        with counted(world) as found:
            work()
        statements[name] = len(found)
    taken = medians(sent, times=TIMES)
    return [
        Row(name, seconds, reach=REACH.get(name, ""), note=f"{statements[name]} SQL")
        for name, seconds in taken.items()
    ]
