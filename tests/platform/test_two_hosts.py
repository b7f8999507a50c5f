"""Two hosts: web, PostgreSQL and Redis on one, workers on the other, which is cut off and healed.

Nothing is lost and nothing happens twice, and the host that is cut off keeps no locks: what it had
begun is given up on both sides.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Cluster, find_postgresql, free_port, leave_out, running_cluster
from tests.platform.conftest import make_settings
from tests.platform.hosts import Host, network
from tests.platform.serving import wait_until
from tests.platform.test_durability import (
    committed,
    open_effects,
    prepare,
    told_and_saved,
)
from tests.platform.test_worker import environment
from trellis.config import Settings
from trellis.db import UNANSWERED_SECONDS
from trellis.embedded import find_server
from trellis.runtime import Platform, open_platform

WRITERS, WRITES = 3, 80
HEALED_SECONDS = 30


@dataclass
class Hosts:
    """Both hosts, and what runs on them."""

    server: Host
    workers: Host
    cluster: Cluster
    settings: Settings
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, host: Host, *command: str) -> subprocess.Popen[bytes]:
        """Runs a command on one of them."""
        process = subprocess.Popen(
            (*host.launcher, *command), env=environment(self.settings), stderr=subprocess.DEVNULL
        )
        self.running.append(process)
        return process

    def start_redis(self) -> None:
        program = find_server()
        assert program is not None
        place = ("--port", "6379", "--bind", self.server.address, "--protected-mode", "no")
        self.start(self.server, str(program), *place, "--save", "", "--logfile", "/dev/null")

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()

    def connected_workers(self) -> int:
        """Gives how many connections PostgreSQL keeps for the host of the workers."""
        with psycopg.connect(self.cluster.on_socket("postgresql", "postgres")) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s"
            found = connection.execute(query, (self.workers.address,)).fetchone()
        return int(found[0]) if found else 0


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    binaries = find_postgresql()
    if binaries is None:
        leave_out("PostgreSQL binaries not found: hosts that are cut off are LEFT OUT")
    with ExitStack() as stack:
        server, workers = stack.enter_context(network(2))
        launcher = server.unprivileged_launcher
        cluster = stack.enter_context(running_cluster(binaries, server.address, launcher))
        url = cluster.on_socket("postgresql", "postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE trellis")
        settings = make_settings(f"postgresql+psycopg://{cluster.address}/trellis", tmp_path)
        settings = replace(settings, redis_url=f"redis://{server.address}:6379/0")
        made = Hosts(server, workers, cluster, settings)
        stack.callback(made.end)
        yield made


@pytest.fixture
def near(hosts: Hosts) -> Iterator[Platform]:
    """Gives the installation as this process sees it: through the database's socket."""
    url = hosts.cluster.on_socket("postgresql+psycopg", "trellis")
    platform = open_platform(replace(hosts.settings, database_url=url, redis_url=None))
    prepare(platform)
    yield platform
    platform.close()


def test_workers_that_are_cut_off_lose_and_double_nothing(hosts: Hosts, near: Platform) -> None:
    port, total = free_port(), WRITERS * WRITES
    hosts.start_redis()
    python = (sys.executable, "-m")
    hosts.start(hosts.server, *python, "trellis", "serve", "--no-worker", "--port", str(port))
    hosts.start(hosts.workers, *python, "trellis", "worker", "--processes", "2")
    wait_until(lambda: hosts.connected_workers() > 0, "the workers")
    writers = [
        hosts.start(
            hosts.server, *python, "tests.platform.web_writer", str(port), f"w{n}", str(WRITES)
        )
        for n in range(WRITERS)
    ]

    wait_until(lambda: committed(near) > total // 5, "some writes")
    hosts.workers.unplug()
    time.sleep(1)
    hosts.workers.plug_in()

    wait_until(lambda: committed(near) > total // 2, "half of the writes")
    hosts.workers.unplug()
    cut = time.monotonic()
    wait_until(lambda: hosts.connected_workers() == 0, "PostgreSQL giving up the other host")
    assert time.monotonic() - cut < UNANSWERED_SECONDS + 10
    waits = open_effects(near)
    hosts.workers.plug_in()
    healed = time.monotonic()

    for writer in writers:
        assert writer.wait(120) == 0
    wait_until(lambda: open_effects(near) == 0, "the effects")
    told, saved = told_and_saved(near.database, near)
    assert (len(saved), sum(saved.values())) == (total, total)
    assert told == saved
    assert waits > 0
    assert time.monotonic() - healed < HEALED_SECONDS
