"""Running jobs: whoever holds the lease does steps; a dead worker's jobs go on when it runs out."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from metadata.access import AUTOMATION, SYSTEM, Principal
from metadata.problems import Problem, as_text
from metadata.scopes import Scopes
from trellis.automation.dispatcher import database_now
from trellis.automation.outbox import is_crowded, yield_to_people
from trellis.errors import NotAllowed, RecordError
from trellis.jobs.kinds import job_kinds
from trellis.jobs.running import (
    DONE,
    ENDED,
    FAILED,
    JOBS,
    RUNNING,
    WAITING,
    JobKind,
    RunningJob,
    Step,
    job_table,
    values_of,
)
from trellis.pausing import goes_on
from trellis.retrying import again
from trellis.runtime import Platform
from trellis.work import unit_for

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60
# After so long a job lets the others have their turn.
TURN_SECONDS = 10.0
MAX_ATTEMPTS = 5
MAX_PAUSE_SECONDS = 60
MAX_ERROR_LENGTH = 500
KEEP_DAYS = 90


class JobLostError(Exception):
    """The job was cancelled or taken over; what the step wrote must not stay."""


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Runs the jobs of an installation. Any number may work on one database."""

    platform: Platform
    read_clock: Callable[[sa.Connection], datetime] = database_now
    kinds: Mapping[str, JobKind] = field(default_factory=job_kinds)

    def drain(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Runs jobs until none is due or `stop` says so; gives how many turns there were."""
        turns = 0
        while not stop() and self.run_turn(stop):
            turns += 1
        return turns

    def run_turn(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Does steps of the job whose turn it is; says whether there was one."""
        with self.platform.database.read() as connection:
            crowded = is_crowded(connection)

        def wanted(now: datetime) -> sa.ColumnElement[bool]:
            return sa.and_(is_due(now), job_table.c.kind.not_in(self.crowding if crowded else ()))

        if not self.has_due(wanted):
            return False
        self._take_turn(wanted, stop, TURN_SECONDS)
        return True

    @property
    def crowding(self) -> list[str]:
        """The kinds that have to wait while too many effects of bulk work do."""
        return [name for name, kind in self.kinds.items() if kind.crowds]

    def run_now(self, job_id: str, seconds: float) -> None:
        """Does steps of a job that waits, for some seconds: small ones need no worker."""

        def wanted(now: datetime) -> sa.ColumnElement[bool]:
            return sa.and_(is_due(now), job_table.c.id == job_id)

        self._take_turn(wanted, lambda: False, seconds)

    def _take_turn(
        self,
        which: Callable[[datetime], sa.ColumnElement[bool]],
        stop: Callable[[], bool],
        seconds: float,
    ) -> None:
        lease = uuid.uuid4().hex
        row = self.platform.database.do(lambda connection: self._claim(connection, lease, which))
        if row is None:
            return
        end = time.monotonic() + seconds
        try:
            while not self._step(row["id"], lease):
                if stop() or time.monotonic() > end:
                    self._release(row["id"], lease)
                    break
        except JobLostError:
            logger.info("job %s was cancelled or taken over", row["id"])
        except RecordError as error:
            self._end(row["id"], lease, error.problems)
        except Exception as error:
            logger.exception("job %s (%s) failed", row["id"], row["kind"])
            self._postpone(row["id"], lease, error)

    def has_due(self, which: Callable[[datetime], sa.ColumnElement[bool]]) -> bool:
        """Says whether such a job waits for its turn, without taking a lock."""
        with self.platform.database.read() as connection:
            due = which(self.read_clock(connection))
            return connection.execute(sa.select(sa.exists().where(due))).scalar_one()

    def purge(self) -> int:
        """Deletes jobs that ended long ago; gives how many."""
        with self.platform.database.write() as connection:
            limit = self.read_clock(connection) - timedelta(days=KEEP_DAYS)
            old = job_table.c.state.in_(ENDED) & (job_table.c.ended_at < limit)
            return connection.execute(sa.delete(job_table).where(old)).rowcount

    def _claim(
        self,
        connection: sa.Connection,
        lease: str,
        which: Callable[[datetime], sa.ColumnElement[bool]],
    ) -> sa.RowMapping | None:
        now = self.read_clock(connection)
        oldest = sa.select(job_table).where(which(now))
        oldest = oldest.order_by(job_table.c.available_at, job_table.c.id).limit(1)
        row = connection.execute(oldest.with_for_update(skip_locked=True)).mappings().first()
        if row is None:
            return None
        if row["attempts"] >= MAX_ATTEMPTS:
            ended = ended_with(now, [Problem("", "job_broken", {})])
            connection.execute(
                sa.update(job_table).where(job_table.c.id == row["id"]).values(ended)
            )
            return None
        until = now + timedelta(seconds=LEASE_SECONDS)
        claimed = {"state": RUNNING, "lease": lease, "lease_until": until}
        statement = sa.update(job_table).where(job_table.c.id == row["id"])
        connection.execute(statement.values(claimed | {"attempts": row["attempts"] + 1}))
        return row

    def _step(self, job_id: str, lease: str) -> bool:
        """Does one step in its transaction; says whether it was the last one."""

        def once() -> bool:
            with self.platform.database.write() as connection:
                query = sa.select(job_table).where(held(job_id, lease))
                row = connection.execute(query).mappings().first()
                if row is None:
                    raise JobLostError(job_id)
                made = self._work(connection, row)
                after = self._after(connection, made)
                written = sa.update(job_table).where(held(job_id, lease)).values(after)
                if connection.execute(written).rowcount != 1:
                    raise JobLostError(job_id)
            return made.result is not None

        return again(once)

    def _work(self, connection: sa.Connection, row: sa.RowMapping) -> Step:
        here = self.platform
        kind = self.kinds.get(row["kind"])
        if kind is None:
            raise LookupError(f"no job {row['kind']!r}; there are: {', '.join(self.kinds)}")
        snapshot = here.catalogs.snapshot(connection)
        principal = self._principal(connection, row)
        now = self.read_clock(connection)
        unit = unit_for(here, connection, snapshot.catalog, principal, now)
        yield_to_people(connection)
        return kind.step(unit, RunningJob(**values_of(row), blobs=here.blobs))

    def _principal(self, connection: sa.Connection, row: sa.RowMapping) -> Principal:
        if row["account"] is None:
            return AUTOMATION if row["by"] == AUTOMATION.name else SYSTEM
        snapshot = self.platform.catalogs.snapshot(connection)
        scopes = None if row["scopes"] is None else Scopes(frozenset(row["scopes"]))
        found = self.platform.accounts.principal_for(connection, snapshot, row["account"], scopes)
        if found is None:
            raise NotAllowed([Problem("", "account_inactive", {})])
        return found

    def _after(self, connection: sa.Connection, made: Step) -> dict[str, object]:
        now = self.read_clock(connection)
        after = {"cursor": made.cursor, "done": made.done, "total": made.total, "attempts": 0}
        if made.result is None:
            return after | {"lease_until": now + timedelta(seconds=LEASE_SECONDS)}
        ended = {"state": DONE, "result": dict(made.result), "ended_at": now}
        return after | ended | {"lease": None, "lease_until": None, "last_error": None}

    def _release(self, job_id: str, lease: str) -> None:
        def work(connection: sa.Connection) -> None:
            free = {"state": WAITING, "lease": None, "lease_until": None}
            now = {"available_at": self.read_clock(connection)}
            connection.execute(sa.update(job_table).where(held(job_id, lease)).values(free | now))

        self.platform.database.do(work)

    def _end(self, job_id: str, lease: str, problems: tuple[Problem, ...]) -> None:
        def work(connection: sa.Connection) -> None:
            ended = ended_with(self.read_clock(connection), problems)
            connection.execute(sa.update(job_table).where(held(job_id, lease)).values(ended))

        self.platform.database.do(work)

    def _postpone(self, job_id: str, lease: str, error: Exception) -> None:
        def work(connection: sa.Connection) -> None:
            query = sa.select(job_table.c.attempts).where(held(job_id, lease))
            attempts = connection.execute(query).scalar()
            if attempts is None:
                return
            now = self.read_clock(connection)
            pause = timedelta(seconds=min(2**attempts, MAX_PAUSE_SECONDS))
            values: dict[str, object] = {"state": WAITING, "available_at": now + pause}
            if attempts >= MAX_ATTEMPTS:
                values = ended_with(now, [Problem("", "job_broken", {})])
            text = f"{type(error).__name__}: {error}"[:MAX_ERROR_LENGTH]
            values |= {"lease": None, "lease_until": None, "last_error": text}
            connection.execute(sa.update(job_table).where(held(job_id, lease)).values(values))

        self.platform.database.do(work)


def is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Gives the condition of jobs that wait for their turn or were left by a dead worker; nothing
    is due while jobs are paused."""
    waits = sa.and_(job_table.c.state == WAITING, job_table.c.available_at <= now)
    left = sa.and_(job_table.c.state == RUNNING, job_table.c.lease_until < now)
    return sa.and_(sa.or_(waits, left), goes_on(JOBS))


def held(job_id: str, lease: str) -> sa.ColumnElement[bool]:
    """Gives the condition that a job is still ours: neither cancelled nor taken over."""
    ours = job_table.c.lease == lease
    return sa.and_(job_table.c.id == job_id, ours, job_table.c.state == RUNNING)


def ended_with(now: datetime, problems: list[Problem] | tuple[Problem, ...]) -> dict[str, object]:
    """Gives what becomes of the row of a job that failed."""
    told = [
        {"path": p.path, "code": p.code, "values": {k: as_text(v) for k, v in p.values.items()}}
        for p in problems
    ]
    free = {"lease": None, "lease_until": None}
    return {"state": FAILED, "problems": told, "ended_at": now} | free


def drain_jobs(platform: Platform) -> None:
    """Runs all jobs that are due to their end, in this process."""
    JobRunner(platform).drain()
