"""The moment and the surroundings in which the bench's rules are evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from metadata.exchange import BaseOnly
from rule_engine.types import NO_MEMBERSHIPS
from trellis.automation.environment import Surroundings

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Alone:
    """A rule_engine Related without other records."""

    def record(self, object_name: str, record_id: str) -> None:
        """Gives nothing."""

    def records(
        self, object_name: str, field: str, record_id: str
    ) -> tuple[Mapping[str, object], ...]:
        """Gives nothing."""
        return ()


def surroundings() -> Surroundings:
    """Gives an environment with nobody and nothing around the record."""
    return Surroundings(NOW, ZoneInfo("UTC"), None, NO_MEMBERSHIPS, Alone(), BaseOnly())
