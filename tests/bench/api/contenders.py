"""What each contender is asked, in its own words, for the same work."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.bench.api import fab
from tests.bench.api.data import ACCOUNTS, USERS, chosen_filter, deal, needle, patch, wire
from tests.bench.api.floor import TOKEN
from tests.bench.api.instance import Instance
from tests.bench.api.servers import Server
from tests.platform.world import PASSWORD

BULK = 1_000
PAGE = 50

Answer = Callable[[str, str, Any], Any]


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[[random.Random], Asked]


@dataclass(frozen=True)
class Contender:
    """A server with the requests it understands, by operation."""

    name: str
    server: Server
    headers: Mapping[str, str]
    asks: Mapping[str, Ask]


def sent(values: Mapping[str, Any]) -> bytes:
    """Gives a body."""
    return json.dumps(values).encode()


def new_deal(draw: random.Random) -> dict[str, Any]:
    """Gives a deal that is not there yet."""
    return wire(deal(draw, draw.randrange(10**7, 10**9)))


def floor_asks(count: int) -> dict[str, Ask]:
    """Gives the requests to the floor."""

    def listed(draw: random.Random, **more: str) -> Asked:
        stage, low, high = chosen_filter(draw)
        asked = {"stage": stage, "low": str(low), "high": str(high), **more}
        return Asked("GET", f"/deal?{urlencode(asked)}")

    def row(draw: random.Random) -> dict[str, Any]:
        held = {"account_id": 1 + draw.randrange(ACCOUNTS), "owner_id": 1 + draw.randrange(USERS)}
        return {**new_deal(draw), **held}

    return {
        "get": lambda draw: Asked("GET", f"/deal/{1 + draw.randrange(count)}"),
        "list 50": lambda draw: listed(draw),
        "list 50, count": lambda draw: listed(draw, count="exact"),
        "create": lambda draw: Asked("POST", "/deal", sent(row(draw))),
        "patch": lambda draw: Asked(
            "PATCH", f"/deal/{1 + draw.randrange(count)}", sent(patch(draw))
        ),
        "bulk 1,000": lambda draw: Asked(
            "POST", "/deal/bulk", json.dumps([row(draw) for _ in range(BULK)]).encode()
        ),
        "aggregate": lambda draw: Asked("GET", "/deal/aggregate"),
        "search": lambda draw: Asked("GET", f"/deal?search={quote(needle(draw))}"),
        "page 1": lambda draw: Asked("GET", "/deal?"),
        "page 1,000": lambda draw: Asked("GET", f"/deal?offset={min(count, 1_000 * PAGE) - PAGE}"),
    }


def fab_asks(count: int) -> dict[str, Ask]:
    """Gives the requests to Flask-AppBuilder, which always counts."""
    base = "/api/v1/deal/"

    def some(filters: Sequence[tuple[str, str, object]], page: int = 0) -> Asked:
        told = ",".join(f"(col:{name},opr:{how},value:{value})" for name, how, value in filters)
        order = f"order_column:close_date,order_direction:asc,page:{page},page_size:{PAGE}"
        question = f"(filters:!({told}),{order})" if told else f"({order})"
        return Asked("GET", f"{base}?q={quote(question, safe='()!:,')}")

    def listed(draw: random.Random) -> Asked:
        stage, low, high = chosen_filter(draw)
        return some([("stage", "eq", stage), ("amount", "gt", low), ("amount", "lt", high)])

    def row(draw: random.Random) -> dict[str, Any]:
        held = {"account": 1 + draw.randrange(ACCOUNTS), "owner": 1 + draw.randrange(USERS)}
        return {**new_deal(draw), **held}

    return {
        "get": lambda draw: Asked("GET", f"{base}{1 + draw.randrange(count)}"),
        "list 50, count": listed,
        "create": lambda draw: Asked("POST", base, sent(row(draw))),
        "patch": lambda draw: Asked("PUT", f"{base}{1 + draw.randrange(count)}", sent(patch(draw))),
        "search": lambda draw: some([("name", "ct", f"'{needle(draw)}'")]),
        "page 1,000": lambda draw: some([], min(count // PAGE, 1_000) - 1),
    }


def our_asks(instance: Instance, cursors: Sequence[str]) -> dict[str, Ask]:
    """Gives the requests to Trellis; `cursors` are those of pages far in."""
    base, joined = "/api/v1/deal", "&expand=client"
    any_version = {"If-Match": "*"}

    def chosen(draw: random.Random) -> str:
        stage, low, high = chosen_filter(draw)
        condition = f'stage = "{stage}" and amount >= {low} and amount <= {high}'
        return f"{base}?filter={quote(condition)}&sort=close_date&limit={PAGE}{joined}"

    def row(draw: random.Random) -> dict[str, Any]:
        return {**new_deal(draw), "client": draw.choice(instance.accounts)}

    def many(draw: random.Random) -> bytes:
        return json.dumps([{"op": "create", "data": row(draw)} for _ in range(BULK)]).encode()

    paged = f"{base}?sort=close_date&limit={PAGE}{joined}"
    grouped = f"{base}/aggregate?group=stage,month(close_date)&measure=sum(amount)"
    return {
        "get": lambda draw: Asked("GET", f"{base}/{draw.choice(instance.deals)}"),
        "list 50": lambda draw: Asked("GET", chosen(draw)),
        "list 50, count": lambda draw: Asked("GET", f"{chosen(draw)}&count=exact"),
        "list 50, capped": lambda draw: Asked("GET", f"{chosen(draw)}&count=capped"),
        "create": lambda draw: Asked("POST", base, sent(row(draw))),
        "patch": lambda draw: Asked(
            "PATCH", f"{base}/{draw.choice(instance.deals)}", sent(patch(draw)), any_version
        ),
        "bulk 1,000": lambda draw: Asked("POST", f"{base}/bulk", many(draw)),
        "aggregate": lambda draw: Asked("GET", grouped),
        "search": lambda draw: Asked(
            "GET", f"{base}?search={quote(needle(draw))}&sort=close_date&limit={PAGE}"
        ),
        "page 1": lambda draw: Asked("GET", paged),
        "page 1,000": lambda draw: Asked("GET", f"{paged}&after={draw.choice(cursors)}"),
    }


def headers_of(kind: str, answer: Answer) -> dict[str, str]:
    """Gives what a contender knows its caller by; logs in where it takes that."""
    if kind == "floor":
        return {"Authorization": TOKEN, "Content-Type": "application/json"}
    name, word = (fab.USER, fab.PASSWORD) if kind == "Flask-AppBuilder" else ("rita", PASSWORD)
    body = {"username": name, "password": word, "provider": "db"}
    token = answer("POST", "/api/v1/security/login", body)["access_token"]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
