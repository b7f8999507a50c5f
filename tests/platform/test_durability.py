"""Nothing is lost and nothing happens twice, whatever dies: workers, Redis, PostgreSQL.

Writers save records; a rule tells somebody of each save. In the end everybody was told of each save
exactly once, and soon.
"""

from __future__ import annotations

import logging
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import quantiles

import psycopg
import pytest
import sqlalchemy as sa

from metadata.migrate import publish
from metadata.store import load_elements
from tests.conftest import Cluster, find_postgresql, leave_out, running_cluster
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.conftest import make_settings
from tests.platform.durability import OBJECT, save
from tests.platform.serving import descendants, kill, wait_until
from tests.platform.test_worker import environment
from trellis.automation.outbox import DONE, outbox
from trellis.channels.in_app import notification
from trellis.config import Settings
from trellis.db import Database
from trellis.embedded import plan_server
from trellis.installation import set_up_platform
from trellis.jobs.queue import WakeUps, connect
from trellis.runtime import Platform, open_platform

logger = logging.getLogger(__name__)

WRITERS, WORKERS = 4, 2
DRAINED_SECONDS, P99_SECONDS = 60, 5
RULE = f"""
rule told "Told" on {OBJECT} after create, update {{
    notify user "admin" using "parcel"
}}
"""


