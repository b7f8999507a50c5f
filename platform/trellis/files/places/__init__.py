"""Where files are kept besides fields of records, an open family: each module has one `PLACE`.

A row of `file_use` names the place instead of an object.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import ClassVar

from metadata.kinds import load_kinds
from trellis.unit import Unit


class Place(ABC):
    """A place that holds files; `name` is what `file_use` calls it."""

    name: ClassVar[str]

    @abstractmethod
    def shows(self, unit: Unit, record_id: str, file_id: str) -> bool:
        """Says whether the acting person reads what is there under an id, and with it the file."""


@cache
def load_places() -> Mapping[str, Place]:
    """Gives every place by its name."""
    return load_kinds(
        __name__,
        Place,  # type: ignore[type-abstract]  # only asked whether members are instances
        "PLACE",
    )
