"""When people are away, and who stands in for them: one row for each absence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.query.tables import alive
from rule_engine.columns import Instant
from rule_engine.types import Absence
from trellis.db import SYSTEM_TABLES

absence = sa.Table(
    "absence",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("from", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("substitute", sa.Text),
    sa.Column("why", sa.Text),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("absence_of_user", "user", "until"),
    sa.Index("absence_until", "until"),
)
"""The days `from` and `until` are whole and both away, in the organisation's zone; `by` entered it.
No two of a user's absences share a day."""


def is_on(day: date) -> sa.ColumnElement[bool]:
    """Gives the condition that an absence holds on a day."""
    return sa.and_(absence.c["from"] <= day, absence.c.until >= day)


def absences_on(connection: sa.Connection, catalog: Catalog, day: date) -> Mapping[str, Absence]:
    """Gives who is away on a day, by user; a substitute who has left is none."""
    table = absence
    chosen = sa.select(table.c.user, table.c.until, table.c.substitute)
    rows = connection.execute(chosen.where(is_on(day))).all()
    if not rows:
        return {}
    users = catalog.tables["user"]
    named = {row.substitute for row in rows if row.substitute is not None}
    works = sa.select(users.c.id).where(users.c.id.in_(named), users.c.active.is_(True))
    here = set(connection.scalars(works.where(alive(users))))
    return {
        row.user: Absence(row.until, row.substitute if row.substitute in here else None)
        for row in rows
    }
