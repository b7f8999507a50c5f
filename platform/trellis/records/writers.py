"""The writes that depend on one another, passed along so that no module imports in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from metadata.objects import ObjectDefinition
from trellis.unit import Channel, Unit

Record = Mapping[str, object]


class AfterWrite(Protocol):
    """A record as it stands after a write."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def record(self) -> Record:
        """All its values."""


class Create(Protocol):
    """Adds a record; `given` are values that the platform itself sets, whatever the rights."""

    def __call__(
        self,
        unit: Unit,
        definition: ObjectDefinition,
        values: Record,
        *,
        channel: Channel,
        why: str | None,
        source: str | None,
        given: Record,
    ) -> AfterWrite:
        """Gives the record as it stands then."""


class Change(Protocol):
    """Changes a record; `given` are values that the platform itself sets, whatever the rights."""

    def __call__(
        self,
        unit: Unit,
        definition: ObjectDefinition,
        record_id: str,
        values: Record,
        *,
        channel: Channel,
        why: str | None = ...,
        given: Record = ...,
    ) -> AfterWrite:
        """Gives the record as it stands then."""


class RefreshParents(Protocol):
    """Lets the rules of records that look at this one run again."""

    def __call__(self, unit: Unit, definition: ObjectDefinition, states: Iterable[Record]) -> None:
        """Takes the record before and after the write, or alone when it was deleted."""


@dataclass(frozen=True, slots=True)
class Writers:
    """How records are written."""

    create: Create
    change: Change
    refresh_parents: RefreshParents
