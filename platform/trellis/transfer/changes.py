"""What an import changed of records: their values before and after, for taking it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from metadata.fields.base import FieldDefinition
from metadata.fields.types.many_to_many import ManyToMany
from metadata.objects import ObjectDefinition
from metadata.query import Records
from trellis.transfer.headers import OWNER
from trellis.unit import Unit

State = Mapping[str, Any]
HOLDERS: Final = (OWNER, "owner_queue")
"""Whose a record is, or in which queue it waits: told as one."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Reads whole records in wire form, whatever the rights: for keeping and comparing, never for
    showing. Links are looked at where a column fills them (`targets`)."""

    unit: Unit
    definition: ObjectDefinition
    targets: Collection[str]

    def states(self, ids: Iterable[str | None]) -> Mapping[str, State]:
        """Gives what can be written of records, by id."""
        wanted = [one for one in ids if one is not None]
        if not wanted:
            return {}
        fields = list(self._fields())
        plain = [field.name for field in fields if not field.nested]
        plain += HOLDERS if OWNER in self.targets else ()
        found = self._records().by_ids(self.definition.name, wanted, ["id", "version", *plain])
        states = {record_id: self._wire(record, fields) for record_id, record in found.items()}
        for field in fields:
            if field.nested:
                links = self._records().nested(self.definition.name, field.name, wanted)
                for record_id, state in states.items():
                    state[field.name] = field.type.to_wire(links.get(record_id, ()), field)
        return states

    def between(
        self, before: Mapping[str, State], after: Mapping[str, State], record_id: str
    ) -> dict[str, list[object]]:
        """Gives the values before and after, by field, where they differ."""
        old, new = before.get(record_id), after.get(record_id)
        if old is None or new is None:
            return {}
        return {
            name: [old[name], new[name]]
            for name in old
            if name not in ("id", "version") and old[name] != new[name]
        }

    def _fields(self) -> Iterable[FieldDefinition]:
        for field in self.definition.own_fields:
            if not field.writable or field.type.is_write_only:
                continue
            if not field.nested or (field.name in self.targets and _is_link(field)):
                yield field

    def _records(self) -> Records:
        trusted = replace(self.unit.principal, unrestricted=True)
        return replace(self.unit, principal=trusted).records()

    def _wire(
        self, record: Mapping[str, object], fields: Iterable[FieldDefinition]
    ) -> dict[str, Any]:
        wire: dict[str, Any] = {"id": record["id"], "version": record["version"]}
        for field in fields:
            if not field.nested:
                value = record[field.name]
                wire[field.name] = None if value is None else field.type.to_wire(value, field)
        if OWNER in self.targets:
            wire[OWNER] = next((record[name] for name in HOLDERS if record[name]), None)
        return wire


def _is_link(field: FieldDefinition) -> bool:
    return isinstance(field.type, ManyToMany)
