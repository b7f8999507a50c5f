"""The comparison: contenders filled, started, asked in turns, and what it took them."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import sqlalchemy as sa

from tests.bench.api import tables
from tests.bench.api.contenders import (
    PAGE,
    Contender,
    fab_asks,
    floor_asks,
    headers_of,
    our_asks,
)
from tests.bench.api.instance import fill
from tests.bench.api.load import request_bytes, send
from tests.bench.api.servers import Server, seconds_of, serving, tree
from tests.conftest import find_postgresql, running_postgresql

# One person may ask for this many costly lists at once.
CONNECTIONS = 4
TIMES = {"bulk 1,000": 2, "aggregate": 20, "search": 20, "list 50, count": 100}
USUAL = 400
ROUNDS = 5
FAR = 1_000
CURSORS = 5

Figures = dict[str, dict[str, list[tuple[float, float]]]]


def call(server: Server, method: str, path: str, body: Any = None) -> Any:
    """Sends one request and gives the document that comes back."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


def measured(
    contender: Contender, operation: str, draw: random.Random, database: int
) -> tuple[float, float]:
    """Gives the milliseconds of a request's processor time: the server's and PostgreSQL's."""
    times = TIMES.get(operation, USUAL)
    asked = [contender.asks[operation](draw) for _ in range(times)]
    requests = [request_bytes(one, contender.headers) for one in asked]
    start = contender.server.spent(), sum(map(seconds_of, tree(database)))
    send(contender.server.port, requests, CONNECTIONS)
    end = contender.server.spent(), sum(map(seconds_of, tree(database)))
    return (end[0] - start[0]) / times * 1e3, (end[1] - start[1]) / times * 1e3


def far_cursors(contender: Server, headers: dict[str, str], pages: int) -> list[str]:
    """Walks through pages and gives cursors near the last one."""
    found: list[str] = []
    connection = http.client.HTTPConnection("127.0.0.1", contender.port, timeout=120)
    after = ""
    for page in range(pages // 4):  # pages of 200 go four times as far
        path = f"/api/v1/deal?sort=close_date&limit={PAGE * 4}&fields=id{after}"
        connection.request("GET", path, headers=headers)
        following = json.loads(connection.getresponse().read())["next"]
        if following is None:
            break
        after = f"&after={following}"
        if page >= pages // 4 - CURSORS:
            found.append(following)
    return found


@contextmanager
def postgresql() -> Iterator[tuple[str, int]]:
    """Runs a PostgreSQL of its own; gives its address and its process."""
    binaries = find_postgresql()
    if binaries is None:
        raise SystemExit("PostgreSQL's programs are not installed: nothing to measure")
    with running_postgresql(binaries) as server:
        with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE ours")
            connection.execute("CREATE DATABASE plain")
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            backend = int(row[0]) if row else 0
            parent = Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1]
        yield server, int(parent)


@contextmanager
def contenders(server: str, folder: Path, deals: int) -> Iterator[list[Contender]]:
    """Fills the databases and starts the servers."""
    plain = f"postgresql+psycopg://{server}/plain"
    engine = sa.create_engine(plain)
    tables.fill(engine, deals)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("SELECT setval('plain_deal_id_seq', %s)" % (deals + 1))
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    instance = fill(f"postgresql+psycopg://{server}/ours", folder, deals)
    settings = instance.settings
    ours = {
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_DATABASE_URL": settings.database_url,
        "TRELLIS_SECRET_KEY": settings.secret_key,
        "TRELLIS_ENCRYPTION_KEYS": settings.encryption_keys[0],
        "TRELLIS_API_RATE": str(10**9),  # counted all the same
    }
    # Its processes would all make its tables at once.
    first = [sys.executable, "-c", "from tests.bench.api.fab import make; make()"]
    subprocess.run(first, env={**os.environ, "BENCH_URL": plain}, check=True)
    with ExitStack() as stack:
        made: list[Contender] = []
        for name, application, environment in (
            ("floor", "tests.bench.api.floor:make", {"BENCH_URL": plain}),
            ("Trellis", "trellis.wsgi:application", ours),
            ("Flask-AppBuilder", "tests.bench.api.fab:make", {"BENCH_URL": plain}),
        ):
            here = stack.enter_context(serving(application, environment))
            headers = headers_of(name, lambda *asked, to=here: call(to, *asked))
            if name == "floor":
                asks = floor_asks(deals)
            elif name == "Trellis":
                asks = our_asks(instance, far_cursors(here, headers, min(FAR, deals // PAGE)))
            else:
                asks = fab_asks(deals)
            made.append(Contender(name, here, headers, asks))
        yield made


def compare(
    made: Sequence[Contender], operations: Sequence[str], rounds: int, database: int
) -> Figures:
    """Measures in rounds in which the contenders take turns."""
    figures: Figures = {}
    for number in range(-1, rounds):
        for operation in operations:
            for contender in made:
                if operation not in contender.asks:
                    continue
                draw = random.Random(f"{operation} {number}")
                try:
                    taken = measured(contender, operation, draw, database)
                except RuntimeError as error:
                    if number < 0:
                        sys.stdout.write(f"not measured: {error}\n")
                    continue
                if number >= 0:
                    found = figures.setdefault(operation, {})
                    found.setdefault(contender.name, []).append(taken)
    return figures


def table(figures: Figures, names: Sequence[str]) -> str:
    """Gives the figures as a text: server + PostgreSQL, and how many times the floor's server."""
    lines = [("CPU ms per request", *names)]
    for operation, found in figures.items():
        cells = []
        floor = median(one for one, _ in found["floor"]) if "floor" in found else None
        for name in names:
            taken = found.get(name)
            if taken is None:
                cells.append("-")
                continue
            mine, database = median(one for one, _ in taken), median(two for _, two in taken)
            ratio = "" if floor is None or name == "floor" else f" {mine / floor:.2f} x"
            cells.append(f"{mine:.2f} + {database:.2f}{ratio}")
        lines.append((operation, *cells))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def main(given: Sequence[str] | None = None) -> None:
    """Measures what was asked for and prints it."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=api", description=__doc__)
    parser.add_argument("operations", nargs="*", help="get, create, page …; all without")
    parser.add_argument("--deals", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", nargs="*", help="contenders", default=None)
    options = parser.parse_args(given)
    with (
        tempfile.TemporaryDirectory(prefix="trellis-bench-") as folder,
        postgresql() as (server, database),
        contenders(server, Path(folder), options.deals) as made,
    ):
        known = list(dict.fromkeys(name for one in made for name in one.asks))
        wanted = options.operations or known
        chosen = [name for name in known if any(name.startswith(one) for one in wanted)]
        figures = compare(made, chosen, options.rounds, database)
    names = [one.name for one in made]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    sys.stdout.write(f"{options.deals:,} deals, load {load}\n{table(figures, names)}\n")
