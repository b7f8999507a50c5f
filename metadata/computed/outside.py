"""What stored computed fields may know besides records: they ask neither clock nor person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from metadata.exchange import BaseOnly
from rule_engine.services.evaluate import Surroundings
from rule_engine.types import RateTable


class NothingRelated:
    """Other records for expressions that a database works out: it finds them by itself."""

    def record(self, object_name: str, record_id: str) -> Mapping[str, object] | None:
        """Gives None."""

    def records(
        self, object_name: str, field: str, record_id: str
    ) -> Sequence[Mapping[str, object]]:
        """Gives nothing."""
        return ()


def outside(zone: ZoneInfo, rates: RateTable | None = None) -> Surroundings:
    """Gives the surroundings of a statement over stored fields."""
    return Surroundings(datetime.now(UTC), zone, None, {}, rates or BaseOnly(), NothingRelated())
