"""Scoring all leads in the database: the compiled score against an UPDATE written by hand.

Both have one shape, the quickest that we know: points in a subquery of their own, written where
they or the grade differ from what is stored. TRELLIS_BENCH_LEADS says how many leads there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa

from metadata.columns import to_columns
from metadata.fields.base import physical_name
from metadata.objects import ObjectDefinition
from metadata.query.tables import SystemTables
from rule_engine import compile_program, parse
from rule_engine.backends.sql import compile_rescoring_sql, parameters
from rule_engine.columns import Scaled
from rule_engine.program import Score
from rule_engine.services.score import score
from tests.bench.clock import Row, medians
from tests.bench.rules import surroundings
from tests.bench.world import LEADS, World
from trellis.automation.scores import stored

ROUNDS = 3 if LEADS > 200_000 else 5
#: How many leads are read, scored and written as a batch, to see what all would take.
BATCH = 5_000

RULES = """
ruleset bench "Bench"
score points "Points" on lead into score, score_grade {
    base 10
    range 0 to 100
    add 20 when employees >= 1000
    add 10 when employees between 200 and 999
    add 15 when industry in ["software", "finance"]
    add 8 when industry = "manufacturing"
    add 15 when lead_source in ["referral", "partner"]
    add 10 when budget >= 50万 CNY
    add 8 when title contains "VP" or title contains "director" or title starts with "head of"
    subtract 15 when email ends with "@gmail.com" or email ends with "@qq.com"
    subtract 20 when phone is empty and email is empty
    group "Engagement" at most 30 {
        add min(emails_opened, 15)
        add 20 when demo_requested
        multiply by 1.5 when status = "working"
    }
    multiply by 0.5 when last_contacted_at older than 60 days
    multiply by 0 when do_not_contact
    grade "a" from 70
    grade "b" from 40
    grade "c" from 0
}
"""

# Numbers of SQLite are scaled whole numbers; {cents} is one unit of money.
POINTS = """
max_of(0, min_of(100, (
  10
  + CASE WHEN employees >= 1000 THEN 20 ELSE 0 END
  + CASE WHEN employees BETWEEN 200 AND 999 THEN 10 ELSE 0 END
  + CASE WHEN industry IN ('software', 'finance') THEN 15 ELSE 0 END
  + CASE WHEN industry = 'manufacturing' THEN 8 ELSE 0 END
  + CASE WHEN lead_source IN ('referral', 'partner') THEN 15 ELSE 0 END
  + CASE WHEN budget >= 500000 * {cents} AND "budget$currency" = 'CNY' THEN 10 ELSE 0 END
  + CASE WHEN position_in("title$fold", 'vp') > 0 OR position_in("title$fold", 'director') > 0
         OR substr("title$fold", 1, 7) = 'head of' THEN 8 ELSE 0 END
  - CASE WHEN end_of("email$fold", 10) = '@gmail.com' OR end_of("email$fold", 7) = '@qq.com'
         THEN 15 ELSE 0 END
  - CASE WHEN phone IS NULL AND email IS NULL THEN 20 ELSE 0 END
  + min_of(30,
      (min_of(coalesce(emails_opened, 0), 15) + CASE WHEN demo_requested THEN 20 ELSE 0 END)
      * CASE WHEN status = 'working' THEN 1.5 ELSE 1 END))
  * CASE WHEN last_contacted_at < {since} THEN 0.5 ELSE 1 END
  * CASE WHEN do_not_contact THEN 0 ELSE 1 END))
"""
GRADE = "CASE WHEN points >= 70 THEN 'a' WHEN points >= 40 THEN 'b' WHEN points >= 0 THEN 'c' END"
BY_HAND = """
UPDATE o_lead
SET (score, score_grade) =
  (SELECT round(points), {grade} FROM (SELECT {points} AS points {closed}) x)
WHERE EXISTS (
  SELECT 1 FROM (SELECT {points} AS points {closed}) x
  WHERE o_lead.score IS DISTINCT FROM round(points) OR o_lead.score_grade IS DISTINCT FROM {grade})
