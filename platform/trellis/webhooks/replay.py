"""What became of messages, and delivering them again; for who administers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from metadata.problems import Problem
from trellis.audit.events import note
from trellis.db import clock
from trellis.errors import NotAllowed
from trellis.records.read import read_record
from trellis.records.webhooks import WEBHOOK
from trellis.unit import Unit
from trellis.webhooks.tables import DEAD, RUNNING, WAITING, webhook_delivery

MAX_SHOWN = 100


def demand_administrator(unit: Unit) -> None:
    """Raises NotAllowed for who may not administer."""
    if not (unit.principal.may_administer or unit.principal.unrestricted):
        raise NotAllowed([Problem("", "administer_needed")])


def deliveries(
    unit: Unit, *, webhook_id: str | None = None, state: str | None = None
) -> list[Mapping[str, Any]]:
    """Gives the newest messages, of one webhook or in one state only when asked so."""
    demand_administrator(unit)
    table = webhook_delivery.c
    query = sa.select(webhook_delivery).order_by(table.id.desc()).limit(MAX_SHOWN)
    if webhook_id is not None:
        query = query.where(table.webhook == webhook_id)
    if state is not None:
        query = query.where(table.state == state)
    return [dict(row) for row in unit.connection.execute(query).mappings()]


def replay(unit: Unit, webhook_id: str, delivery_id: str | None = None) -> int:
    """Has one message of a webhook delivered again, or all that are dead; gives how many.

    Raises Missing and NotAllowed.
    """
    demand_administrator(unit)
    read_record(unit, WEBHOOK, webhook_id, ["id"])
    table = webhook_delivery.c
    chosen = table.state == DEAD if delivery_id is None else table.id == delivery_id
    again = sa.update(webhook_delivery).where(
        table.webhook == webhook_id, chosen, table.state != RUNNING
    )
    values = {"state": WAITING, "attempts": 0, "available_at": clock(unit.connection)}
    count = unit.connection.execute(again.values(**values, done_at=None, error=None)).rowcount
    if count:
        told = {"messages": count} if delivery_id is None else {"message": delivery_id}
        note(unit, "replay", object=WEBHOOK, record_ids=[webhook_id], values=told)
    return count
