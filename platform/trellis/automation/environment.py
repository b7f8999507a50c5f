"""What rules may know besides the record itself: the clock, the acting person, other records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from metadata.access import AUTOMATION
from metadata.query import Records
from rule_engine.types import Calendar, Memberships, RateTable, Related
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A rule_engine Environment, fixed for one unit of work."""

    now: datetime
    zone: ZoneInfo
    user: Mapping[str, object] | None
    memberships: Memberships
    related: Related
    rates: RateTable
    calendars: Mapping[str, Calendar] = field(default_factory=dict)


class RelatedRecords:
    """Other records as rules see them, loaded when first asked for.

    Rules run as the system: what they read does not depend on who saves. Nothing refers to the
    record `new` yet.
    """

    def __init__(self, records: Records, new: str | None = None) -> None:
        self._records = records
        self._new = new
        self._one: dict[tuple[str, str], Mapping[str, object] | None] = {}
        self._many: dict[tuple[str, str, str], Sequence[Mapping[str, object]]] = {}

    def record(self, object_name: str, record_id: str) -> Mapping[str, object] | None:
        """Gives a record, or None when there is none any more."""
        key = object_name, record_id
        if key not in self._one:
            self._one[key] = self._records.get(object_name, record_id)
        return self._one[key]

    def records(
        self, object_name: str, field: str, record_id: str
    ) -> Sequence[Mapping[str, object]]:
        """Gives the records whose reference `field` points to a record, oldest first."""
        if record_id == self._new:
            return ()
        key = object_name, field, record_id
        if key not in self._many:
            found = self._records.children(object_name, field, [record_id])
            self._many[key] = found.get(record_id, ())
        return self._many[key]

    def preload(self, object_name: str, ids: Iterable[str]) -> Mapping[str, Mapping[str, object]]:
        """Loads records that will be asked for, in one statement; gives them by id."""
        wanted = {one for one in ids if (object_name, one) not in self._one}
        found = self._records.by_ids(object_name, wanted) if wanted else {}
        self._one.update({(object_name, one): found.get(one) for one in wanted})
        known = ((one, self._one[object_name, one]) for one in ids)
        return {one: record for one, record in known if record is not None}


def environment_of(unit: Unit, new: str | None = None) -> Surroundings:
    """Gives what rules may know in a unit of work; `new` is a record that is being made."""
    as_system = replace(unit, principal=AUTOMATION)
    return Surroundings(
        now=unit.moment.now,
        zone=unit.moment.zone,
        user=unit.principal.user,
        memberships=unit.principal.memberships,
        related=RelatedRecords(as_system.records(), new),
        rates=unit.rates(),
        calendars=unit.catalog.program.business_time,
    )
