"""What an explanation knows of an instance: its people, their work, and all stored records."""

from __future__ import annotations

from dataclasses import dataclass

from metadata.access import AUTOMATION
from metadata.query import Moment, Records
from rule_engine.types import Related
from trellis.automation.environment import RelatedRecords
from trellis.automation.workload import OwnedRecords
from trellis.evaluation.catalogs import Source
from trellis.evaluation.question import Setting
from trellis.evaluation.telling import Company
from trellis.security.directory import UserDirectory


@dataclass(frozen=True, slots=True)
class Instance:
    """The people and the records of an instance."""

    company: Company
    related: Related


def instance_of(source: Source, setting: Setting) -> Instance | None:
    """Gives the instance that definitions come from; None for those of files."""
    if source.connection is None:
        return None
    around = (source.connection, source.catalog)
    moment = Moment(setting.now, setting.zone)
    records = Records(source.catalog, source.connection, AUTOMATION, moment)
    directory = UserDirectory(*around, moment.today)
    company = Company(directory, OwnedRecords(*around, directory))
    return Instance(company, RelatedRecords(records))
