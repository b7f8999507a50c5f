"""Pausing work that goes on in the background: what is due waits until it goes on again."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES, clock, insert_into

work_pause = sa.Table(
    "work_pause",
    SYSTEM_TABLES,
    sa.Column("work", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)


def goes_on(work: str) -> sa.ColumnElement[bool]:
    """Gives the condition that work of a kind is not paused."""
    return ~sa.exists().where(work_pause.c.work == work)


def pause(connection: sa.Connection, work: str, by: str) -> None:
    """Has nothing of a kind begun any more; what runs goes on to its end."""
    row = {"work": work, "since": clock(connection), "by": by}
    connection.execute(insert_into(connection, work_pause).values(row).on_conflict_do_nothing())


def resume(connection: sa.Connection, work: str) -> None:
    """Lets work of a kind go on: what became due meanwhile is done in its order."""
    connection.execute(sa.delete(work_pause).where(work_pause.c.work == work))


def paused(connection: sa.Connection) -> dict[str, sa.RowMapping]:
    """Gives what is paused, since when and by whom, by kind."""
    rows = connection.execute(sa.select(work_pause)).mappings()
    return {row["work"]: row for row in rows}
