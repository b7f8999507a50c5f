"""Approval requests and locks as rows: what survives a restart and what a save has to respect."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from metadata.query.tables import many, one_of
from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES, insert_into

OPEN = "open"

rule_snapshot = sa.Table(
    "rule_snapshot",
    SYSTEM_TABLES,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("texts", sa.JSON, nullable=False),
)

approval_request = sa.Table(
    "approval_request",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("approval", sa.Text, nullable=False),
    sa.Column("rules", sa.Text, sa.ForeignKey(rule_snapshot.c.digest), nullable=False),
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("editable", sa.JSON, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("submitted_by", sa.Text, nullable=False),
    sa.Column("submitted_at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    sa.Index("approval_request_of_record", "object", "record_id", "submitted_at"),
)
# The database itself keeps two submits at once from both winning.
sa.Index(
    "approval_request_one_open",
    approval_request.c.object,
    approval_request.c.record_id,
    unique=True,
    sqlite_where=approval_request.c.status == OPEN,
    postgresql_where=approval_request.c.status == OPEN,
)

approval_approver = sa.Table(
    "approval_approver",
    SYSTEM_TABLES,
    sa.Column("request", sa.Text, sa.ForeignKey(approval_request.c.id), primary_key=True),
    sa.Column("user", sa.Text, primary_key=True),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Index("approval_approver_inbox", "user", "open"),
)

record_lock = sa.Table(
    "record_lock",
    SYSTEM_TABLES,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
)


def held_among(
    connection: sa.Connection, records: Collection[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Gives which of some records (each by the ids of its object and its own) are locked or have an
    open request: in one statement, none for no records."""
    if not records:
        return frozenset()
    request, lock, dialect = approval_request, record_lock, connection.dialect.name
    objects, ids = ({one[place] for one in records} for place in (0, 1))
    listed = many("ids", dialect)
    locked = sa.select(lock.c.object, lock.c.record_id).where(
        lock.c.object.in_(sorted(objects)), one_of(lock.c.record_id, listed, dialect)
    )
    requested = sa.select(request.c.object, request.c.record_id).where(
        request.c.object.in_(sorted(objects)),
        one_of(request.c.record_id, listed, dialect),
        request.c.status == OPEN,
    )
    rows = connection.execute(locked.union(requested), {"ids": sorted(ids)})
    return frozenset((row[0], row[1]) for row in rows) & set(records)


def take_hold(
    connection: sa.Connection, object_id: str, record_id: str, cause: str, at: datetime
) -> None:
    """Locks a record; an older lock stays as it is."""
    statement = insert_into(connection, record_lock).values(
        object=object_id, record_id=record_id, since=at, cause=cause
    )
    connection.execute(statement.on_conflict_do_nothing())


def release(connection: sa.Connection, object_id: str, record_id: str) -> None:
    """Unlocks a record."""
    connection.execute(
        sa.delete(record_lock).where(
            record_lock.c.object == object_id, record_lock.c.record_id == record_id
        )
    )
