"""The dispatcher: takes due effects out of the outbox and has them run.

A claim is a lease, short and renewed as long as its holder lives: what a process leaves that dies
is taken over within seconds, and at once by the one that is started in its place. What an effect
writes and the mark that it is done commit together, and only while the lease is ours; so inside the
database an effect happens exactly once, whenever a process dies and however many dispatchers there
are. Quick effects that were claimed together are committed together; when one of them fails each is
run by itself.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, groupby, zip_longest
from typing import Any

import sqlalchemy as sa

from trellis.automation.outbox import (
    CANCELLED,
    DEAD,
    DONE,
    EFFECTS,
    RUNNING,
    TURNS,
    WAITING,
    Effect,
    failed_with,
    outbox,
    take_turn,
)
from trellis.automation.quarantine import hold
from trellis.db import Database, clock
from trellis.pausing import goes_on
from trellis.wording import told

logger = logging.getLogger(__name__)

BATCH = 20
LEASE_SECONDS = 3.0
MAX_ATTEMPTS = 10
MAX_PAUSE_SECONDS = 600
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
    """Runs effects with `perform`. Any number may work on one database.

    `holder` names the process in its leases, and whatever is started in its place.
    """

    database: Database
    perform: Perform
    read_clock: Callable[[sa.Connection], datetime] = database_now
    is_quick: Callable[[Effect], bool] = lambda _effect: False
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)

    def let_go(self) -> int:
        """Has what a dead process of this name left done at once; gives how many effects."""
        if not self.is_holding():
            return 0
        with self.database.write() as connection:
            left = sa.update(outbox).where(is_held_by(self.holder))
            return connection.execute(left.values(lease_until=self.read_clock(connection))).rowcount

    def is_holding(self) -> bool:
        """Says whether there are leases in this name, without taking a lock."""
        with self.database.read() as connection:
            any_held = sa.exists().where(is_held_by(self.holder))
            return connection.execute(sa.select(any_held)).scalar_one()

    def drain(self, *, seconds: float = math.inf, stop: Callable[[], bool] = lambda: False) -> int:
        """Runs effects until none is due, the time is over or `stop` says so; gives how many were
        run."""
        end = time.monotonic() + seconds
        run = 0
        while (begun := time.monotonic()) < end and not stop() and (batch := self.run_batch()):
            run += batch
            self.database.make_way(time.monotonic() - begun)
        return run

    def run_batch(self) -> int:
        """Claims some effects and runs them; gives how many were claimed."""
        if not self.has_due():
            return 0
        lease = f"{self.holder}/{uuid.uuid4().hex}"
        with self.database.write() as connection:
            effects = claim(connection, lease, self.read_clock(connection))
        with self.renewing(lease):
            for (is_quick, _), group in groupby(effects, self.sort_of):
                if is_quick:
                    self.run_together([*group], lease)
                else:
                    for effect in group:
                        self.run(effect, lease)
        return len(effects)

    def sort_of(self, effect: Effect) -> tuple[bool, str]:
        """Gives what effects that are run together have in common."""
        return self.is_quick(effect), effect.turn

    @contextmanager
    def renewing(self, lease: str) -> Iterator[None]:
        """Keeps a lease from running out while work goes on under it."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(LEASE_SECONDS / 3):
                try:
                    with self.database.write() as connection:
                        renew_lease(connection, lease, self.read_clock(connection))
                except sa.exc.DBAPIError as error:  # the next try may come in time
                    logger.info("a lease was not renewed: %s", type(error).__name__)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def has_due(self) -> bool:
        """Says whether anything is due, without taking a lock."""
        with self.database.read() as connection:
            due = is_due(self.read_clock(connection))
            return connection.execute(sa.select(sa.exists().where(due))).scalar_one()

    def run_together(self, effects: Sequence[Effect], lease: str) -> None:
        """Runs quick effects in one transaction, or each by itself when one of them fails."""
        try:
            with self.database.write() as connection:
                now = self.read_clock(connection)
                due = keep_due(connection, effects, lease, now)
                for effect in due:
                    self.do(connection, effect, now)
                mark_done(connection, due, lease, now)
        except Exception as error:
            logger.info("effects are run one by one: %s", type(error).__name__)
            for effect in effects:
                self.run(effect, lease)

    def run(self, effect: Effect, lease: str) -> None:
        """Runs one claimed effect; a failure is written down and tried again later."""
        try:
            with self.database.write() as connection:
                now = self.read_clock(connection)
                for due in keep_due(connection, [effect], lease, now):
                    self.do(connection, due, now)
                    mark_done(connection, [due], lease, now)
        except LeaseLostError:
            logger.warning("effect %s was taken over by another dispatcher", effect.id)
        except Exception as error:
            logger.exception("effect %s (%s) failed", effect.id, effect.action)
            with self.database.write() as connection:
                mark_failed(connection, effect, lease, self.read_clock(connection), error)

    def do(self, connection: sa.Connection, effect: Effect, now: datetime) -> None:
        """Does what an effect says; what follows from it has the same turn."""
        take_turn(connection, effect.turn)
        self.perform(connection, effect, now)

    def purge(self) -> int:
        """Deletes effects that were done or cancelled long ago; gives how many."""
        with self.database.write() as connection:
            limit = self.read_clock(connection) - timedelta(days=KEEP_DONE_DAYS)
            over = outbox.c.state.in_((DONE, CANCELLED))
            old = sa.delete(outbox).where(over, outbox.c.done_at < limit)
            return connection.execute(old).rowcount


