"""Who read sensitive fields: every read through a request's unit of work is looked at.

Sensitive are fields of health and of finance. The read of a page, an answer or a search is noted
as one event per object, with the ids, when the answer is made; without its event no answer leaves.
Groups of records leave one without ids: what they show is of many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from metadata.access import Principal
from metadata.catalog import Catalog
from metadata.query import Moment, Records
from trellis.audit.events import write_event

SENSITIVE: Final = frozenset({"health", "financial"})

Record = dict[str, object]
Told = tuple[str, list[str], list[str]]
"""An object's id, ids of records (none: groups of them) and names of fields."""


@dataclass(frozen=True, slots=True)
class Sensitive:
    """The names of sensitive fields by object; objects without any are absent."""

    fields: Mapping[str, frozenset[str]]


def sensitive(catalog: Catalog) -> Sensitive:
    """Gives the sensitive fields of a catalog, looked for once per version."""

    def find() -> Sensitive:
        found = {
            name: frozenset(
                one.name for one in definition.fields.values() if one.sensitivity in SENSITIVE
            )
            for name, definition in catalog.objects.items()
        }
        return Sensitive({name: fields for name, fields in found.items() if fields})

    return catalog.queries.get(("sensitive fields",), Sensitive, find)


@dataclass(slots=True)
class Seen:
    """What was read of one object: ids and names of fields, each once and in order.

    Without ids it is of groups of records.
    """

    ids: dict[str, None] = field(default_factory=dict)
    fields: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Witness:
    """Remembers for one request what was read of sensitive fields, by the object's id and whether
    it was told of groups of records, which have no ids."""

    seen: dict[tuple[str, bool], Seen] = field(default_factory=dict)

    def records(
        self, catalog: Catalog, connection: sa.Connection, principal: Principal, moment: Moment
    ) -> Records:
        """Gives the door to data that tells this witness what is read through it."""
        known = sensitive(catalog).fields
        if not known or principal.unrestricted:
            return Records(catalog, connection, principal, moment)
        watch = Watching(self, catalog, principal, known)
        return Records(catalog, connection, principal, moment, watch)

    def saw(
        self, catalog: Catalog, object_name: str, ids: Iterable[str], fields: Iterable[str]
    ) -> None:
        """Notes that fields of records were shown, if any of them is sensitive."""
        shown = sensitive(catalog).fields.get(object_name, frozenset()).intersection(fields)
        if shown:
            self.note(catalog.objects[object_name].id, ids, sorted(shown))

    def note(self, object_id: str, ids: Iterable[str], fields: Iterable[str]) -> None:
        """Notes that sensitive fields of records were shown."""
        keys = dict.fromkeys(ids)
        if keys:
            seen = self.seen.setdefault((object_id, False), Seen())
            seen.ids.update(keys)
            seen.fields.update(dict.fromkeys(fields))

    def note_groups(self, object_id: str, fields: Iterable[str]) -> None:
        """Notes that sensitive fields of records were shown by groups of these."""
        seen = self.seen.setdefault((object_id, True), Seen())
        seen.fields.update(dict.fromkeys(fields))

    def told(self) -> list[Told]:
        """Gives what was seen, to be kept with an answer that may be given again."""
        return [
            (object_id, list(seen.ids), list(seen.fields))
            for (object_id, _), seen in self.seen.items()
        ]

    def tell_again(self, told: Iterable[Told]) -> None:
        """Notes what `told` gave: the answer that showed it is given again."""
        for object_id, ids, fields in told:
            if ids:
                self.note(object_id, ids, fields)
            else:
                self.note_groups(object_id, fields)

    def write(self, connection: sa.Connection, by: str, at: datetime, door: str) -> None:
        """Writes one event per object, and one without ids per object that was grouped."""
        for object_id, ids, fields in self.told():
            write_event(
                connection,
                "read",
                by=by,
                at=at,
                object_id=object_id,
                record_ids=ids,
                values={"fields": fields, "door": door},
            )


@dataclass(frozen=True, slots=True)
class Watching:
    """Tells a witness of sensitive fields (`known`, by object) that a principal reads in full."""

    witness: Witness
    catalog: Catalog
    principal: Principal
    known: Mapping[str, frozenset[str]]

    def records(self, object_name: str, records: Sequence[Record]) -> None:
        """Tells of what records show; the first says which fields were asked for."""
        shown = [path for path in records[0] if self._is_sensitive(object_name, path)]
        told = [path for path in shown if any(one.get(path) is not None for one in records)]
        if told:
            object_id = self.catalog.objects[object_name].id
            self.witness.note(object_id, [str(one["id"]) for one in records], told)

    def groups(self, object_name: str, paths: Sequence[str]) -> None:
        """Tells of what groups of records show."""
        shown = [path for path in paths if self._is_sensitive(object_name, path)]
        if shown:
            self.witness.note_groups(self.catalog.objects[object_name].id, shown)

    def _is_sensitive(self, object_name: str, path: str) -> bool:
        """Says whether a path ends in a sensitive field that is read in full."""
        *steps, last = path.split(".")
        here = object_name
        for step in steps:
            target = self.catalog.objects[here].fields[step].target
            if target is None:
                return False
            here = target
        fields = self.known.get(here)
        return fields is not None and last in fields and self.principal.access(here).reads(last)
