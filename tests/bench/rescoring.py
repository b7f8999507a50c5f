"""Scoring all leads in the database: the compiled expression against a hand-written UPDATE."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.query.tables import SystemTables
from rule_engine import Expression
from rule_engine.backends.sql import compile_sql, parameters
from rule_engine.columns import Scaled
from tests.bench.clock import Row, medians
from tests.bench.rules import NOW, Alone, expression
from tests.bench.world import LEADS, World
from trellis.automation.environment import Surroundings

# Numbers of SQLite are scaled whole numbers; {cents} is one unit of money.
BY_HAND = """
UPDATE o_lead SET score = round(max_of(0, min_of(100, (
  10
  + CASE WHEN employees >= 1000 THEN 20 ELSE 0 END
  + CASE WHEN employees BETWEEN 200 AND 999 THEN 10 ELSE 0 END
  + CASE WHEN industry IN ('software', 'finance') THEN 15 ELSE 0 END
  + CASE WHEN industry = 'manufacturing' THEN 8 ELSE 0 END
  + CASE WHEN lead_source IN ('referral', 'partner') THEN 15 ELSE 0 END
  + CASE WHEN budget >= 500000 * {cents} AND "budget$currency" = 'CNY' THEN 10 ELSE 0 END
  + CASE WHEN "title$fold" LIKE '%vp%' OR "title$fold" LIKE '%director%'
         OR "title$fold" LIKE 'head of%' THEN 8 ELSE 0 END
  - CASE WHEN "email$fold" LIKE '%@gmail.com' OR "email$fold" LIKE '%@qq.com' THEN 15 ELSE 0 END
  - CASE WHEN phone IS NULL AND email IS NULL THEN 20 ELSE 0 END
  + CASE WHEN demo_requested THEN 20 ELSE 0 END
  + min_of(coalesce(emails_opened, 0), 15))
  * CASE WHEN last_contacted_at < {since} THEN 0.5 ELSE 1 END
  * CASE WHEN do_not_contact THEN 0 ELSE 1 END)))
"""


def hand_written(dialect: str, scale: int) -> sa.TextClause:
    """Gives the UPDATE in a database's own words; `scale` is the money column's."""
    if dialect == "sqlite":
        text = BY_HAND.format(cents=10**scale, since="'2025-12-31T08:00:00.000Z'")
        return sa.text(text.replace("max_of", "max").replace("min_of", "min"))
    text = BY_HAND.format(cents=1, since="TIMESTAMPTZ '2025-12-31 08:00:00Z'")
    return sa.text(text.replace("max_of", "greatest").replace("min_of", "least"))


def compiled(world: World, connection: sa.Connection) -> tuple[sa.Update, dict[str, object]]:
    """Gives the UPDATE with the compiled expression, and its parameters."""
    catalog = world.platform.catalogs.current(connection)
    table = catalog.tables["lead"]
    tables = SystemTables(catalog, connection.dialect.name)
    points = compile_sql(
        Expression.parse(f"round({expression()}, 0)"), catalog.schema, "lead", tables, root=table
    )
    environment = Surroundings(NOW, ZoneInfo("UTC"), None, Alone())
    return sa.update(table).values(score=points), parameters(points, environment)


def money_scale(world: World, connection: sa.Connection) -> int:
    """Gives the places that a column of money keeps."""
    kept = world.platform.catalogs.current(connection).tables["lead"].c.budget.type
    return kept.scale if isinstance(kept, Scaled) else 0


def total(connection: sa.Connection) -> object:
    """Gives a digest of all scores."""
    text = "SELECT count(*), sum(score), sum(score * score) FROM o_lead"
    return tuple(map(int, connection.execute(sa.text(text)).one()))


def measure(world: World) -> list[Row]:
    """Measures one UPDATE of all leads, by the clock on the wall, rolled back each time."""
    with world.platform.database.read() as connection:
        by_rules, values = compiled(world, connection)
        by_hand = hand_written(connection.dialect.name, money_scale(world, connection))
        digests = []
        for statement in (by_hand, by_rules):
            connection.execute(statement, values if statement is by_rules else {})
            digests.append(total(connection))
            connection.rollback()
        if digests[0] != digests[1]:
            raise AssertionError(f"the two UPDATEs disagree: {digests}")

        def run(statement: sa.Executable, given: dict[str, object]) -> None:
            connection.execute(statement, given)
            connection.rollback()

        found = medians(
            {"hand": lambda: run(by_hand, {}), "rules": lambda: run(by_rules, values)},
            times=1,
            rounds=5,
            clock=time.perf_counter,
        )
    ratio = found["rules"] / found["hand"]
    against = "hand-written UPDATE"
    return [
        Row(f"rescore {LEADS:,} by hand", found["hand"]),
        Row(f"rescore {LEADS:,} by rules", found["rules"], against, ratio, "1.15"),
    ]