def is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Gives the condition of rows that wait for their turn or were left by a dead dispatcher;
    nothing is due while effects are paused."""
    return sa.or_(*turns(now))


def turns(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Gives the conditions of what is due: what was left, what is by the clock, what follows from
    people's work, and what follows from bulk work. Each is found in its order by one index, however
    much waits."""
    left = sa.and_(outbox.c.state == RUNNING, outbox.c.lease_until < now)
    due = sa.and_(outbox.c.state == WAITING, outbox.c.available_at <= now)
    parts = (left, *(sa.and_(due, outbox.c.turn == turn) for turn in TURNS))
    return tuple(sa.and_(part, goes_on(EFFECTS)) for part in parts)


def is_held_by(holder: str) -> sa.ColumnElement[bool]:
    """Gives the condition of rows under the leases of a process."""
    named = outbox.c.lease.startswith(f"{holder}/", autoescape=True)
    return sa.and_(outbox.c.state == RUNNING, named)


def claim(connection: sa.Connection, lease: str, now: datetime) -> Sequence[Effect]:
    """Takes the oldest due effects under `lease`, bulk ones only when there are too few others.

    One that was left too often is dead: it may be what kills the workers. Those of rules in
    quarantine are put aside.
    """
    hold(connection, is_due(now))
    rows = choose(connection, now)
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
            row.attempts + 1, row.available_at, row.turn,
        )
        for row in taken
    ]  # fmt: skip


def choose(connection: sa.Connection, now: datetime) -> list[sa.Row[Any]]:
    """Gives the due effects whose turn it is, those of one turn together, the oldest first.

    What is by the clock and what follows from people's work come one after the other.
    """

    def oldest(turn: sa.ColumnElement[bool], number: int) -> Sequence[sa.Row[Any]]:
        query = sa.select(outbox).where(turn).order_by(outbox.c.available_at, outbox.c.id)
        return connection.execute(query.limit(number).with_for_update(skip_locked=True)).all()

    left, by_the_clock, of_people, bulk = turns(now)
    shared = zip_longest(oldest(by_the_clock, BATCH), oldest(of_people, BATCH))
    taken = [*oldest(left, BATCH), *(row for row in chain(*shared) if row is not None)][:BATCH]
    if len(taken) < BATCH:
        taken += oldest(bulk, BATCH - len(taken))
    return sorted(taken, key=lambda row: TURNS.index(row.turn))


def renew_lease(connection: sa.Connection, lease: str, now: datetime) -> None:
    """Moves the end of a lease."""
    mine = sa.and_(outbox.c.lease == lease, outbox.c.state == RUNNING)
    until = now + timedelta(seconds=LEASE_SECONDS)
    connection.execute(sa.update(outbox).where(mine).values(lease_until=until))


def held(effects: Sequence[Effect], lease: str) -> sa.ColumnElement[bool]:
    """Gives the condition that effects are still ours."""
    ids = [effect.id for effect in effects]
    return sa.and_(outbox.c.id.in_(ids), outbox.c.lease == lease, outbox.c.state == RUNNING)


def keep_due(
    connection: sa.Connection, effects: Sequence[Effect], lease: str, now: datetime
) -> list[Effect]:
    """Gives the effects that are due, and has the others wait again: the clock was set back after
    they were claimed, and a timer that is run before its time finds nothing to do."""
    early = [effect for effect in effects if effect.at > now]
    if early:
        waiting = {"state": WAITING, "attempts": outbox.c.attempts - 1}
        statement = sa.update(outbox).where(held(early, lease))
        connection.execute(statement.values(waiting | {"lease": None, "lease_until": None}))
    return [effect for effect in effects if effect.at <= now]


def mark_done(
    connection: sa.Connection, effects: Sequence[Effect], lease: str, now: datetime
) -> None:
    """Marks effects in the transaction of what they wrote; raises LeaseLostError for one that is
    not ours."""
    statement = sa.update(outbox).where(held(effects, lease))
    result = connection.execute(
        statement.values(state=DONE, done_at=now, lease=None, lease_until=None, last_error=None)
    )
    if result.rowcount != len(effects):
        raise LeaseLostError(effects[0].id)


def mark_failed(
    connection: sa.Connection, effect: Effect, lease: str, now: datetime, error: Exception
) -> None:
    """Puts an effect back for later, or among the dead when it was tried often enough."""
    pause = min(2**effect.attempts, MAX_PAUSE_SECONDS)
    statement = sa.update(outbox).where(held([effect], lease))
    connection.execute(
        statement.values(
            state=DEAD if effect.attempts >= MAX_ATTEMPTS else WAITING,
            available_at=now + timedelta(seconds=pause),
            lease=None,
            lease_until=None,
            **failed_with(told(error)),
        )
    )