@dataclass
class Scene:
    """The processes of an installation; `cluster` is None with SQLite."""

    settings: Settings
    cluster: Cluster | None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    redis: subprocess.Popen[bytes] | None = None

    def start_redis(self) -> None:
        server = plan_server(self.settings.instance)
        assert server is not None
        self.redis = subprocess.Popen(server.command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not WakeUps(self.settings.redis_url).answers():
            assert time.monotonic() < end
            time.sleep(0.05)

    def stop_redis(self) -> None:
        assert self.redis is not None
        self.redis.kill()
        self.redis.wait()

    def flush_redis(self) -> None:
        assert self.settings.redis_url is not None
        with connect(self.settings.redis_url) as redis:
            redis.flushall()

    def restart_redis(self) -> None:
        self.stop_redis()
        self.start_redis()

    def crash_database(self) -> None:
        if self.cluster is not None:
            self.cluster.stop(signal.SIGQUIT)
            time.sleep(0.5)
            self.cluster.start()

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "trellis", "worker"]
        # So much from one rule within a minute is a storm elsewhere.
        variables = {**environment(self.settings), "TRELLIS_RULE_STORM": "0"}
        process = subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL)
        self.workers.append(process)

    def kill_worker(self) -> None:
        """Kills what works; who started it starts another one."""
        starter = random.choice(self.workers)
        for pid, _ in descendants(starter.pid):
            kill(pid)

    def kill_whole_worker(self) -> None:
        """Kills who started what works, too, as when its host is gone."""
        victim = self.workers.pop(random.randrange(len(self.workers)))
        victim.kill()
        victim.wait()
        self.start_worker()

    def start_writer(self, number: int, writes: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.platform.durability", f"w{number}", str(writes)]
        return subprocess.Popen(command, env=environment(self.settings))

    def end(self) -> None:
        for process in (*self.workers, *([self.redis] if self.redis else [])):
            process.kill()
            process.wait()


@contextmanager
def database(dialect: str, folder: Path) -> Iterator[tuple[str, Cluster | None]]:
    """Gives the address of a database that may crash by itself."""
    if dialect == "sqlite":
        yield f"sqlite:///{folder / 'trellis.db'}", None
        return
    binaries = find_postgresql()
    if binaries is None:
        leave_out("PostgreSQL binaries not found: it is not crashed")
    with running_cluster(binaries) as cluster:
        with psycopg.connect(f"postgresql://{cluster.address}/postgres", autocommit=True) as it:
            it.execute("CREATE DATABASE durable")
        yield f"postgresql+psycopg://{cluster.address}/durable", cluster


def prepare(platform: Platform) -> None:
    """Sets an installation up that tells somebody of each save of a parcel."""
    set_up_platform(platform, ())
    fields: dict[str, JsonObject] = {
        "name": {"type": "string", "crm": {"unique": True}},
        "n": {"type": "integer"},
    }
    more = [
        element(OBJECT, object_body(fields, owner=False)),
        element("local/told.rules", {"text": RULE}, kind="rules"),
    ]
    with platform.database.write(publishing=True) as connection:
        publish(connection, [*load_elements(connection), *more], by="test")


@pytest.fixture
def scene(dialect: str, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        url, cluster = stack.enter_context(database(dialect, tmp_path))
        settings = make_settings(url, tmp_path)
        server = plan_server(settings.instance)
        assert server is not None
        settings = replace(settings, redis_url=server.url)
        platform = open_platform(settings)
        prepare(platform)
        platform.close()
        scene = Scene(settings, cluster)
        stack.callback(scene.end)
        yield scene


def open_effects(platform: Platform) -> int:
    count = sa.select(sa.func.count()).where(outbox.c.state != DONE)
    with platform.database.read() as connection:
        return int(connection.execute(count).scalar_one())


def lags(platform: Platform) -> list[float]:
    """Gives the seconds from each save to what followed it."""
    with platform.database.read() as connection:
        rows = connection.execute(sa.select(outbox.c.created_at, outbox.c.done_at)).all()
    return [(row.done_at - row.created_at).total_seconds() for row in rows]


def told_and_saved(database: Database, platform: Platform) -> tuple[dict[str, int], dict[str, int]]:
    """Gives how often somebody was told of each record, and how often it was saved."""
    told = sa.select(notification.c.record_id, sa.func.count()).group_by(notification.c.record_id)
    with database.read() as connection:
        table = platform.catalogs.current(connection).tables[OBJECT]
        saved = connection.execute(sa.select(table.c.id, table.c.version)).all()
        return (
            {str(key): int(count) for key, count in connection.execute(told)},
            {row.id: int(row.version) for row in saved},
        )


def run(scene: Scene, writes: int, kills: int) -> list[float]:
    """Lets writers write while things die; gives the lags once all is done."""
    faults = [scene.kill_worker] * kills
    faults[1::5] = [scene.kill_whole_worker] * len(faults[1::5])
    faults[kills // 4 : kills // 4] = [scene.restart_redis, scene.flush_redis]
    faults[kills // 2 : kills // 2] = [scene.crash_database, scene.restart_redis]
    faults.append(scene.restart_redis)
    scene.start_redis()
    for _ in range(WORKERS):
        scene.start_worker()
    platform = open_platform(scene.settings)
    save(platform, None, {"name": "the first", "n": 0})
    wait_until(lambda: not open_effects(platform), "the workers")
    writers = [scene.start_writer(number, writes // WRITERS) for number in range(WRITERS)]
    total = WRITERS * (writes // WRITERS)
    for number, fault in enumerate(faults, 1):
        while committed(platform) < total * number // (len(faults) + 1):
            time.sleep(0.05)
        fault()
    for writer in writers:
        assert writer.wait(600) == 0
    end = time.monotonic() + DRAINED_SECONDS
    while open_effects(platform):
        assert time.monotonic() < end, "effects are left over"
        time.sleep(0.1)
    told, saved = told_and_saved(platform.database, platform)
    assert sum(saved.values()) == total + 1
    assert told == saved
    found = lags(platform)
    platform.close()
    return found


def committed(platform: Platform) -> int:
    """Gives how many saves there were, as far as the database can be asked."""
    try:
        with platform.database.read() as connection:
            count = sa.select(sa.func.count()).select_from(outbox)
            return int(connection.execute(count).scalar_one())
    except sa.exc.DBAPIError:
        return 0


def test_what_dies_loses_and_doubles_nothing(scene: Scene) -> None:
    run(scene, writes=400, kills=4)


@pytest.mark.soak_only
def test_ten_thousand_writes_and_twenty_kills(scene: Scene) -> None:
    found = run(scene, writes=10_000, kills=20)
    p99 = quantiles(found, n=100)[98]
    logger.warning("p99 %.1f s", p99)
    assert p99 <= P99_SECONDS, f"p99 {p99:.1f} s"
