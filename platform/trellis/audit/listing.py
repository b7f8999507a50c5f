"""Looking through the events of the audit; for who administers only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from metadata.problems import Problem
from trellis.audit.tables import audit_event
from trellis.errors import NotAllowed
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are looked for; None asks for all. `since` counts, `until` does not."""

    people: Collection[str] | None = None
    object: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `object` is an API name, or the stable id of an object that is no more."""

    id: str
    at: datetime
    by: str
    kind: str
    object: str | None
    record_ids: tuple[str, ...]
    values: Mapping[str, Any]
    why: str | None


def list_events(
    unit: Unit, wanted: Wanted, *, before: str | None = None, limit: int = 50
) -> tuple[list[Event], str | None]:
    """Gives events, newest first, and where the next page starts (None: nothing follows).

    Raises NotAllowed for who may not administer.
    """
    if not (unit.principal.may_administer or unit.principal.unrestricted):
        raise NotAllowed([Problem("", "administer_needed")])
    table = audit_event.c
    query = sa.select(audit_event).order_by(table.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(table.id < before)
    if wanted.people is not None:
        query = query.where(table.by.in_(sorted(wanted.people)))
    if wanted.object is not None:
        definition = unit.catalog.objects.get(wanted.object)
        query = query.where(table.object == (definition.id if definition else wanted.object))
    if wanted.kind is not None:
        query = query.where(table.kind == wanted.kind)
    if wanted.since is not None:
        query = query.where(table.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.at < wanted.until)
    rows = unit.connection.execute(query).mappings().all()
    names = {one.id: name for name, one in unit.catalog.objects.items()}
    events = [event_of(row, names) for row in rows[:limit]]
    return events, events[-1].id if len(rows) > limit else None


def event_of(row: Mapping[str, Any] | Any, names: Mapping[str, str]) -> Event:
    """Gives one row as an event."""
    return Event(
        id=row["id"],
        at=row["at"],
        by=row["by"],
        kind=row["kind"],
        object=None if row["object"] is None else names.get(row["object"], row["object"]),
        record_ids=tuple(row["record_ids"]),
        values=row["values"],
        why=row["why"],
    )
