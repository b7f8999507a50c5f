"""Publishing changes of an object with a million records."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.elements import LOCAL, Element
from metadata.migrate import publish
from metadata.store import load_catalog
from tests.bench.clock import Row, readable
from tests.bench.world import World
from trellis.db import Database
from trellis.upkeep import build_indexes

ROWS = int(os.environ.get("TRELLIS_BENCH_ROWS", "1000000"))
FIELDS = 20
TEXT: Mapping[str, object] = {"type": "string"}
NUMBERS = {
    "sqlite": "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})",
    "postgresql": "WITH n(n) AS (SELECT generate_series(1, {rows}))",
}

Properties = dict[str, Mapping[str, object]]


def body(properties: Properties, *required: str) -> dict[str, object]:
    """Gives the definition of the object."""
    crm = {"name_field": "f0"}
    whole: dict[str, object] = {"type": "object", "properties": properties, "crm": crm}
    return {**whole, "required": list(required)} if required else whole


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[float]]:
    """Adds up how long statements take."""
    begun, taken = [0.0], [0.0]

    def start(*_: object) -> None:
        begun[0] = time.perf_counter()

    def end(*_: object) -> None:
        taken[0] += time.perf_counter() - begun[0]

    listeners = (("before_cursor_execute", start), ("after_cursor_execute", end))
    for name, listener in listeners:
        sa.event.listen(engine, name, listener)
    yield taken
    for name, listener in listeners:
        sa.event.remove(engine, name, listener)


def change(database: Database, known: Catalog, wanted: Mapping[str, object]) -> float:
    """Publishes the object with another body; gives seconds from the lock to the commit."""
    others = [element for element in known.elements if element.key != ("object", "bulk")]
    there = next((one for one in known.elements if one.key == ("object", "bulk")), None)
    element = Element("", "object", "bulk", LOCAL, wanted)
    element = replace(element, id=there.id) if there is not None else element
    begun = time.perf_counter()
    with database.write(publishing=True) as connection:
        fields = known.objects["bulk"].fields if "bulk" in known.objects else ()
        confirm = [f"bulk.{name}" for name in fields]
        publish(connection, [*others, element], by="bench", confirm=confirm, known=known)
    return time.perf_counter() - begun


def current(database: Database) -> Catalog:
    """Gives the catalog in force, with what a process that serves has made of it."""
    with database.read() as connection:
        catalog = load_catalog(connection)
    if not (catalog.schema.objects and catalog.program):
        raise AssertionError("a catalog has all of its parts")
    return catalog


def fill(database: Database) -> None:
    """Adds the records straight into the table."""
    names = [f"f{number}" for number in range(FIELDS)]
    columns = ", ".join(f'"{name}", "{name}$fold"' for name in names)
    values = ", ".join(f"'Value ' || n % {7 + at * 13}, 'value'" for at in range(FIELDS))
    numbers = NUMBERS[database.dialect].format(rows=ROWS)
    at = "'2026-03-01T08:00:00.000Z'" if database.dialect == "sqlite" else "now()"
    with database.autocommit() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
        insert = f"INSERT INTO o_bulk (id, version, created_at, updated_at, {columns})"
        chosen = f"SELECT 'r' || n, 1, {at}, {at}, {values} FROM n"
        connection.execute(sa.text(f"{insert} {numbers} {chosen}"))


@contextmanager
def bulk(world: World) -> Iterator[tuple[Database, Properties]]:
    """Gives a database with a million records of an object of twenty fields."""
    database = world.platform.database
    properties: Properties = {f"f{number}": TEXT for number in range(FIELDS)}
    change(database, current(database), body(properties))
    fill(database)
    yield database, properties


def measure(world: World) -> list[Row]:
    """Measures each change once, in wall time."""
    with bulk(world) as (database, properties):
        renamed = {**properties}
        renamed["other"] = {**renamed.pop("f3"), "crm": {"renamed_from": "f3"}}
        steps: list[tuple[str, str, Callable[[], dict[str, object]]]] = [
            ("add a field", "0.2 s", lambda: body({**properties, "new": TEXT})),
            ("add a reference, with its index", "", lambda: body(properties | refers())),
            ("rename a field", "0.2 s", lambda: body(renamed | refers())),
            ("take a field out of use", "", lambda: body(without(renamed | refers(), "f5"))),
            (
                "add a required field with a default",
                "",
                lambda: body({**without(renamed, "f5"), "must": {**TEXT, "default": "x"}}, "must"),
            ),
            (
                "index a field",
                "",
                lambda: body({**without(renamed, "f5"), "f1": {**TEXT, "crm": {"index": True}}}),
            ),
        ]
        rows = []
        for name, reach, wanted in steps:
            known = current(database)
            with statements(database.engine) as inside:
                seconds = change(database, known, wanted())
            note = f"{readable(inside[0])} of it in statements"
            rows.append(Row(name, seconds, reach=reach, note=note))
            begun = time.perf_counter()
            build_indexes(world.platform)
            taken = time.perf_counter() - begun
            if taken > 0.1:
                rows.append(Row(f"{name}: the index, beside others' work", taken))
        return rows


def refers() -> Properties:
    """Gives a reference."""
    return {"boss": {"type": "string", "crm": {"field": "reference", "to": "user"}}}


def without(properties: Properties, name: str) -> Properties:
    """Gives the fields but one."""
    return {key: one for key, one in properties.items() if key != name}
