"""What a use case works in: one transaction, one snapshot of definitions, one acting principal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import sqlalchemy as sa

from metadata.access import AUTOMATION, Principal
from metadata.catalog import Catalog
from metadata.exchange import DatedRates
from metadata.query import Moment, Records
from rule_engine.services.chain import Chain, Link
from rule_engine.types import Directory
from trellis.net.addresses import Network

MAX_DEPTH = 8

# The door a write came through, as history tells it.
Channel = Literal["page", "api", "import", "rule", "job", "system"]


class Witness(Protocol):
    """Somebody who is told what is read in a unit of work (`trellis.audit.reads`)."""

    def records(
        self, catalog: Catalog, connection: sa.Connection, principal: Principal, moment: Moment
    ) -> Records:
        """Gives the door to data that tells what is read through it."""

    def saw(
        self, catalog: Catalog, object_name: str, ids: Iterable[str], fields: Iterable[str]
    ) -> None:
        """Is told of fields of records that were shown without having gone through the door."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a rule writes: the chain of rules that led there, what has run in all of the chain so
    far, and whose save of what (object's id, record's id) set it off."""

    chain: Chain
    ran: set[Link]
    principal: Principal
    record: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work.

    Everything is fixed while it lasts: `moment` is the only clock, `catalog` the only definitions.
    `connection` is inside the caller's transaction; a use case that raises leaves it to the caller
    to roll back. `depth` counts how many writes of rules led here; `saving` are the records (object
    and id) whose own save or deletion this write is a part of. A `witness` is told what is read.
    `deciding` are the approval requests (id) whose own step this write is a part of.
    In a `silent` unit the rules of records do not run; what their definitions demand holds.
    `cause` is there in what rules write after a save. `own_networks` are those of our own into
    which webhooks may speak.
    """

    connection: sa.Connection
    catalog: Catalog
    principal: Principal
    moment: Moment
    directory: Directory
    depth: int = 0
    saving: frozenset[tuple[str, str]] = frozenset()
    deciding: frozenset[str] = frozenset()
    witness: Witness | None = None
    silent: bool = False
    cause: Cause | None = None
    own_networks: tuple[Network, ...] = ()

    def records(self) -> Records:
        """Gives the one door to data, seen with the eyes of the acting principal."""
        door = Records if self.witness is None else self.witness.records
        return door(self.catalog, self.connection, self.principal, self.moment)

    def show(self, object_name: str, ids: Iterable[str], fields: Iterable[str]) -> None:
        """Says that fields of records are shown which did not come through the door."""
        if self.witness is not None:
            self.witness.saw(self.catalog, object_name, ids, fields)

    def show_record(self, object_name: str, record: Mapping[str, object]) -> None:
        """Says that a record is shown, as the principal reads it, which nobody saw being read."""
        access = self.principal.access(object_name)
        told = [name for name, value in record.items() if value is not None and access.reads(name)]
        self.show(object_name, [str(record["id"])], told)

    def rates(self) -> DatedRates:
        """Gives the exchange rates in force today; nothing is read before one is asked for."""
        return DatedRates(self.connection, self.catalog, self.moment.today)

    def as_automation(self) -> Unit:
        """Gives the same unit for a write that a rule causes, one level deeper."""
        return replace(self, principal=AUTOMATION, depth=self.depth + 1)

    @property
    def led_by(self) -> tuple[str, ...]:
        """The rule that makes this write, if one does."""
        return self.cause.chain.cause[-1:] if self.cause else ()

    @property
    def user_id(self) -> str | None:
        """The acting person's id in records; None for the system."""
        user = self.principal.user
        return None if user is None else str(user["id"])
