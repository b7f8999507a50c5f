"""A file of a hundred thousand leads imported, with all rules and the check for duplicates; and
another one, whose worker is killed in the middle, taken up by the next worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.bench.clock import Row
from tests.bench.world import World
from tests.platform.acting import acting
from tests.platform.importing import counts, csv_bytes, upload
from tests.platform.test_import_killed import done_rows, worker
from trellis.jobs.running_loop import LEASE_SECONDS, JobRunner
from trellis.transfer.imports import Import, start_import

ROWS, AT_ONCE = 100_000, 500


def measure(world: World) -> list[Row]:
    """Gives what a file takes, and what is left of another one for whoever takes it up."""
    platform = world.platform
    start = time.perf_counter()
    first = taken_in(world, "first")
    read = time.perf_counter() - start
    written = timed(JobRunner(platform).drain)
    second = taken_in(world, "second")
    with worker(platform.settings, AT_ONCE):  # which is killed at the end
        while done_rows(platform) < ROWS * 3 // 2:
            time.sleep(0.01)
    left = 2 * ROWS - done_rows(platform)
    later = datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
    resumed = timed(JobRunner(platform, lambda _connection: later).drain)
    for one in (first, second):
        found = counts(platform, "diana", one)
        if found != {"create": ROWS}:
            raise AssertionError(found)
    return [
        Row(f"{ROWS:,} rows taken in", read),
        Row("written", written, note=f"{ROWS / written:,.0f} a second"),
        Row("the rest after kill -9", resumed, note=f"{left:,} rows; none lost, none twice"),
    ]


def taken_in(world: World, name: str) -> Import:
    """Uploads a file and lets its import begin."""
    lines = ([f"{name} {n}", f"{name}{n}@example.com"] for n in range(ROWS))
    started = upload(world.platform, "diana", "lead", csv_bytes([("name", "email"), *lines]))
    with acting(world.platform, "diana") as unit:
        start_import(unit, "lead", started.id, {"defaults": {"lead_source": "web"}}, dry=False)
    return started


def timed(work: Callable[[], object]) -> float:
    """Gives how many seconds something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
