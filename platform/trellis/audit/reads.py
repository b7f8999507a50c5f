"""Who read sensitive fields: every read through a request's unit of work is looked at.

Sensitive are fields of health and of finance. The read of a page, an answer or a search is noted
as one event per object, with the ids, when the answer is made; without its event no answer leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from metadata.access import Principal
from metadata.catalog import Catalog
from metadata.query import Moment, Page, Records
from metadata.query.answers import Count, This
from metadata.query.search_everywhere import Hits
from trellis.audit.events import write_event

SENSITIVE: Final = frozenset({"health", "financial"})

Record = dict[str, object]


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
    """What was read of one object: ids and names of fields, each once and in order."""

    ids: dict[str, None] = field(default_factory=dict)
    fields: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Witness:
    """Remembers for one request what was read of sensitive fields."""

    seen: dict[str, Seen] = field(default_factory=dict)

    def records(
        self, catalog: Catalog, connection: sa.Connection, principal: Principal, moment: Moment
    ) -> Records:
        """Gives the door to data that tells this witness what is read through it."""
        known = sensitive(catalog).fields
        if not known or principal.unrestricted:
            return Records(catalog, connection, principal, moment)
        return WatchedRecords(catalog, connection, principal, moment, self, known)

    def saw(
        self, catalog: Catalog, object_name: str, ids: Iterable[str], fields: Iterable[str]
    ) -> None:
        """Notes that fields of records were shown, if any of them is sensitive."""
        shown = sensitive(catalog).fields.get(object_name, frozenset()).intersection(fields)
        if shown:
            self.note(object_name, ids, sorted(shown))

    def note(self, object_name: str, ids: Iterable[str], fields: Iterable[str]) -> None:
        """Notes that sensitive fields of records were shown."""
        keys = dict.fromkeys(ids)
        if keys:
            seen = self.seen.setdefault(object_name, Seen())
            seen.ids.update(keys)
            seen.fields.update(dict.fromkeys(fields))

    def write(
        self, connection: sa.Connection, catalog: Catalog, by: str, at: datetime, door: str
    ) -> None:
        """Writes one event per object."""
        for object_name, seen in self.seen.items():
            write_event(
                connection,
                "read",
                by=by,
                at=at,
                object_id=catalog.objects[object_name].id,
                record_ids=list(seen.ids),
                values={"fields": list(seen.fields), "door": door},
            )


class WatchedRecords(Records):
    """The door to data, which tells a witness of sensitive fields that are read in full."""

    def __init__(
        self,
        catalog: Catalog,
        connection: sa.Connection,
        principal: Principal,
        moment: Moment,
        witness: Witness,
        known: Mapping[str, frozenset[str]],
    ) -> None:
        super().__init__(catalog, connection, principal, moment)
        self._witness = witness
        self._sensitive = known

    def get(
        self,
        object_name: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        nested: bool = False,
    ) -> Record | None:
        """Gives one record as the door does."""
        found = super().get(object_name, record_id, fields, nested=nested)
        if found is not None:
            self._tell(object_name, (found,))
        return found

    def list(
        self,
        object_name: str,
        *,
        fields: Sequence[str] | None = None,
        filter: str | None = None,  # noqa: A002  # the parameter's name everywhere
        sort: Sequence[str] = (),
        after: str | None = None,
        limit: int = 50,
        count: Count = "none",
        search: str | None = None,
        match: Mapping[str, object] | None = None,
        this: This | None = None,
    ) -> Page:
        """Gives one page as the door does."""
        page = super().list(
            object_name,
            fields=fields,
            filter=filter,
            sort=sort,
            after=after,
            limit=limit,
            count=count,
            search=search,
            match=match,
            this=this,
        )
        self._tell(object_name, page.items)
        return page

    def by_ids(
        self, object_name: str, ids: Iterable[str], fields: Sequence[str] | None = None
    ) -> dict[str, Record]:
        """Gives records by id as the door does."""
        found = super().by_ids(object_name, ids, fields)
        self._tell(object_name, tuple(found.values()))
        return found

    def children(
        self,
        object_name: str,
        field: str,
        ids: Iterable[str],
        fields: Sequence[str] | None = None,
    ) -> dict[str, tuple[Record, ...]]:
        """Gives the records that refer to others as the door does."""
        found = super().children(object_name, field, ids, fields)
        self._tell(object_name, [one for group in found.values() for one in group])
        return found

    def nested(
        self, object_name: str, name: str, ids: Iterable[str]
    ) -> dict[str, tuple[Record, ...]]:
        """Gives rows and links as the door does."""
        found = super().nested(object_name, name, ids)
        link = self.catalog.children(object_name)[name]
        self._tell(link.target, [one for group in found.values() for one in group])
        return found

    def search(
        self,
        text: str,
        objects: Sequence[str] | None = None,
        *,
        limit: int = 50,
        after: str | None = None,
    ) -> Hits:
        """Gives what is found as the door does; what it was found by is shown."""
        found = super().search(text, objects, limit=limit, after=after)
        for hit in found.items:
            name = self.catalog.objects[hit.object].name_field
            shown = {name: hit.name, **({hit.field: hit.value} if hit.field else {})}
            self._tell(hit.object, [{"id": hit.id, **shown}])
        return found

    def _tell(self, object_name: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Tells of what records show; one of them says which fields were asked for."""
        if not records:
            return
        shown = [path for path in records[0] if self._is_sensitive(object_name, path)]
        told = [path for path in shown if any(one.get(path) is not None for one in records)]
        if told:
            self._witness.note(object_name, [str(one["id"]) for one in records], told)

    def _is_sensitive(self, object_name: str, path: str) -> bool:
        """Says whether a path ends in a sensitive field that is read in full."""
        *steps, last = path.split(".")
        here = object_name
        for step in steps:
            target = self.catalog.objects[here].fields[step].target
            if target is None:
                return False
            here = target
        known = self._sensitive.get(here)
        return known is not None and last in known and self.principal.access(here).reads(last)
