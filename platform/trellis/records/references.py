"""References of many records looked up together."""

from __future__ import annotations

from collections.abc import Iterable

from metadata.objects import ObjectDefinition
from trellis.records.incoming import Incoming, find_record
from trellis.unit import Unit


class KnownReferences:
    """The ids that the references of some new values mean, each asked for once.

    What was found stays true while the writes of one batch are judged: none of them is done yet.
    """

    def __init__(self, unit: Unit, definition: ObjectDefinition) -> None:
        self._unit = unit
        self._fields = definition.pointing_fields
        self._known: dict[tuple[str, str], str | None] = {}

    def look_up(self, incoming: Iterable[Incoming]) -> None:
        """Finds all records that are given by id, by one statement for each object."""
        wanted: dict[str, set[str]] = {}
        for one in incoming:
            for field in self._fields:
                value = one.values.get(field.name)
                if value is not None:
                    target = field.type.target_of(value, field)
                    wanted.setdefault(target, set()).add(str(value))
        for target, ids in wanted.items():
            if self._unit.principal.access(target).exists:
                for found in self._unit.records().by_ids(target, ids, ["id"]):
                    self._known[target, found] = found

    def find(self, unit: Unit, object_name: str, value: str) -> str | None:
        """Gives the id of the one visible record with this id, or with this unique value."""
        key = object_name, value
        if key not in self._known:
            self._known[key] = find_record(unit, object_name, value)
        return self._known[key]
