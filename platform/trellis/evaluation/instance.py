"""What an explanation knows of an instance: its people, their work, and all stored records."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from metadata.access import AUTOMATION
from metadata.catalog import Catalog
from metadata.query import Moment, Records
from rule_engine.types import Related
from trellis.automation.environment import RelatedRecords
from trellis.evaluation.catalogs import Source
from trellis.evaluation.question import Setting
from trellis.evaluation.telling import Company
from trellis.security.directory import UserDirectory


@dataclass(frozen=True, slots=True)
class Instance:
    """The people and the records of an instance."""

    company: Company
    related: Related


@dataclass(frozen=True, slots=True)
class OwnedRecords:
    """A workload: what people own. Absences are not kept yet: nobody is away."""

    connection: sa.Connection
    catalog: Catalog

    def count(self, user: str, object_name: str) -> int:
        """Gives how many records of an object a user owns."""
        if not self.catalog.objects[object_name].owner:
            return 0
        table = self.catalog.tables[object_name]
        owned = sa.select(sa.func.count()).where(
            table.c.owner == user, table.c.deleted_at.is_(None)
        )
        return self.connection.execute(owned).scalar_one()

    def is_away(self, user: str) -> bool:
        """Says that a user is there."""
        del user
        return False


def instance_of(source: Source, setting: Setting) -> Instance | None:
    """Gives the instance that definitions come from; None for those of files."""
    if source.connection is None:
        return None
    around = (source.connection, source.catalog)
    moment = Moment(setting.now, setting.zone)
    records = Records(source.catalog, source.connection, AUTOMATION, moment)
    company = Company(UserDirectory(*around, moment.today), OwnedRecords(*around))
    return Instance(company, RelatedRecords(records))
