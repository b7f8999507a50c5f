"""Runs of rules after saves and by the clock: one short row each, kept for a few days.

What a rule changed stays in the history of the record for ever; this is for whoever looks after
the rules. Rules before a save have no rows: they are part of the save, and its history names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import uuid_utils

from metadata.prepared import Prepared
from rule_engine.columns import Instant
from trellis.automation.dispatcher import database_now
from trellis.automation.quarantine import first_id
from trellis.db import SYSTEM_TABLES, Database
from trellis.unit import Unit

KEEP_DAYS: Final = 7
"""As long as effects that were done are kept."""
KEEP_EACH: Final = 1_000
"""How many runs of one rule are kept at most, so that a busy rule does not fill the table."""

rule_run = sa.Table(
    "rule_run",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False, comment="whose save set it off"),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("depth", sa.Integer, nullable=False),
    sa.Column("effects", sa.Integer, nullable=False),
    sa.Column("microseconds", sa.Integer, nullable=False),
    sa.Column("definitions", sa.Integer, nullable=False),
    sa.Index("rule_run_of_rule", "rule", "id"),
)

ADD = Prepared(sa.insert(rule_run))


def run_row(
    unit: Unit,
    rule: str,
    about: tuple[str, str],
    event: str,
    *,
    depth: int,
    effects: int,
    seconds: float,
) -> Mapping[str, object]:
    """Gives the row of one run; `about` are the object's id and the record's."""
    object_id, record_id = about
    return {
        "id": str(uuid_utils.uuid7()),
        "rule": rule,
        "object": object_id,
        "record_id": record_id,
        "at": unit.moment.now,
        "by": unit.cause.principal.name if unit.cause else unit.principal.name,
        "event": event,
        "depth": depth,
        "effects": effects,
        "microseconds": int(seconds * 1_000_000),
        "definitions": unit.catalog.version,
    }


def keep_runs(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Keeps runs, in one statement."""
    if rows:
        ADD.write_many(connection, rows)


def forget_runs(database: Database) -> int:
    """Deletes runs of long ago, and of each rule those beyond the newest; gives how many."""
    with database.write() as connection:
        now = database_now(connection)
        old = sa.delete(rule_run).where(rule_run.c.id < first_id(now - timedelta(days=KEEP_DAYS)))
        gone = connection.execute(old).rowcount
        number = sa.func.count()
        many = sa.select(rule_run.c.rule).group_by(rule_run.c.rule).having(number > KEEP_EACH)
        for rule in connection.execute(many).scalars().all():
            mine = rule_run.c.rule == rule
            newest = sa.select(rule_run.c.id).where(mine).order_by(rule_run.c.id.desc())
            last = connection.execute(newest.offset(KEEP_EACH).limit(1)).scalar_one()
            beyond = sa.delete(rule_run).where(mine, rule_run.c.id <= last)
            gone += connection.execute(beyond).rowcount
        return gone


def runs_of(
    connection: sa.Connection, rule: str, *, after: str | None, limit: int
) -> tuple[Sequence[sa.RowMapping], str | None]:
    """Gives runs of a rule, the newest first, and the id behind which the next page begins."""
    query = sa.select(rule_run).where(rule_run.c.rule == rule)
    if after is not None:
        query = query.where(rule_run.c.id < after)
    query = query.order_by(rule_run.c.id.desc()).limit(limit + 1)
    rows = connection.execute(query).mappings().all()
    return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None


def last_runs(connection: sa.Connection, now: datetime) -> Mapping[str, sa.Row[Any]]:
    """Gives by rule how often it ran in the last day, as far as runs are kept, and when last."""
    day = rule_run.c.id >= first_id(now - timedelta(days=1))
    number, last = sa.func.count().label("number"), sa.func.max(rule_run.c.at).label("last")
    query = sa.select(rule_run.c.rule, number, last).where(day).group_by(rule_run.c.rule)
    return {row.rule: row for row in connection.execute(query)}
