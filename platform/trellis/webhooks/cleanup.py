"""Forgetting messages that were delivered, or made into records, long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from trellis.automation.dispatcher import database_now
from trellis.records.webhooks import SOURCE, webhooks_where
from trellis.runtime import Platform
from trellis.webhooks.endpoints import system_unit
from trellis.webhooks.sources import TIMELESS
from trellis.webhooks.tables import DONE, webhook_delivery, webhook_inbox

KEEP: Final = timedelta(days=30)


def forget_messages(here: Platform) -> int:
    """Deletes what was done long ago and gives how many; what was given up stays.

    So does that a message came whose signature holds no time: it could be sent again for ever.
    """

    def forget(connection: sa.Connection) -> int:
        sources = webhooks_where(system_unit(here, connection), SOURCE, TIMELESS)
        timeless = [str(one["id"]) for one in sources]
        limit = database_now(connection) - KEEP
        old = (
            sa.delete(webhook_delivery),
            sa.delete(webhook_inbox).where(webhook_inbox.c.source.not_in(timeless)),
        )
        return sum(
            connection.execute(
                one.where(one.table.c.state == DONE, one.table.c.done_at < limit)
            ).rowcount
            for one in old
        )

    return here.database.do(forget)
