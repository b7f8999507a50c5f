"""Totals of links for many rows: joined grouped subqueries against one subquery per row.

Each lead has five activities. The same expressions are compiled in both forms, for each kind of
statement that they may stand in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from metadata.query.tables import SystemTables
from rule_engine import compile_program, parse
from rule_engine.backends.sql import Bulk, compile_parts_sql, compile_rescoring_sql, parameters
from rule_engine.backends.sql.joins import Ids
from rule_engine.expression import Expression
from tests.bench.clock import Row, medians
from tests.bench.rules import surroundings
from tests.bench.world import LEADS, World

ROUNDS = 3
#: What rescoring takes in one transaction, and what a page shows.
BATCH, PAGE = 10_000, 50

RULES = """
ruleset bench "Bench"
score points "Points" on lead into score, score_grade {
    base 10
    range 0 to 100
    add min(2 * count(activities where kind in ["meeting", "visit"]), 20)
    add sum(activities.minutes where kind in ["meeting", "visit"]) / 60
    add 15 when any(activities where happened_at in last 30 days)
    grade "a" from 50
    grade "b" from 20
    grade "c" from 0
}
"""
TOTAL = 'sum(activities.minutes where kind in ["meeting", "visit"])'

NUMBERS = {
    "sqlite": "WITH n(n) AS (SELECT value FROM json_each('[1, 2, 3, 4, 5]'))",
    "postgresql": "WITH n(n) AS (SELECT generate_series(1, 5))",
}
FILL = """
INSERT INTO o_activity (id, version, created_at, created_by, updated_at, updated_by, owner, subject,
  "subject$fold", kind, happened_at, minutes, lead)
{numbers}
SELECT l.id || '-' || n.n, 1, l.created_at, l.created_by, l.updated_at, l.updated_by,
  l.owner, 'Talk', 'talk', {kind}, l.created_at, n.n * 7, l.id
FROM o_lead l CROSS JOIN n
"""
KIND = "CASE (n.n + length(l.name)) % 3 WHEN 0 THEN 'meeting' WHEN 1 THEN 'visit' ELSE 'call' END"


def fill(connection: sa.Connection) -> None:
    """Gives each lead its activities; what is not committed is gone afterwards."""
    numbers = NUMBERS[connection.dialect.name]
    connection.execute(sa.text(FILL.format(numbers=numbers, kind=KIND)))
    connection.exec_driver_sql("ANALYZE o_activity")


def statements(world: World, connection: sa.Connection) -> Mapping[str, tuple[Any, Any]]:
    """Gives each kind of statement with lookups and with joins."""
    catalog = world.platform.catalogs.current(connection)
    tables = SystemTables(catalog, connection.dialect.name)
    table = catalog.tables["lead"]
    (rules,) = compile_program([parse(RULES)], catalog.schema).scores
    last = sa.select(table.c.id).order_by(table.c.id).offset(BATCH - 1).limit(1)
    upto = connection.execute(last).scalar_one()

    def update(ids: Ids | None, *, bulk: bool) -> sa.Update:
        return compile_rescoring_sql(rules, tables, table, ids=ids, bulk=bulk).update

    def first(record_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        return record_id <= sa.literal(upto)

    node = Expression.parse(TOTAL).resolve(catalog.schema, "lead")
    bulk = Bulk(tables, table)
    joined = sa.select(table.c.id, bulk.parts(node)[""].label("total")).select_from(bulk.source)
    looked_up = sa.select(table.c.id, compile_parts_sql(node, tables, table)[""].label("total"))
    pages = looked_up.limit(PAGE), joined.limit(PAGE)
    by_id = [page.order_by(table.c.id) for page in pages]
    by_total = [page.order_by(sa.desc("total"), table.c.id) for page in pages]
    return {
        f"UPDATE of {LEADS:,} scores": (update(None, bulk=False), update(None, bulk=True)),
        f"UPDATE of {BATCH:,} of them": (update(first, bulk=False), update(first, bulk=True)),
        f"{PAGE} rows in order of a total": (by_total[0], by_total[1]),
        f"{PAGE} rows that show a total": (by_id[0], by_id[1]),
    }


def measure(world: World) -> list[Row]:
    """Measures by the clock on the wall; nothing is kept."""
    rows = []
    with world.platform.database.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
        fill(connection)
        for name, forms in statements(world, connection).items():
            asked = [(form, parameters(form, surroundings())) for form in forms]
            demand_alike(connection, name, asked)

            def undone(form: Any, values: Mapping[str, object]) -> Callable[[], None]:
                def run() -> None:
                    with connection.begin_nested() as transaction:
                        result = connection.execute(form, values)
                        if result.returns_rows:
                            result.all()
                        transaction.rollback()

                return run

            works = dict(zip(("each", "once"), (undone(*form) for form in asked), strict=True))
            found = medians(works, times=1, rounds=ROUNDS, clock=time.perf_counter)
            ratio = found["once"] / found["each"]
            rows += [
                Row(f"{name}, looked up for each row", found["each"]),
                Row(f"{name}, joined", found["once"], "looked up for each row", ratio),
            ]
        connection.rollback()
    return rows


def demand_alike(connection: sa.Connection, name: str, forms: list[tuple[Any, Any]]) -> None:
    """Demands that both forms do the same."""
    done = []
    for form, values in forms:
        with connection.begin_nested() as transaction:
            result = connection.execute(form, values)
            rows = result.all() if result.returns_rows else [result.rowcount]
            text = "SELECT score_grade, count(*), sum(score) FROM o_lead GROUP BY 1 ORDER BY 1"
            done.append((rows, connection.execute(sa.text(text)).all()))
            transaction.rollback()
    if done[0] != done[1]:
        raise AssertionError(f"the two forms of {name} disagree: {done}")
