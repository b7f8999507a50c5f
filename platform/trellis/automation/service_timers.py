"""The time of service levels: what has come due is put into the outbox.

When a clock is to be looked at stands in its own row; when that time has come the look leaves the
row for the outbox, in one transaction, and so happens once. A clock whose object is not in use
waits, and is looked at when the object is back.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.fields.numbers import plain
from metadata.objects import ObjectDefinition
from rule_engine.services.sla import Block
from trellis.automation.outbox import BY_THE_CLOCK, add_all, add_given_up
from trellis.automation.service_levels import service_level
from trellis.automation.watch import tell_administrators
from trellis.errors import RecordError
from trellis.unit import Unit
from trellis.wording import REFUSED, told

logger = logging.getLogger(__name__)

TIME: Final = "service_level_time"
BLOCK: Final = "service_level_block"
"""An `at` block that came due and could not be carried out."""
MOST: Final = 2_000
"""So many looks are begun in one transaction."""


def is_any_due(connection: sa.Connection, catalog: Catalog, now: datetime) -> bool:
    """Says whether a clock is to be looked at, without taking a lock."""
    due = sa.exists().where(is_due(catalog, now))
    return bool(connection.execute(sa.select(due)).scalar_one())


def is_due(catalog: Catalog, now: datetime) -> sa.ColumnElement[bool]:
    """Gives the condition of clocks of objects in use whose time has come."""
    known = [definition.id for definition in catalog.objects.values()]
    return sa.and_(service_level.c.object.in_(known), service_level.c.next_at <= now)


def begin_looks(unit: Unit) -> int:
    """Has the clocks looked at whose time has come, in their order; gives how many."""
    here = service_level.c
    query = (
        sa.select(here.id, here.object, here.record_id, here.sla, here.revision, here.next_at)
        .where(is_due(unit.catalog, unit.moment.now))
        .order_by(here.next_at, here.id)
        .limit(MOST)
        .with_for_update(skip_locked=True)
    )
    rows = unit.connection.execute(query).all()
    if not rows:
        return 0
    begun = sa.update(service_level).where(here.id.in_([row.id for row in rows]))
    unit.connection.execute(begun.values(next_at=None, revision=here.revision + 1))
    names = {definition.id: name for name, definition in unit.catalog.objects.items()}
    add_all(
        unit.connection,
        [
            {
                "action": TIME,
                "payload": {"sla": row.sla, "due": row.next_at.isoformat()},
                "effect_key": f"{TIME}/{row.id}/{row.revision + 1}",
                "object": names[row.object],
                "record_id": row.record_id,
                "available_at": row.next_at,
                "turn": BY_THE_CLOCK,
            }
            for row in rows
        ],
    )
    return len(rows)


def note_refused(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    name: str,
    block: Block,
    error: RecordError,
) -> None:
    """Notes of an `at` block that it came due and could not be carried out: as an effect of the
    service level that was given up, which is tried again when somebody says so. Who administers is
    told of the first among the records of a service level, until that is forgotten."""
    run, target, percent = block
    logger.info("%s, %s of %s: not carried out on %s", name, percent, target, record_id)
    said, about = told(error), {"object_name": definition.name, "record_id": record_id}
    payload = {"sla": name, "run": run, "target": target, "percent": str(percent)}
    key = f"{BLOCK}/{definition.id}/{record_id}/{name}/{run}/{target}/{percent}"
    add_given_up(unit.connection, BLOCK, payload, key, said, rule=name, **about)
    values = {"rule": name, "percent": plain(percent * 100), "record": record_id, "reason": said}
    once = f"{BLOCK}/{definition.id}/{name}/{target}/{percent}"
    tell_administrators(unit, REFUSED, values, once, **about)


def look_soon(unit: Unit, definition: ObjectDefinition, record_id: str) -> None:
    """Has the clocks of a record looked at that have not ended: it was away, and is back."""
    here = service_level.c
    woken = sa.update(service_level).where(
        here.object == definition.id, here.record_id == record_id, here.ended.is_not(True)
    )
    unit.connection.execute(woken.values(next_at=unit.moment.now))
