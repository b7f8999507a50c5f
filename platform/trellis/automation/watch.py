"""Watching over rules: those that run wild are put into quarantine, and administrators are told."""

from __future__ import annotations

from collections.abc import Mapping

from trellis.audit import note
from trellis.automation.dispatcher import database_now
from trellis.automation.outbox import add
from trellis.automation.quarantine import (
    Wild,
    find_wild,
    free_held,
    is_held_for_nothing,
    quarantine,
)
from trellis.unit import Unit
from trellis.wording import QUARANTINE

ADMINISTRATORS = "admin"


def has_wild(unit: Unit, storm: int) -> bool:
    """Says whether any rule runs wild, or anything is held for nothing, without taking a lock."""
    wild = find_wild(unit.connection, database_now(unit.connection), storm)
    return is_held_for_nothing(unit.connection) or any(True for _ in wild)


def watch_rules(unit: Unit, storm: int) -> list[Wild]:
    """Puts rules that run wild into quarantine; gives those that were not there yet.

    More than `storm` effects of one rule in a minute are too many; 0 allows any number.
    """
    free_held(unit.connection)
    found = list(find_wild(unit.connection, database_now(unit.connection), storm))
    new = [wild for wild in found if quarantine(unit.connection, wild)]
    for wild in new:
        values = {"rule": wild.rule, "kind": wild.cause, "messages": wild.number}
        event = note(unit, "rule_quarantined", values=values)
        tell_administrators(unit, QUARANTINE, {"rule": wild.rule}, f"quarantine/{event}")
    return new


def administrators(unit: Unit) -> list[str]:
    """Gives the ids of everybody who administers."""
    return list(unit.directory.resolve("role", ADMINISTRATORS, None))


def tell_administrators(
    unit: Unit,
    kind: str,
    values: Mapping[str, object],
    key: str,
    *,
    object_name: str | None = None,
    record_id: str | None = None,
) -> None:
    """Tells everybody who administers, once for each key; of a record if one is named."""
    recipients = administrators(unit)
    told = {"recipients": recipients, "kind": kind, "values": dict(values), "channel": None}
    if recipients:
        connection = unit.connection
        add(connection, "notify", told, key, object_name=object_name, record_id=record_id)
