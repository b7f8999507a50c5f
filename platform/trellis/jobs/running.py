"""Jobs: work of many steps that goes on when a process dies, with the rights of who started it.

A job is a row. Each step is one transaction that also stores how far the job has come, so what a
step wrote and that it was done are true together or not at all: after a kill the next step begins
where the last one ended, and nothing is done twice. `running_loop` runs them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
import uuid_utils

from metadata.problems import Problem
from rule_engine.columns import Instant
from trellis.automation.outbox import OUTBOX
from trellis.db import SYSTEM_TABLES, clock, signal
from trellis.errors import Conflict, Missing
from trellis.files.blobs import Blobs
from trellis.phrases import Sentence
from trellis.unit import Unit

# What pauses when jobs are paused.
JOBS = "jobs"

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)

job_table = sa.Table(
    "job",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("account", sa.Integer),
    sa.Column("scopes", sa.JSON),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cursor", sa.JSON),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger),
    sa.Column("result", sa.JSON),
    sa.Column("problems", sa.JSON),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("available_at", Instant, nullable=False),
    sa.Column("lease", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Index("job_due", "state", "available_at", "id"),
    sa.Index("job_by", "by", "created_at"),
)
"""`by` is the principal's name, `account` its ab_user row (none for the system), `scopes` what its
API key is kept to (null: to nothing less than the account); `attempts` counts the tries since the
last step that came to its end."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. `cursor` is what its last step left for the next, None at the start."""

    id: str
    kind: str
    params: Mapping[str, Any]
    by: str
    state: str
    cursor: Any
    done: int
    total: int | None
    result: Mapping[str, Any] | None
    problems: tuple[Problem, ...]
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_ended(self) -> bool:
        """Says whether nothing more will happen."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class RunningJob(Job):
    """A job as its step gets it; `blobs` is where contents of files are kept."""

    blobs: Blobs


@dataclass(frozen=True, slots=True)
class Step:
    """What one step came to: JSON for the next one, how much is done and of how much; the job is
    done when there is a `result` (JSON too)."""

    cursor: Any
    done: int
    total: int | None
    result: Mapping[str, Any] | None = None


class JobKind(ABC):
    """A kind of work that is done as a job; `name` is what the row calls it, `title` what people
    read instead of that.

    `start_job` asks for no right: whoever starts a job has made sure of it, and a step asks again
    where it matters, since rights may have changed meanwhile.
    """

    name: ClassVar[str]
    title: ClassVar[Sentence | None] = None
    #: Whether its steps write records, of which effects follow: it waits while too many do.
    crowds: ClassVar[bool] = False
    #: Whether it may be cancelled; not what would stay half done, or is begun anew at once.
    may_cancel: ClassVar[bool] = True

    @abstractmethod
    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Does the next part, some seconds at most, in the transaction of `unit`.

        Raises a RecordError to end the job with its problems; whatever else it raises is tried
        again some times. What was written is rolled back in both cases.
        """


def start_job(unit: Unit, kind: str, params: Mapping[str, Any]) -> str:
    """Writes a job into the caller's transaction and gives its id; it begins after the commit."""
    user = unit.principal.user
    now = clock(unit.connection)
    job_id = str(uuid_utils.uuid7())
    row = {
        "id": job_id,
        "kind": kind,
        "params": dict(params),
        "by": unit.principal.name,
        "account": None if user is None else int(str(user["account"])),
        "scopes": None if unit.principal.scopes is None else sorted(unit.principal.scopes),
        "state": WAITING,
        "done": 0,
        "attempts": 0,
        "available_at": now,
        "created_at": now,
    }
    unit.connection.execute(sa.insert(job_table).values(row))
    signal(unit.connection, OUTBOX)
    return job_id


def read_job(unit: Unit, job_id: str) -> Job:
    """Gives a job of the acting person; whoever administers sees all. Raises Missing."""
    query = sa.select(job_table).where(job_table.c.id == job_id, _mine(unit))
    row = unit.connection.execute(query).mappings().first()
    if row is None:
        raise Missing([Problem("", "missing_job", {})])
    return job_of(row)


def find_job(unit: Unit, job_id: str | None) -> Job | None:
    """Gives a job as `read_job` does; None for none, and for one that was purged meanwhile."""
    try:
        return None if job_id is None else read_job(unit, job_id)
    except Missing:
        return None


def list_jobs(unit: Unit, kinds: Sequence[str], limit: int) -> Sequence[Job]:
    """Gives the newest jobs of some kinds that the acting person has started."""
    query = sa.select(job_table).where(
        job_table.c.by == unit.principal.name, job_table.c.kind.in_(kinds)
    )
    newest = query.order_by(job_table.c.created_at.desc(), job_table.c.id.desc()).limit(limit)
    return [job_of(row) for row in unit.connection.execute(newest).mappings()]


def cancel_job(unit: Unit, job_id: str) -> None:
    """Ends a job that has not ended: a step under way is rolled back, those before it stay.

    Raises Missing, and Conflict for one that has ended.
    """
    job = read_job(unit, job_id)
    going = sa.update(job_table).where(
        job_table.c.id == job_id, job_table.c.state.in_((WAITING, RUNNING))
    )
    ended = {"state": CANCELLED, "ended_at": clock(unit.connection), "lease": None}
    if not unit.connection.execute(going.values(ended)).rowcount:
        raise Conflict([Problem("", "job_ended", {"state": job.state})])


def job_of(row: sa.RowMapping) -> Job:
    """Gives a job from its row."""
    return Job(**values_of(row))


def values_of(row: sa.RowMapping) -> dict[str, Any]:
    """Gives what a row says of a job."""
    plain = ("id", "kind", "params", "by", "state", "cursor", "done", "total", "result")
    times = ("created_at", "ended_at")
    return {name: row[name] for name in (*plain, *times)} | {"problems": problems_of(row)}


def problems_of(row: sa.RowMapping) -> tuple[Problem, ...]:
    """Gives with what a job failed."""
    return tuple(Problem(p["path"], p["code"], p["values"]) for p in row["problems"] or ())


def _mine(unit: Unit) -> sa.ColumnElement[bool]:
    if unit.principal.may_administer:
        return sa.true()
    return job_table.c.by == unit.principal.name
