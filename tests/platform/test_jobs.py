"""Jobs: each step exactly once whoever dies, cancelled at once, with the rights of the moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.problems import Problem
from tests.platform.acting import acting, system
from tests.platform.test_worker import environment, wait_inside
from tests.platform.world import People
from trellis.automation import outbox as outbox_of_all
from trellis.automation.outbox import add
from trellis.errors import Conflict, Missing, Refused
from trellis.jobs import running_loop
from trellis.jobs.running import (
    Job,
    JobKind,
    Step,
    cancel_job,
    job_table,
    list_jobs,
    read_job,
    start_job,
)
from trellis.jobs.running_loop import LEASE_SECONDS, MAX_ATTEMPTS, JobRunner, is_due
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.unit import Unit

METADATA = sa.MetaData()
happened = sa.Table("happened", METADATA, sa.Column("number", sa.Integer))

NOW = datetime(2030, 3, 1, 8, tzinfo=UTC)

KILLED = """
import sys, time
from tests.platform.test_jobs import Counting
from trellis.config import load_settings
from trellis.jobs import running_loop
from trellis.runtime import open_platform

class Slow(Counting):
    def step(self, unit, job):
        step = super().step(unit, job)
        if step.done == int(sys.argv[1]):
            sys.stdout.write("inside\\n")
            sys.stdout.flush()
            time.sleep(60)
        return step

running_loop.LEASE_SECONDS = 0.2
runner = running_loop.JobRunner(open_platform(load_settings()), kinds={"counting": Slow()})
while True:
    runner.drain()
    time.sleep(0.05)
