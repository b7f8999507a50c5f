"""Who has which record out of which queue, since when, and who had it before.

Every way out of a queue counts, whoever leads it: who took the record herself, and who was given
it, is held to the queue's terms (`queue_terms`), and so is everybody to whom it is given on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import uuid_utils

from metadata.objects import ObjectDefinition
from rule_engine.columns import Instant
from trellis.automation.outbox import add
from trellis.automation.workload import open_ids
from trellis.db import SYSTEM_TABLES
from trellis.records.queue_terms import TERMS, Held, Terms, next_step
from trellis.records.stamps import FIRST_VERSION
from trellis.records.written import Written
from trellis.unit import Unit

QUEUE: Final = "queue"
RECYCLE, REPLAN = "recycle", "replan_queue"

queue_claim = sa.Table(
    "queue_claim",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False, comment="the stable id of the object"),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("ended_at", Instant, comment="empty: the record is still with the user"),
    sa.Column("given", sa.Boolean, comment="true: somebody else gave it; limits do not count it"),
    sa.Column("look_at", Instant, comment="when it is looked at next; other timers are void"),
    sa.Column("warned_at", Instant, comment="when the user was last told that it goes back"),
    sa.Index("queue_claim_of_user", "user", "queue", "at"),
    sa.Index("queue_claim_of_record", "object", "record_id"),
    sa.Index("queue_claim_of_queue", "queue", "ended_at", "id"),
)


def note_claim(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    queue_id: str,
    user_id: str,
    *,
    given: bool = False,
) -> None:
    """Writes down that a user has a record out of a queue, and plans when it is looked at."""
    now = unit.moment.now
    row = {
        "id": str(uuid_utils.uuid7()),
        "queue": queue_id,
        "user": user_id,
        "object": definition.id,
        "record_id": record_id,
        "at": now,
        "given": given,
    }
    unit.connection.execute(sa.insert(queue_claim).values(row))
    terms = terms_of(unit, queue_id)
    step = next_step(terms, Held(now, now), unit.moment.zone) if terms else None
    if step is not None:
        plan_look(unit, definition, row, step.at)


def take_as_own(unit: Unit, definition: ObjectDefinition, record_id: str, user_id: str) -> None:
    """Writes down that a user who has a record took it herself; rules may have given it on."""
    mine = sa.and_(*of_record(definition, [record_id]), queue_claim.c.user == user_id)
    unit.connection.execute(sa.update(queue_claim).where(mine).values(given=False))


def terms_of(unit: Unit, queue_id: str) -> Terms | None:
    """Gives a queue's terms; None for one that is gone."""
    queue = unit.as_automation().records().get(QUEUE, queue_id, list(TERMS))
    return None if queue is None else Terms.of(queue)


def plan_look(
    unit: Unit, definition: ObjectDefinition, claim: Mapping[str, object], at: datetime
) -> None:
    """Has a claim looked at; what was planned for it before is void."""
    claim_id, record_id = str(claim["id"]), str(claim["record_id"])
    mine = sa.update(queue_claim).where(queue_claim.c.id == claim_id)
    unit.connection.execute(mine.values(look_at=at))
    payload, key = (
        {"claim": claim_id, "at": at.isoformat()},
        f"{RECYCLE}/{claim_id}/{at.isoformat()}",
    )
    about = {"object_name": definition.name, "record_id": record_id}
    add(unit.connection, RECYCLE, payload, key, at=at, **about)


def plan_replan(unit: Unit, queue_id: str, version: int, after: str = "") -> None:
    """Has all that is out of a queue planned anew, some at a time, because its terms changed."""
    payload = {"queue": queue_id, "version": version, "after": after}
    add(unit.connection, REPLAN, payload, f"{REPLAN}/{queue_id}/{version}/{after}")


def claims_since(unit: Unit, queue_id: str, user_id: str, since: datetime) -> int:
    """Gives how many records a user has claimed from a queue since an instant."""
    return _count(unit, queue_id, user_id, queue_claim.c.at >= since)


def claims_open(unit: Unit, definition: ObjectDefinition, queue_id: str, user_id: str) -> int:
    """Gives how many records of an object a user has that she claimed from a queue and that are
    still somebody's work: who has finished one may take another."""
    here = queue_claim.c
    is_work = here.record_id.in_(open_ids(unit.catalog, definition))
    held = sa.and_(here.object == definition.id, here.ended_at.is_(None), is_work)
    return _count(unit, queue_id, user_id, held)


def lost_at(
    unit: Unit, definition: ObjectDefinition, record_id: str, queue_id: str, user_id: str
) -> datetime | None:
    """Gives when a record out of a queue last left a user's hands."""
    here = queue_claim.c
    mine = sa.select(sa.func.max(here.ended_at)).where(
        here.object == definition.id,
        here.record_id == record_id,
        here.queue == queue_id,
        here.user == user_id,
    )
    found: datetime | None = unit.connection.scalar(mine)
    return found


def follow_claims(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Ends claims of records that were given away or deleted, and begins those of who has them."""
    if definition.name == QUEUE:
        for one in writes:
            if one.old and one.new and any(map(one.differs, TERMS)):
                plan_replan(unit, one.id, one.version)
        return
    moved = [one for one in writes if changes_hands(one)]
    gone = [one.id for one in moved if one.old is not None and one.old.get("owner") is not None]
    before = dict(queues_left(unit, definition, [one.id for one in moved]))
    if gone:
        ended = sa.update(queue_claim).where(*of_record(definition, gone))
        unit.connection.execute(ended.values(ended_at=unit.moment.now, look_at=None))
    for one in moved:
        owner = (one.new or {}).get("owner")
        queue = (one.old or {}).get("owner_queue") or before.get(one.id)
        if owner is not None and queue is not None:
            note_claim(unit, definition, one.id, str(queue), str(owner), given=True)


def changes_hands(write: Written) -> bool:
    """Says whether a record has another owner than before, or none, or is there again."""
    if write.old is None:
        return write.version > FIRST_VERSION
    return write.new is None or ("owner" in write.new and write.differs("owner"))


def queues_left(
    unit: Unit, definition: ObjectDefinition, ids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Gives for records the queues out of which their owners have them, or had them as they were
    deleted."""
    here = queue_claim.c
    if not ids:
        return
    query = sa.select(here.record_id, here.queue, here.ended_at).where(
        here.object == definition.id, here.record_id.in_(ids)
    )
    for row in unit.connection.execute(query.order_by(here.at, here.id)):
        yield row.record_id, row.queue


def of_record(
    definition: ObjectDefinition, ids: Sequence[str]
) -> tuple[sa.ColumnElement[bool], ...]:
    """Gives the conditions of open claims of records."""
    here = queue_claim.c
    return here.object == definition.id, here.record_id.in_(ids), here.ended_at.is_(None)


def _count(unit: Unit, queue_id: str, user_id: str, which: sa.ColumnElement[bool]) -> int:
    here = queue_claim.c
    mine = sa.select(sa.func.count()).where(
        here.queue == queue_id, here.user == user_id, here.given.is_not(True), which
    )
    return unit.connection.execute(mine).scalar_one()
