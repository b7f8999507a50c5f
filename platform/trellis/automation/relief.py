"""Approvers who may log in no more: what waits for them is looked at after the commit."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
import uuid_utils

from trellis.automation.outbox import WAITING, add, outbox

RELIEF: Final = "approver_gone"


def relieve_soon(connection: sa.Connection, user_id: str) -> None:
    """Has others asked in the place of a user who may log in no more (`approvals.relief`)."""
    add(connection, RELIEF, {"user": user_id}, f"{RELIEF}/{user_id}/{uuid_utils.uuid7()}")


def relieve_otherwise(connection: sa.Connection, user_id: str) -> None:
    """Takes back what `relieve_soon` asked for: somebody has said who comes in her place."""
    asked = outbox.c.effect_key.startswith(f"{RELIEF}/{user_id}/", autoescape=True)
    waiting = sa.and_(outbox.c.action == RELIEF, outbox.c.state == WAITING, asked)
    connection.execute(sa.delete(outbox).where(waiting))