"""


class Counting(JobKind):
    """Writes one row per step."""

    name = "counting"

    def step(self, unit: Unit, job: Job) -> Step:
        done = job.done + 1
        unit.connection.execute(sa.insert(happened).values(number=done))
        total = job.params["steps"]
        return Step({"at": done}, done, total, {"sum": done} if done == total else None)


class Crowding(Counting):
    """Adds an effect with each step."""

    name = "crowding"
    crowds = True

    def step(self, unit: Unit, job: Job) -> Step:
        add(unit.connection, "tell", {}, f"{job.id}/{job.done}")
        return super().step(unit, job)


class Failing(JobKind):
    """Writes, then raises."""

    name = "failing"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def step(self, unit: Unit, job: Job) -> Step:
        unit.connection.execute(sa.insert(happened).values(number=0))
        raise self.error


class Cancelling(Counting):
    """Is cancelled from outside while its step is under way."""

    name = "cancelling"

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def step(self, unit: Unit, job: Job) -> Step:
        made = super().step(unit, job)
        if made.done == 3:
            # SQLite lets nobody else write meanwhile, so the row is changed by the step itself.
            ended = sa.update(job_table).where(job_table.c.id == job.id)
            if self.platform.database.dialect == "sqlite":
                unit.connection.execute(ended.values(state="cancelled"))
                return made
            with acting(self.platform, "rita") as beside:
                cancel_job(beside, job.id)
        return made


@pytest.fixture(autouse=True)
def made(platform: Platform) -> None:
    with platform.database.write() as connection:
        METADATA.create_all(connection)


def start(platform: Platform, kind: str, **params: Any) -> str:
    with acting(platform, "rita") as unit:
        return start_job(unit, kind, params)


def state(platform: Platform, job_id: str) -> Job:
    with system(platform) as unit:
        return read_job(unit, job_id)


def numbers(platform: Platform) -> list[int]:
    with platform.database.read() as connection:
        return sorted(connection.execute(sa.select(happened.c.number)).scalars())


def test_steps_are_done_in_turn_and_tell_how_far_they_are(platform: Platform) -> None:
    job_id = start(platform, "counting", steps=5)
    assert state(platform, job_id).state == "waiting"
    assert JobRunner(platform, kinds={"counting": Counting()}).drain() == 1
    job = state(platform, job_id)
    assert (job.state, job.done, job.total, job.result) == ("done", 5, 5, {"sum": 5})
    assert numbers(platform) == [1, 2, 3, 4, 5]


def test_jobs_take_turns(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_loop, "TURN_SECONDS", 0.0)
    first, second = (start(platform, "counting", steps=3) for _ in range(2))
    runner = JobRunner(platform, kinds={"counting": Counting()})
    assert (runner.run_turn(), runner.run_turn()) == (True, True)
    assert [state(platform, one).done for one in (first, second)] == [1, 1]
    runner.drain()
    assert [state(platform, one).state for one in (first, second)] == ["done", "done"]


@contextmanager
def child(platform: Platform, upto: int) -> Iterator[subprocess.Popen[str]]:
    """Runs a worker that stops inside a step, before its commit, and is killed at the end."""
    command = [sys.executable, "-c", KILLED, str(upto)]
    variables = environment(platform.settings)
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_worker_s_job_goes_on_and_no_step_is_done_twice(platform: Platform) -> None:
    job_id = start(platform, "counting", steps=30)
    for upto in (5, 12):
        with child(platform, upto) as process:
            wait_inside(process)
        assert numbers(platform) == list(range(1, upto))
    after = datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
    JobRunner(platform, lambda _connection: after, {"counting": Counting()}).drain()
    assert numbers(platform) == list(range(1, 31))
    assert state(platform, job_id).result == {"sum": 30}


def test_who_lost_its_lease_leaves_nothing_behind(platform: Platform) -> None:
    job_id = start(platform, "counting", steps=2)
    runner = JobRunner(platform, lambda _connection: NOW, {"counting": Counting()})
    with platform.database.write() as connection:
        assert runner._claim(connection, "sleeper", is_due) is not None
    early = JobRunner(platform, lambda _c: NOW + timedelta(seconds=5), {"counting": Counting()})
    assert early.drain() == 0
    after = NOW + timedelta(seconds=LEASE_SECONDS + 1)
    late = JobRunner(platform, lambda _connection: after, {"counting": Counting()})
    assert late.drain() == 1
    with pytest.raises(running_loop.JobLostError):
        runner._step(job_id, "sleeper")
    assert numbers(platform) == [1, 2]


def test_cancelling_rolls_the_step_under_way_back(platform: Platform) -> None:
    job_id = start(platform, "cancelling", steps=9)
    JobRunner(platform, kinds={"cancelling": Cancelling(platform)}).drain()
    if platform.database.dialect == "postgresql":
        assert state(platform, job_id).state == "cancelled"
        assert numbers(platform) == [1, 2]


def test_a_job_that_waits_is_cancelled_by_its_owner_once(platform: Platform) -> None:
    job_id = start(platform, "counting", steps=2)
    with acting(platform, "ron") as unit, pytest.raises(Missing):
        cancel_job(unit, job_id)
    with acting(platform, "rita") as unit:
        cancel_job(unit, job_id)
        with pytest.raises(Conflict):
            cancel_job(unit, job_id)
        assert [job.id for job in list_jobs(unit, ["counting"], 10)] == [job_id]
    assert JobRunner(platform, kinds={"counting": Counting()}).drain() == 0
    assert numbers(platform) == []


def test_what_a_step_refuses_ends_the_job_with_its_reasons(platform: Platform) -> None:
    problem = Problem("/name", "required", {"field": "name"})
    job_id = start(platform, "failing")
    JobRunner(platform, kinds={"failing": Failing(Refused([problem]))}).drain()
    job = state(platform, job_id)
    assert (job.state, job.problems) == ("failed", (problem,))
    assert numbers(platform) == []


def test_a_fault_is_tried_again_and_ends_in_words(platform: Platform) -> None:
    clock = [NOW]
    job_id = start(platform, "failing")
    kinds = {"failing": Failing(ZeroDivisionError("secret"))}
    runner = JobRunner(platform, lambda _connection: clock[0], kinds)
    tries = 0
    for _ in range(MAX_ATTEMPTS * 3):
        tries += runner.run_turn()
        clock[0] += timedelta(minutes=5)
    assert tries == MAX_ATTEMPTS
    job = state(platform, job_id)
    assert (job.state, job.problems) == ("failed", (Problem("", "job_broken", {}),))


def test_what_kills_its_workers_again_and_again_ends(platform: Platform) -> None:
    job_id = start(platform, "counting", steps=2)
    now = NOW
    for number in range(MAX_ATTEMPTS):
        with platform.database.write() as connection:
            runner = JobRunner(platform, lambda _connection, at=now: at)  # type: ignore[misc]  # bound now
            assert runner._claim(connection, str(number), is_due) is not None
        now += timedelta(seconds=LEASE_SECONDS + 1)
    JobRunner(platform, lambda _connection: now, {"counting": Counting()}).drain()
    assert state(platform, job_id).problems == (Problem("", "job_broken", {}),)


def test_the_job_of_somebody_who_left_fails(platform: Platform, people: People) -> None:
    job_id = start(platform, "counting", steps=2)
    with acting(platform, "admin") as unit:
        save_record(unit, "user", people["rita"], {"active": False}, channel="page")
    JobRunner(platform, kinds={"counting": Counting()}).drain()
    assert state(platform, job_id).problems == (Problem("", "account_inactive", {}),)
    assert numbers(platform) == []


def test_a_job_waits_while_too_many_effects_of_bulk_work_do(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_of_all, "CROWD", 5)
    with system(platform) as unit:
        for index in range(8):
            add(unit.connection, "tell", {}, f"of a person {index}")
    runner = JobRunner(platform, kinds={"crowding": Crowding(), "counting": Counting()})
    with system(platform) as unit:
        first = start_job(unit, "crowding", {"steps": 8})
    assert runner.drain() == 1
    with system(platform) as unit:
        second = start_job(unit, "crowding", {"steps": 1})
        other = start_job(unit, "counting", {"steps": 1})
    runner.drain()
    assert states(platform, first, second, other) == ["done", "waiting", "done"]
    with system(platform) as unit:
        unit.connection.execute(sa.delete(outbox_of_all.outbox))
    runner.drain()
    assert states(platform, second) == ["done"]


def states(platform: Platform, *jobs: str) -> list[str]:
    with system(platform) as unit:
        return [read_job(unit, job).state for job in jobs]
