"""The sequencer: gives what is committed its number and its hash.

A number that the database gives at a write is not in the order of commits: who reads by it would
miss a late commit. So numbers are given afterwards, by one sequencer at a time, to what is visible
then. Any number of processes may call it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from trellis.audit.canonical import canonical, has_mark
from trellis.audit.tables import audit_chain, audit_event, audit_pending
from trellis.audit.verify import GENESIS, next_hash
from trellis.db import Database
from trellis.records.history import record_history

logger = logging.getLogger(__name__)

BATCH = 500
SEQUENCING: Final = 5_241_303
"""PostgreSQL's advisory lock of whoever numbers."""

SOURCES: Final[Mapping[str, sa.Table]] = {
    table.name: table for table in (record_history, audit_event)
}

# The number that a row has already is looked up for each alone: whatever PostgreSQL knows of
# the chain, which grows by thousands between two of its counts, it goes by the index of rows.
WAITING: Final = (
    sa.select(
        audit_pending,
        sa.select(audit_chain.c.sequence)
        .where(
            audit_chain.c.source == audit_pending.c.source,
            audit_chain.c.row_id == audit_pending.c.row_id,
        )
        .limit(1)
        .scalar_subquery()
        .label("number"),
    )
    .order_by(audit_pending.c.id)
    .limit(BATCH)
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row that gets a number, with its canonical form."""

    source: str
    row: Row
    text: str


def sequence(database: Database) -> int:
    """Numbers all that is committed when it begins; gives how many rows got a number.

    What is written meanwhile is for the next time: otherwise it might never come to an end. Nothing
    is locked when nothing waits.
    """
    number = sa.select(sa.func.count()).select_from(audit_pending)
    with database.read() as connection:
        waiting = connection.execute(number).scalar_one()
    return sum(database.do(sequence_batch) for _ in range(math.ceil(waiting / BATCH)))


def sequence_batch(connection: sa.Connection) -> int:
    """Numbers the oldest rows that wait; gives how many.

    A row that nobody of us wrote gets none: the check of the audit finds it.
    """
    hold_chain(connection)
    waiting = connection.execute(WAITING).all()
    fresh = [(one.source, one.row_id) for one in waiting if one.number is None]
    rows = rows_of(connection, fresh)
    accepted: list[Accepted] = []
    for key in dict.fromkeys(fresh):
        row = rows.get(key)
        if row is None:
            continue
        text = canonical(key[0], row)
        if has_mark(connection, text, row["mark"]):
            accepted.append(Accepted(key[0], row, text))
        else:
            logger.error("%s %s was not written by Trellis: it gets no number", *key)
    append(connection, accepted)
    taken = [one.id for one in waiting]
    connection.execute(sa.delete(audit_pending).where(audit_pending.c.id.in_(taken)))
    return len(accepted)


def hold_chain(connection: sa.Connection) -> None:
    """Keeps other sequencers out until the end of the transaction; readers go on.

    A lock of the table would keep PostgreSQL's autovacuum from counting it, too. And a plan that is
    kept from when tables were short reads all of them, for seconds when they are long.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SEQUENCING)))
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")


def rows_of(
    connection: sa.Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Row]:
    """Gives rows by source and id; of an unknown source none."""
    found: dict[tuple[str, str], Row] = {}
    for source, table in SOURCES.items():
        ids = [row_id for name, row_id in keys if name == source]
        if ids:
            query = sa.select(table).where(table.c.id.in_(ids))
            rows = connection.execute(query).mappings()
            found.update({(source, str(row["id"])): dict(row) for row in rows})
    return found


def append(connection: sa.Connection, rows: Sequence[Accepted]) -> None:
    """Puts rows at the end of the chain."""
    if not rows:
        return
    number, digest = head_of(connection)
    links = []
    for one in rows:
        number, digest = number + 1, next_hash(digest, one.text)
        link = {"sequence": number, "source": one.source, "row_id": one.row["id"], "hash": digest}
        links.append({**link, "object": one.row["object"]})
    connection.execute(sa.insert(audit_chain), links)


def head_of(connection: sa.Connection) -> tuple[int, str]:
    """Gives number and hash of the last row of the chain."""
    query = sa.select(audit_chain.c.sequence, audit_chain.c.hash)
    row = connection.execute(query.order_by(audit_chain.c.sequence.desc()).limit(1)).first()
    return (0, GENESIS) if row is None else (int(row.sequence), str(row.hash))


def adopted(row: Row) -> Accepted:
    """Gives a row of the history as it is taken in without a mark."""
    return Accepted(record_history.name, row, canonical(record_history.name, row))


def adopt(connection: sa.Connection) -> int:
    """Takes the history that an older product wrote into a chain that is still empty.

    It has no marks. Gives the number of rows.
    """
    if head_of(connection)[0]:
        return 0
    last, done = "", 0
    while True:
        query = sa.select(record_history).where(record_history.c.id > last)
        rows = connection.execute(query.order_by(record_history.c.id).limit(BATCH)).mappings().all()
        if not rows:
            return done
        append(connection, [adopted(dict(row)) for row in rows])
        last, done = rows[-1]["id"], done + len(rows)
