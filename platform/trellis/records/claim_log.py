"""Who has claimed what from which queue, and still has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import uuid_utils

from metadata.objects import ObjectDefinition
from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES
from trellis.records.written import Written
from trellis.unit import Unit

queue_claim = sa.Table(
    "queue_claim",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False, comment="the stable id of the object"),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("ended_at", Instant, comment="empty: the record is still with who claimed it"),
    sa.Index("queue_claim_of_user", "user", "queue", "at"),
    sa.Index("queue_claim_of_record", "object", "record_id"),
)


def note_claim(
    unit: Unit, definition: ObjectDefinition, record_id: str, queue_id: str, user_id: str
) -> None:
    """Writes down that a user has taken a record from a queue."""
    row = {
        "id": str(uuid_utils.uuid7()),
        "queue": queue_id,
        "user": user_id,
        "object": definition.id,
        "record_id": record_id,
        "at": unit.moment.now,
    }
    unit.connection.execute(sa.insert(queue_claim).values(row))


def claims_since(unit: Unit, queue_id: str, user_id: str, since: datetime) -> int:
    """Gives how many records a user has claimed from a queue since an instant."""
    return _count(unit, queue_id, user_id, queue_claim.c.at >= since)


def claims_open(unit: Unit, queue_id: str, user_id: str) -> int:
    """Gives how many records a user has that she claimed from a queue."""
    return _count(unit, queue_id, user_id, queue_claim.c.ended_at.is_(None))


def follow_claims(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Ends claims of records that were given away or deleted."""
    gone = [
        one.id
        for one in writes
        if one.old is not None
        and one.old.get("owner") is not None
        and (one.new is None or ("owner" in one.new and one.differs("owner")))
    ]
    if gone:
        unit.connection.execute(
            sa.update(queue_claim)
            .where(
                queue_claim.c.object == definition.id,
                queue_claim.c.record_id.in_(gone),
                queue_claim.c.ended_at.is_(None),
            )
            .values(ended_at=unit.moment.now)
        )


def _count(unit: Unit, queue_id: str, user_id: str, which: sa.ColumnElement[bool]) -> int:
    table = queue_claim
    counted = sa.select(sa.func.count()).select_from(table)
    mine = counted.where(table.c.queue == queue_id, table.c.user == user_id, which)
    return unit.connection.execute(mine).scalar_one()
