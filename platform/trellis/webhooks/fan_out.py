"""From changes to messages: each active webhook gets those it may know of and asked for.

One that nobody acts for gets all it asked for, as messages whose `fields` nobody has chosen yet:
they are given up, and can be sent again when somebody acts for it, who is asked then (`told_now`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
import uuid_utils

from metadata.query import QueryProblem
from trellis.audit.sequencer import head_of
from trellis.db import Database, clock, insert_once
from trellis.records.changes import Change, changes_of, rows_after
from trellis.runtime import Platform
from trellis.webhooks.endpoints import Endpoint, active_endpoints, system_unit
from trellis.webhooks.tables import DEAD, WAITING, webhook_cursor, webhook_delivery

BATCH = 200
CURSOR = 1

# Up to which number changes were looked at; none before the first time.
POSITION = sa.select(webhook_cursor.c.sequence).where(webhook_cursor.c.id == CURSOR)


def fan_out(here: Platform, stop: Callable[[], bool] = lambda: False) -> int:
    """Makes messages of all changes that were numbered since, until `stop` says so; gives how many
    were made."""
    made = 0
    while not stop() and is_behind(here.database):
        made += here.database.do(lambda connection: fan_out_batch(here, connection))
    return made


def is_behind(database: Database) -> bool:
    """Says whether changes wait to be looked at, without taking a lock."""
    with database.read() as connection:
        return connection.scalar(POSITION) != head_of(connection)[0]


def fan_out_batch(here: Platform, connection: sa.Connection) -> int:
    """Makes messages of some changes and moves on; gives how many were made."""
    last, head = connection.scalar(POSITION.with_for_update()), head_of(connection)[0]
    if last is None:
        start = {"id": CURSOR, "sequence": head}
        insert_once(connection, webhook_cursor, "id", start)
        return 0
    endpoints = active_endpoints(here, connection)
    system = system_unit(here, connection)
    catalog = system.catalog
    wanted = {one.object for one in endpoints} & catalog.objects.keys()
    ids = {catalog.objects[name].id: name for name in wanted}
    made, reached = 0, head
    if ids:
        rows = rows_after(connection, list(ids), last, BATCH)
        reached = int(rows[-1]["sequence"]) if len(rows) == BATCH else head
        for endpoint in endpoints:
            about = [row for row in rows if ids[row["object"]] == endpoint.object]
            whole = replace(endpoint, filter=None, unit=system)
            chosen = told(endpoint if endpoint.unit else whole, about)
            made += sum(put(connection, endpoint, *one) for one in chosen)
    moved = sa.update(webhook_cursor).where(webhook_cursor.c.id == CURSOR)
    connection.execute(moved.values(sequence=reached))
    return made


def told(endpoint: Endpoint, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[Change, str | None]]:
    """Gives the changes that a webhook tells, each with what is wrong with its condition."""
    unit = endpoint.unit
    if not rows or unit is None or not unit.principal.access(endpoint.object).may("read"):
        return
    definition = unit.catalog.objects[endpoint.object]
    for change in changes_of(unit, definition, rows):
        if not endpoint.is_about(change.op, frozenset(change.fields)):
            continue
        try:
            if change.op == "delete" or fulfils(endpoint, change.id):
                yield change, None
        except QueryProblem as problem:
            yield change, f"the condition cannot be used: {problem.problems[0].code}"


def told_now(endpoint: Endpoint, sequence: int) -> tuple[Change, str | None] | None:
    """Gives a change as `told` gives it, from its number; None for one that is not to be told."""
    unit = endpoint.unit
    definition = None if unit is None else unit.catalog.objects.get(endpoint.object)
    if unit is None or definition is None:
        return None
    rows = rows_after(unit.connection, [definition.id], sequence - 1, 1)
    return next(told(endpoint, [row for row in rows if row["sequence"] == sequence]), None)


def fulfils(endpoint: Endpoint, record_id: str) -> bool:
    """Says whether a record fulfils a webhook's condition, asked with the rights it acts by."""
    if endpoint.filter is None or endpoint.unit is None:
        return True
    page = endpoint.unit.records().list(
        endpoint.object, fields=["id"], filter=endpoint.filter, match={"id": record_id}, limit=1
    )
    return bool(page.items)


def put(connection: sa.Connection, endpoint: Endpoint, change: Change, error: str | None) -> bool:
    """Puts one message among those to be delivered, once; one that cannot be made is dead."""
    now = clock(connection)
    row = {
        "id": f"msg_{uuid_utils.uuid7()}",
        "key": f"{endpoint.id}/{change.sequence}",
        "webhook": endpoint.id,
        "sequence": change.sequence,
        "object": change.object,
        "record_id": change.id,
        "op": change.op,
        "at": change.at,
        "fields": list(change.fields) if endpoint.unit else None,
        "state": WAITING if error is None else DEAD,
        "attempts": 0,
        "available_at": now,
        "error": error,
        "created_at": now,
    }
    return insert_once(connection, webhook_delivery, "key", row)
