"""Computed fields: all totals worked out at once, and what one changed child causes above it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from metadata.computed.filling import count_wrong, fill
from metadata.computed.outside import outside
from metadata.migrate import publish
from metadata.query import Moment
from metadata.store import load_catalog, load_elements
from rule_engine.types import Environment
from tests.bench.clock import Row, medians
from tests.bench.world import World
from tests.metadata.databases import JsonObject, element, object_body
from trellis.records.save import save_record
from trellis.security.directory import UserDirectory
from trellis.unit import Unit

PARENTS = 100_000
CHILDREN = 3
#: How many parents share a record above them.
SHARED = 100
ROUNDS = 3
NUMBER: JsonObject = {"type": "number", "crm": {"scale": 2}}
TEXT: JsonObject = {"type": "string"}


def to(target: str) -> JsonObject:
    return {"type": "string", "crm": {"field": "reference", "to": target}}


def total(path: str) -> JsonObject:
    return {**NUMBER, "crm": {"scale": 2, "rollup": f"sum({path})"}}


OBJECTS = (
    element("bench_top", object_body({"name": TEXT, "total": total("bench_mids.total")})),
    element(
        "bench_mid",
        object_body({"name": TEXT, "top": to("bench_top"), "total": total("bench_lows.amount")}),
    ),
    element(
        "bench_low",
        object_body(
            {
                "mid": to("bench_mid"),
                "n": NUMBER,
                "amount": {**NUMBER, "crm": {"scale": 2, "formula": "n * 2"}},
            }
        ),
    ),
)


def prepare(connection: sa.Connection) -> Catalog:
    """Publishes three levels and fills them with records that lack their totals."""
    publish(connection, [*load_elements(connection), *OBJECTS], by="bench")
    catalog = load_catalog(connection)
    now = datetime.now(UTC)
    stamps = {"version": 1, "created_at": now, "updated_at": now}
    tables = catalog.tables
    tops = [{"id": f"t{n}", **stamps} for n in range(PARENTS // SHARED)]
    connection.execute(tables["bench_top"].insert(), tops)
    for start in range(0, PARENTS, 10_000):
        numbers = range(start, start + 10_000)
        mids = [{"id": f"m{n}", "top": f"t{n // SHARED}", **stamps} for n in numbers]
        connection.execute(tables["bench_mid"].insert(), mids)
        lows = [
            {"id": f"l{n}-{k}", "mid": f"m{n}", "n": 2, "amount": 4, **stamps}
            for n in numbers
            for k in range(CHILDREN)
        ]
        connection.execute(tables["bench_low"].insert(), lows)
    return catalog


def measure(world: World) -> list[Row]:
    """Measures by the clock on the wall; nothing is kept."""
    zone = world.platform.settings.zone
    with world.platform.database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        catalog = prepare(connection)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")
        found = works(connection, catalog, outside(zone))
        directory = UserDirectory(connection, catalog, datetime.now(UTC).date())
        unit = Unit(connection, catalog, SYSTEM, Moment(datetime.now(UTC), zone), directory)
        numbers = iter(range(1, 1_000))

        def save() -> None:
            save_record(unit, "bench_low", "l7-1", {"n": str(next(numbers))}, channel="api")

        saved = medians({"save": save}, times=10, rounds=ROUNDS, clock=time.perf_counter)
        connection.rollback()
    return [
        Row(f"{PARENTS:,} totals that are all wrong", found["wrong"]),
        Row(f"{PARENTS:,} totals that are right", found["right"]),
        Row(f"count which of {PARENTS:,} are wrong", found["count"]),
        Row(f"save a child, 2 levels above, {SHARED} brothers", saved["save"]),
    ]


def works(connection: sa.Connection, catalog: Catalog, around: Environment) -> dict[str, float]:
    """Gives the seconds that work on all records takes."""
    key = ("bench_mid", "total")
    clear = sa.update(catalog.tables["bench_mid"]).values(total=None)

    def timed(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    found: dict[str, list[float]] = {"wrong": [], "right": [], "count": []}
    for _ in range(ROUNDS):
        connection.execute(clear)
        found["wrong"].append(timed(lambda: fill(connection, catalog, {key}, around)))
        found["right"].append(timed(lambda: fill(connection, catalog, {key}, around)))
        found["count"].append(timed(lambda: list(count_wrong(connection, catalog, around))))
    fill(connection, catalog, set(catalog.computed.fields), around)
    return {name: median(seconds) for name, seconds in found.items()}
