"""An instance whose clock a test moves, with a worker that goes round when it is told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import AUTOMATION, Principal
from metadata.elements import Element
from metadata.query import Moment
from tests.platform.computed_world import ZONE, build
from trellis.actions import Performer, load_actions
from trellis.automation.clock import has_work, plan_rules
from trellis.automation.dispatcher import Dispatcher
from trellis.automation.outbox import outbox
from trellis.catalogs import Catalogs
from trellis.channels import load_channels
from trellis.db import Database
from trellis.records.save import save_record
from trellis.security.directory import UserDirectory
from trellis.unit import Unit

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
"""A Sunday; 16:00 in Shanghai."""


@dataclass
class Office:
    """The instance."""

    database: Database
    zone: ZoneInfo = ZONE
    now: datetime = START
    catalogs: Catalogs = field(default_factory=Catalogs)

    def publish(self, elements: Sequence[Element]) -> None:
        with self.database.write(publishing=True) as connection:
            build(connection, elements)

    def person(self, name: str) -> str:
        """Adds a user, who has the id of her name."""
        row = {"id": name, "name": name, "version": 1, "created_at": START, "updated_at": START}
        with self.database.write() as connection:
            users = self.catalogs.current(connection).tables["user"]
            connection.execute(sa.insert(users).values(row))
        return name

    def unit(self, connection: sa.Connection, who: str | None = None) -> Unit:
        catalog = self.catalogs.current(connection)
        moment = Moment(self.now, self.zone)
        directory = UserDirectory(connection, catalog, moment.today)
        principal = AUTOMATION
        if who is not None:
            principal = Principal(who, {"id": who}, unrestricted=True)
        return Unit(connection, catalog, principal, moment, directory)

    def save(self, object_name: str, record_id: str | None = None, /, **values: object) -> str:
        with self.database.write() as connection:
            unit = self.unit(connection)
            return save_record(unit, object_name, record_id, values, channel="api").id

    def get(self, object_name: str, record_id: str) -> Mapping[str, Any]:
        with self.database.read() as connection:
            found = self.unit(connection).records().get(object_name, record_id)
        assert found is not None
        return found

    def round(self) -> int:
        """Plans and runs what is due; gives how much was run."""
        with self.database.read() as connection:
            catalog = self.catalogs.current(connection)
            is_needed = has_work(connection, catalog, self.now, self.zone)
        if is_needed:
            self.plan()
        perform = Performer(self.catalogs, load_actions(), load_channels(), self.zone)
        return Dispatcher(self.database, perform, lambda _: self.now).drain()

    def plan(self) -> int:
        with self.database.write() as connection:
            return plan_rules(self.unit(connection))

    def until(self, end: datetime, step: timedelta = timedelta(minutes=5)) -> None:
        """Goes round every few minutes."""
        while self.now < end:
            self.now = min(self.now + step, end)
            self.round()

    def rows(self, state: str) -> int:
        with self.database.read() as connection:
            count = sa.select(sa.func.count()).where(outbox.c.state == state)
            return int(connection.execute(count).scalar_one())
