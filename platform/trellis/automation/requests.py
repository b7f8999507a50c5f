"""Approval requests and locks as rows: what survives a restart and what a save has to respect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from metadata.prepared import Prepared
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


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds a record: a lock (`cause` says whose), an open request, or both.

    `editable` are the fields that `approvers` may change all the same.
    """

    cause: str | None
    request: str | None
    approval: str | None
    editable: frozenset[str]
    approvers: frozenset[str]

    def allows(self, field: str, user_id: str | None) -> bool:
        """Says whether this user may change the field in spite of the lock."""
        return self.cause is None or (field in self.editable and user_id in self.approvers)


def hold_statement() -> sa.Select[Any]:
    """Gives the question of `hold_of`: always one row, with the record as parameters."""
    request, lock = approval_request, record_lock
    key = sa.select(
        sa.bindparam("object", type_=sa.Text).label("object"),
        sa.bindparam("record_id", type_=sa.Text).label("record_id"),
    ).subquery()
    locked = sa.and_(lock.c.object == key.c.object, lock.c.record_id == key.c.record_id)
    requested = sa.and_(
        request.c.object == key.c.object,
        request.c.record_id == key.c.record_id,
        request.c.status == sa.literal_column(f"'{OPEN}'"),
    )
    return sa.select(
        lock.c.cause, request.c.id, request.c.approval, request.c.state, request.c.editable
    ).select_from(key.outerjoin(lock, locked).outerjoin(request, requested))


# Asked on every save: built once.
HOLD = Prepared(hold_statement())


def hold_of(connection: sa.Connection, object_id: str, record_id: str) -> Hold | None:
    """Gives what holds a record, in one statement; None when it is free."""
    asked = {"object": object_id, "record_id": record_id}
    ((cause, request, approval, stored, editable),) = HOLD.rows(connection, asked)
    if cause is None and request is None:
        return None
    state: Mapping[str, object] = stored or {}
    return Hold(
        cause=cause,
        request=request,
        approval=approval,
        editable=names(editable),
        approvers=names(state.get("approvers")),
    )


def held_among(connection: sa.Connection, object_id: str, ids: Sequence[str]) -> frozenset[str]:
    """Gives which of some records are locked or have an open request."""
    request, lock = approval_request, record_lock
    locked = sa.select(lock.c.record_id).where(
        lock.c.object == object_id, lock.c.record_id.in_(ids)
    )
    requested = sa.select(request.c.record_id).where(
        request.c.object == object_id, request.c.record_id.in_(ids), request.c.status == OPEN
    )
    return frozenset(connection.scalars(locked.union(requested)))


def names(value: object) -> frozenset[str]:
    """Gives a JSON list of texts as a set; nothing for anything else."""
    return frozenset(map(str, value)) if isinstance(value, Sequence) else frozenset()


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