"""


def hand_written(dialect: str, scale: int) -> sa.TextClause:
    """Gives the UPDATE in a database's own words; `scale` is the money column's."""
    if dialect == "sqlite":
        words = {"max_of": "max", "min_of": "min", "position_in": "instr"}
        since, closed, cents = "'2025-12-31T08:00:00.000Z'", "LIMIT -1 OFFSET 0", 10**scale
        words['end_of("email$fold", '] = 'substr("email$fold", -'
    else:
        words = {"max_of": "greatest", "min_of": "least", "position_in": "strpos"}
        since, closed, cents = "TIMESTAMPTZ '2025-12-31 08:00:00Z'", "OFFSET 0", 1
        words["end_of"] = "right"
    points = POINTS.format(cents=cents, since=since)
    for word, own in words.items():
        points = points.replace(word, own)
    return sa.text(BY_HAND.format(points=points, grade=GRADE, closed=closed))


def definition(world: World, connection: sa.Connection) -> Score:
    """Gives the checked score."""
    schema = world.platform.catalogs.current(connection).schema
    return compile_program([parse(RULES)], schema).scores[0]


def compiled(world: World, connection: sa.Connection) -> tuple[sa.Update, dict[str, object]]:
    """Gives the UPDATE of the rules, and its parameters."""
    catalog = world.platform.catalogs.current(connection)
    table = catalog.tables["lead"]
    tables = SystemTables(catalog, connection.dialect.name)
    made = compile_rescoring_sql(definition(world, connection), tables, table)
    return made.update, parameters(made.update, surroundings())


def money_scale(world: World, connection: sa.Connection) -> int:
    """Gives the places that a column of money keeps."""
    kept = world.platform.catalogs.current(connection).tables["lead"].c.budget.type
    return kept.scale if isinstance(kept, Scaled) else 0


def total(connection: sa.Connection) -> object:
    """Gives a digest of all scores."""
    text = "SELECT score_grade, count(*), sum(score), sum(score * score) FROM o_lead GROUP BY 1"
    rows = connection.execute(sa.text(f"{text} ORDER BY 1"))
    return [(row[0], *map(int, row[1:])) for row in rows]


def in_batch(world: World, connection: sa.Connection) -> None:
    """Reads, scores and writes some leads as a program without the compiled UPDATE would."""
    catalog, rules = world.platform.catalogs.current(connection), definition(world, connection)
    lead, table = catalog.objects["lead"], catalog.tables["lead"]
    around = surroundings()
    written = []
    for row in connection.execute(sa.select(table).order_by(table.c.id).limit(BATCH)).mappings():
        result = score(rules, from_columns(lead, row), around)
        if result is not None:
            values = {"score": stored(lead, "score", result.points), "score_grade": result.grade}
            written.append({"lead": row["id"], **to_columns(connection, lead, row["id"], values)})
    connection.execute(sa.update(table).where(table.c.id == sa.bindparam("lead")), written)


def from_columns(lead: ObjectDefinition, row: sa.RowMapping) -> dict[str, object]:
    """Gives a record out of a row of its table."""
    return {
        name: field.type.from_parts(
            {part: row[physical_name(field.column, part)] for part in field.type.parts}, field
        )
        for name, field in lead.fields.items()
    }


def measure(world: World) -> list[Row]:
    """Measures one UPDATE of all leads, by the clock on the wall, rolled back each time."""
    with world.platform.database.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.commit()
        by_rules, values = compiled(world, connection)
        by_hand = hand_written(connection.dialect.name, money_scale(world, connection))
        digests = []
        for statement in (by_hand, by_rules):
            connection.execute(statement, values if statement is by_rules else {})
            digests.append(total(connection))
            connection.rollback()
        if digests[0] != digests[1]:
            raise AssertionError(f"the two UPDATEs disagree: {digests}")

        def undone(work: Callable[[], object]) -> Callable[[], None]:
            def run() -> None:
                work()
                connection.rollback()

            return run

        works = {
            "hand": undone(lambda: connection.execute(by_hand)),
            "rules": undone(lambda: connection.execute(by_rules, values)),
            "batch": undone(lambda: in_batch(world, connection)),
        }
        found = medians(works, times=1, rounds=ROUNDS, clock=time.perf_counter)
        connection.execute(by_rules, values)
        same = {
            "hand": lambda: connection.execute(by_hand),
            "rules": lambda: connection.execute(by_rules, values),
        }
        right = medians(same, times=1, rounds=ROUNDS, clock=time.perf_counter)
        connection.rollback()
    hand, batch = "hand-written UPDATE", "batches in Python"
    each = found["batch"] / BATCH * LEADS
    by_rules_ratio, right_ratio = found["rules"] / found["hand"], right["rules"] / right["hand"]
    return [
        Row(f"rescore {LEADS:,} by hand", found["hand"]),
        Row(f"rescore {LEADS:,} by rules", found["rules"], hand, by_rules_ratio, "1.15"),
        Row("the same when all are right, by hand", right["hand"]),
        Row("the same when all are right, by rules", right["rules"], hand, right_ratio, "1.15"),
        Row(f"{LEADS:,} in batches in Python", each),
        Row("by rules instead", found["rules"], batch, found["rules"] / each),
    ]
