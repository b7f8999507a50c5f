"""Keeping back what would leave a restored instance: others may have got it already."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from metadata.access import SYSTEM
from trellis.db import Database
from trellis.mail.tables import MAIL, mail_message
from trellis.pausing import pause
from trellis.webhooks.tables import WEBHOOKS, webhook_delivery

LEAVING: Final = {MAIL: mail_message, WEBHOOKS: webhook_delivery}
"""The tables of what leaves the instance, by the kind of work that takes it out."""
UNDER_WAY: Final = ("waiting", "running")


def hold(database: Database) -> int:
    """Pauses letters and webhooks until an administrator lets them go on; gives how many wait."""
    with database.write() as connection:
        for work in LEAVING:
            pause(connection, work, SYSTEM.name)
        return sum(number_waiting(connection, table) for table in LEAVING.values())


def number_waiting(connection: sa.Connection, table: sa.Table) -> int:
    """Gives how much of a table has not left."""
    waits = sa.select(sa.func.count()).where(table.c.state.in_(UNDER_WAY))
    return int(connection.execute(waits.select_from(table)).scalar_one())
