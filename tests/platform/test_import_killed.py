"""An import whose worker is killed goes on where it was: every row once, none twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, system
from tests.platform.importing import counts, csv_bytes, upload
from tests.platform.test_worker import environment
from trellis.config import Settings
from trellis.jobs.running_loop import LEASE_SECONDS, JobRunner
from trellis.runtime import Platform
from trellis.transfer.imports import start_import
from trellis.transfer.tables import import_row

WORKER = """
import os, sys, time
from trellis.config import load_settings
from trellis.jobs import running_loop
from trellis.runtime import open_platform
from trellis.transfer import import_steps

import_steps.ROWS_AT_ONCE = int(sys.argv[1])
running_loop.LEASE_SECONDS = 0.2
runner = running_loop.JobRunner(open_platform(load_settings()))
while True:
    runner.drain()
    time.sleep(0.02)
"""


@contextmanager
def worker(settings: Settings, at_once: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WORKER, str(at_once)]
    with subprocess.Popen(command, env={**os.environ, **environment(settings)}) as process:
        try:
            yield process
        finally:
            process.kill()


def done_rows(platform: Platform) -> int:
    query = sa.select(sa.func.count()).where(import_row.c.result.is_not(None))
    with platform.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def kill_again_and_again(platform: Platform, rows: int, kills: int, at_once: int) -> None:
    """Imports rows with a worker that is killed so often, and then to the end."""
    lines = [[f"Lead {n}", f"lead{n}@example.com"] for n in range(rows)]
    started = upload(platform, "diana", "lead", csv_bytes([["name", "email"], *lines]))
    with acting(platform, "diana") as unit:
        source = unit.catalog.objects["lead"].fields["lead_source"].options[0].value
        body = {"defaults": {"lead_source": source}}
        start_import(unit, "lead", started.id, body, dry=False)
    for kill in range(1, kills + 1):
        with worker(platform.settings, at_once):
            end = time.monotonic() + 120
            while done_rows(platform) < rows * kill // (kills + 2):
                assert time.monotonic() < end, "the worker does nothing"
                time.sleep(0.01)
    assert 0 < done_rows(platform) < rows
    after = datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
    JobRunner(platform, lambda _connection: after).drain()
    assert counts(platform, "diana", started) == {"create": rows}
    with system(platform) as unit:
        table = unit.catalog.tables["lead"]
        query = sa.select(sa.func.count(), sa.func.count(table.c.email.distinct()))
        assert tuple(unit.connection.execute(query.select_from(table)).one()) == (rows, rows)


def test_every_row_once_whoever_is_killed(platform: Platform) -> None:
    kill_again_and_again(platform, 160, 2, 10)


@pytest.mark.soak_only
def test_a_hundred_thousand_rows_and_several_kills(platform: Platform) -> None:
    kill_again_and_again(platform, 100_000, 6, 500)
