"""The dispatcher: takes due effects out of the outbox and has them run.

A claim is a lease. What an effect writes and the mark that it is done commit together, and only
while the lease holds; so inside the database an effect happens exactly once, whenever a process
dies and however many dispatchers there are.
"""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from trellis.automation.outbox import DEAD, DONE, RUNNING, WAITING, Effect, outbox
from trellis.db import Database, clock

logger = logging.getLogger(__name__)

BATCH = 20
LEASE_SECONDS = 60
MAX_ATTEMPTS = 10
MAX_PAUSE_SECONDS = 600
MAX_ERROR_LENGTH = 500
KEEP_DONE_DAYS = 7

Perform = Callable[[sa.Connection, Effect, datetime], None]


class LeaseLostError(Exception):
    """Somebody else has taken the effect over; what was written because of it must not stay."""


def database_now(connection: sa.Connection) -> datetime:
    """Gives the time by which leases are judged, which is the same for all hosts."""
    now = clock(connection)
    if isinstance(now, datetime):
        return now
    found: datetime = connection.execute(sa.select(now)).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Runs effects with `perform`. Any number may work on one database."""

    database: Database
    perform: Perform
    read_clock: Callable[[sa.Connection], datetime] = database_now

    def drain(self, *, seconds: float = math.inf) -> int:
        """Runs effects until none is due or the time is over; gives how many were run."""
        end = time.monotonic() + seconds
        run = 0
        while time.monotonic() < end and (batch := self.run_batch()):
            run += batch
        return run

    def run_batch(self) -> int:
        """Claims some effects and runs them; gives how many were claimed."""
        if not self.has_due():
            return 0
        lease = uuid.uuid4().hex
        with self.database.write() as connection:
            effects = claim(connection, lease, self.read_clock(connection))
        for effect in effects:
            self.run(effect, lease)
        return len(effects)

    def has_due(self) -> bool:
        """Says whether anything is due, without taking a lock."""
        with self.database.read() as connection:
            due = is_due(self.read_clock(connection))
            return connection.execute(sa.select(sa.exists().where(due))).scalar_one()

    def run(self, effect: Effect, lease: str) -> None:
        """Runs one claimed effect; a failure is written down and tried again later."""
        try:
            with self.database.write() as connection:
                now = self.read_clock(connection)
                self.perform(connection, effect, now)
                mark_done(connection, effect, lease, now)
        except LeaseLostError:
            logger.warning("effect %s was taken over by another dispatcher", effect.id)
        except Exception as error:
            logger.exception("effect %s (%s) failed", effect.id, effect.action)
            with self.database.write() as connection:
                mark_failed(connection, effect, lease, self.read_clock(connection), error)

    def purge(self) -> int:
        """Deletes effects done long ago; gives how many."""
        with self.database.write() as connection:
            limit = self.read_clock(connection) - timedelta(days=KEEP_DONE_DAYS)
            old = sa.delete(outbox).where(outbox.c.state == DONE, outbox.c.done_at < limit)
            return connection.execute(old).rowcount


def is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Gives the condition of rows that wait for their turn or were left by a dead dispatcher."""
    waits = sa.and_(outbox.c.state == WAITING, outbox.c.available_at <= now)
    left = sa.and_(outbox.c.state == RUNNING, outbox.c.lease_until < now)
    return sa.or_(waits, left)


def claim(connection: sa.Connection, lease: str, now: datetime) -> Sequence[Effect]:
    """Takes the oldest due effects under `lease`.

    One that was left too often is dead: it may be what kills the workers.
    """
    statement = (
        sa.select(outbox)
        .where(is_due(now))
        .order_by(outbox.c.available_at, outbox.c.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(statement).all()
    left = [row.id for row in rows if row.attempts >= MAX_ATTEMPTS]
    taken = [row for row in rows if row.attempts < MAX_ATTEMPTS]
    if left:
        dead = sa.update(outbox).where(outbox.c.id.in_(left))
        connection.execute(dead.values(state=DEAD, lease=None, lease_until=None))
    if taken:
        claimed = sa.update(outbox).where(outbox.c.id.in_([row.id for row in taken]))
        connection.execute(
            claimed.values(
                state=RUNNING,
                lease=lease,
                lease_until=now + timedelta(seconds=LEASE_SECONDS),
                attempts=outbox.c.attempts + 1,
            )
        )
    return [
        Effect(
            row.id, row.effect_key, row.action, row.payload, row.object, row.record_id,
            row.attempts + 1,
        )
        for row in taken
    ]  # fmt: skip


def held(effect: Effect, lease: str) -> sa.ColumnElement[bool]:
    """Gives the condition that the effect is still ours."""
    return sa.and_(outbox.c.id == effect.id, outbox.c.lease == lease, outbox.c.state == RUNNING)


def mark_done(connection: sa.Connection, effect: Effect, lease: str, now: datetime) -> None:
    """Marks an effect in the transaction of what it wrote; raises LeaseLostError if not ours."""
    statement = sa.update(outbox).where(held(effect, lease))
    result = connection.execute(
        statement.values(state=DONE, done_at=now, lease=None, lease_until=None, last_error=None)
    )
    if result.rowcount != 1:
        raise LeaseLostError(effect.id)


def mark_failed(
    connection: sa.Connection, effect: Effect, lease: str, now: datetime, error: Exception
) -> None:
    """Puts an effect back for later, or among the dead when it was tried often enough."""
    pause = min(2**effect.attempts, MAX_PAUSE_SECONDS)
    statement = sa.update(outbox).where(held(effect, lease))
    connection.execute(
        statement.values(
            state=DEAD if effect.attempts >= MAX_ATTEMPTS else WAITING,
            available_at=now + timedelta(seconds=pause),
            lease=None,
            lease_until=None,
            last_error=f"{type(error).__name__}: {error}"[:MAX_ERROR_LENGTH],
        )
    )
