"""What a use case works in: one transaction, one snapshot of definitions, one acting principal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import sqlalchemy as sa

from metadata.access import AUTOMATION, Principal
from metadata.catalog import Catalog
from metadata.exchange import DatedRates
from metadata.query import Moment, Records
from rule_engine.types import Directory

MAX_DEPTH = 8

# The door a write came through, as history tells it.
Channel = Literal["page", "api", "import", "rule", "job", "system"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work.

    Everything is fixed while it lasts: `moment` is the only clock, `catalog` the only definitions.
    `connection` is inside the caller's transaction; a use case that raises leaves it to the caller
    to roll back. `depth` counts how many writes of rules led here; `saving` are the records (object
    and id) whose own save or deletion this write is a part of.
    """

    connection: sa.Connection
    catalog: Catalog
    principal: Principal
    moment: Moment
    directory: Directory
    depth: int = 0
    saving: frozenset[tuple[str, str]] = frozenset()

    def records(self) -> Records:
        """Gives the one door to data, seen with the eyes of the acting principal."""
        return Records(self.catalog, self.connection, self.principal, self.moment)

    def rates(self) -> DatedRates:
        """Gives the exchange rates in force today; nothing is read before one is asked for."""
        return DatedRates(self.connection, self.catalog, self.moment.today)

    def as_automation(self) -> Unit:
        """Gives the same unit for a write that a rule causes, one level deeper."""
        return replace(self, principal=AUTOMATION, depth=self.depth + 1)

    @property
    def user_id(self) -> str | None:
        """The acting person's id in records; None for the system."""
        user = self.principal.user
        return None if user is None else str(user["id"])
