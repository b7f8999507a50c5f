"""The webhooks that are active, with the rights they act by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from metadata.access import SYSTEM, Principal
from trellis.records.webhooks import WEBHOOK, active_webhooks, chosen_fields
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.work import unit_for

FIELDS = ("title", "url", "object", "events", "filter", "fields", "acts_as", "active")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One webhook. `unit` sees what it may tell; None when nobody acts for it."""

    id: str
    title: str
    url: str
    object: str
    events: frozenset[str]
    filter: str | None
    mask: tuple[str, ...]
    active: bool
    unit: Unit | None

    def is_about(self, op: str, fields: frozenset[str]) -> bool:
        """Says whether a change is to be told: of changes only those of the chosen fields."""
        if op not in self.events:
            return False
        return op != "update" or not self.mask or not fields.isdisjoint(self.mask)


def system_unit(here: Platform, connection: sa.Connection) -> Unit:
    """Gives the system's unit of work on a connection."""
    return unit_for(here, connection, here.catalogs.current(connection), SYSTEM)


def active_endpoints(here: Platform, connection: sa.Connection) -> list[Endpoint]:
    """Gives all active webhooks."""
    unit = system_unit(here, connection)
    return [endpoint_of(here, unit, record) for record in active_webhooks(unit, WEBHOOK)]


def find_endpoint(here: Platform, connection: sa.Connection, webhook_id: str) -> Endpoint | None:
    """Gives one webhook, active or not; None for one that is deleted."""
    unit = system_unit(here, connection)
    if WEBHOOK not in unit.catalog.objects:
        return None
    record = unit.records().get(WEBHOOK, webhook_id, FIELDS)
    return None if record is None else endpoint_of(here, unit, record)


def endpoint_of(here: Platform, unit: Unit, record: Mapping[str, object]) -> Endpoint:
    """Reads a webhook's record."""
    person = str(record["acts_as"] or "")
    principal = principal_of(here, unit, person)
    events = record["events"]
    return Endpoint(
        id=str(record["id"]),
        title=str(record["title"] or ""),
        url=str(record["url"] or ""),
        object=str(record["object"] or ""),
        events=frozenset(map(str, events)) if isinstance(events, frozenset) else frozenset(),
        filter=str(record["filter"]) if record["filter"] else None,
        mask=chosen_fields(record),
        active=record["active"] is True,
        unit=None
        if principal is None
        else unit_for(here, unit.connection, unit.catalog, principal),
    )


def principal_of(here: Platform, unit: Unit, user_id: str) -> Principal | None:
    """Gives what somebody may do now; None for who may not act any more."""
    users = unit.catalog.tables["user"]
    account = unit.connection.scalar(sa.select(users.c.account).where(users.c.id == user_id))
    if account is None:
        return None
    snapshot = here.catalogs.snapshot(unit.connection)
    return here.accounts.principal_for(unit.connection, snapshot, int(account))


def secrets_of(here: Platform, connection: sa.Connection, webhook_id: str) -> list[str]:
    """Gives the secrets that a webhook's messages are signed with, the newer one first."""
    records = system_unit(here, connection).records()
    found = (records.reveal(WEBHOOK, webhook_id, name) for name in ("secret", "old_secret"))
    return [secret for secret in found if secret]
