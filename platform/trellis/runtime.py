"""Everything a running process shares, made once per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from trellis.actions import Deed, load_actions
from trellis.automation.dispatcher import database_now
from trellis.automation.outbox import OUTBOX
from trellis.catalogs import Catalogs
from trellis.channels import Channel, load_channels
from trellis.config import Settings
from trellis.db import Database
from trellis.files.blobs import Blobs, LocalBlobs
from trellis.jobs.queue import WakeUps
from trellis.security.access import Accounts


@dataclass(frozen=True, slots=True)
class Platform:
    """One installation as one process sees it. Threads share it; a forked child makes its own."""

    settings: Settings
    database: Database
    catalogs: Catalogs
    accounts: Accounts
    actions: Mapping[str, Deed]
    channels: Mapping[str, Channel]
    wake_ups: WakeUps
    blobs: Blobs

    def close(self) -> None:
        """Gives back connections to the database and to Redis."""
        self.wake_ups.close()
        self.database.dispose()


def open_platform(settings: Settings) -> Platform:
    """Makes the platform of an instance that is set up; nothing is connected before it is used."""
    database = Database(
        settings.database_url,
        synchronous=settings.synchronous,
        cipher=settings.cipher,
        big_table_rows=settings.big_table_rows,
        base_currency=settings.base_currency,
    )
    wake_ups = WakeUps(settings.redis_url)
    database.listen(OUTBOX, wake_ups.wake)
    return Platform(
        settings=settings,
        database=database,
        catalogs=Catalogs(lambda one: database_now(one).astimezone(settings.zone).date()),
        accounts=Accounts(lambda: datetime.now(settings.zone).date()),
        actions=load_actions(),
        channels=load_channels(),
        wake_ups=wake_ups,
        blobs=LocalBlobs(settings.uploads_folder),
    )
