"""Forgetting messages that were delivered, or made into records, long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from trellis.automation.dispatcher import database_now
from trellis.db import Database
from trellis.webhooks.tables import DONE, webhook_delivery, webhook_inbox

KEEP: Final = timedelta(days=30)


def forget_messages(database: Database) -> int:
    """Deletes what was done long ago and gives how many; what was given up stays.

    A message that comes again after that is a new one.
    """

    def forget(connection: sa.Connection) -> int:
        limit = database_now(connection) - KEEP
        old = (
            sa.delete(table).where(table.c.state == DONE, table.c.done_at < limit)
            for table in (webhook_delivery, webhook_inbox)
        )
        return sum(connection.execute(statement).rowcount for statement in old)

    return database.do(forget)
