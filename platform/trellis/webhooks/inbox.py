"""What became of the messages of others, and working one through again; for who administers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from trellis.audit.events import note
from trellis.db import clock
from trellis.errors import Missing
from trellis.records.webhooks import SOURCE
from trellis.unit import Unit
from trellis.webhooks.replay import MAX_SHOWN, demand_administrator
from trellis.webhooks.tables import DEAD, WAITING, webhook_inbox


def messages(unit: Unit, *, state: str | None = None) -> list[Mapping[str, Any]]:
    """Gives the newest messages that came, in one state only when asked so."""
    demand_administrator(unit)
    table = webhook_inbox.c
    query = sa.select(webhook_inbox).order_by(table.id.desc()).limit(MAX_SHOWN)
    if state is not None:
        query = query.where(table.state == state)
    return [dict(row) for row in unit.connection.execute(query).mappings()]


def error_in(stored: str, language: str) -> str:
    """Gives for a reader why no record was made of a message; a fault's name stays as it is."""
    try:
        found = json.loads(stored)
    except ValueError:
        return stored
    return str(found.get(language) or found.get("en") or "") if isinstance(found, dict) else stored


def receive_again(unit: Unit, message_id: str) -> None:
    """Has a message worked through once more that no record was made of.

    Raises NotAllowed, or Missing for a message that is not given up.
    """
    demand_administrator(unit)
    table = webhook_inbox.c
    mine = sa.and_(table.id == message_id, table.state == DEAD)
    source = unit.connection.execute(sa.select(table.source).where(mine)).scalar_one_or_none()
    if source is None:
        raise Missing
    again = sa.update(webhook_inbox).where(mine)
    values = {"state": WAITING, "attempts": 0, "available_at": clock(unit.connection)}
    unit.connection.execute(again.values(**values, done_at=None, error=None))
    note(unit, "replay", object=SOURCE, record_ids=[source], values={"message": message_id})
