"""What was written to records: told to all who keep something beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from metadata.objects import ObjectDefinition
from metadata.prepared import Write
from trellis.unit import Unit

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Written:
    """One record before and after a write, with the version that it has then.

    `old` is None for one that was created or restored, `new` for one that was deleted. Both hold
    the whole record; only of computed values that follow another record's change they hold the
    id and what differs.
    """

    id: str
    old: Record | None
    new: Record | None
    version: int

    def differs(self, name: str) -> bool:
        """Says whether a field has another value than before; of one not held nothing is known."""
        return (self.old or {}).get(name) != (self.new or {}).get(name)


class Companion(Protocol):
    """Gives what is to be written along with the rows of records of one object, to other tables
    than theirs: it is written in the same transaction, by the same message where that is possible.
    """

    def __call__(
        self, unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]
    ) -> Sequence[Write]:
        """Takes the writes in their order, when their rows may not be there yet."""


class Follower(Protocol):
    """Brings what it keeps in line with records of one object, in the transaction that wrote them.

    It is called once for all records that were written together.
    """

    def __call__(self, unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
        """Takes the writes in their order."""
