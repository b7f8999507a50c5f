"""Processes killed while they publish or upgrade, at any moment: all of it happened, or nothing.

A few here; `make soak` kills two hundred on each database.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from metadata.drift import find_drift, wanted_tables
from metadata.store import elements_at, history, load_catalog, load_elements, read_versions
from tests.metadata.databases import engine_for
from tests.metadata.test_crash_points import (
    CHANGES,
    Change,
    add,
    checksum,
    prepare,
    upgrade_package,
)

IS_SOAK = bool(os.environ.get("TRELLIS_SOAK"))
KILLS = 34 if IS_SOAK else 1  # of each change
ROWS = 1_000
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.soak


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with engine_for(database_url) as made:
        yield made


def start(engine: sa.Engine, change: Change, folder: Path) -> subprocess.Popen[str]:
    """Starts a process that is about to publish."""
    url = engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.metadata.publishing_process", url, change.__name__, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def run(engine: sa.Engine, change: Change, folder: Path, seconds: float | None) -> None:
    """Lets a process publish, and kills it after some seconds; None lets it live."""
    process = start(engine, change, folder)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    if seconds is None:
        assert process.stdout.readline() == "done\n"
    else:
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for_rollback(engine)


def wait_for_rollback(engine: sa.Engine) -> None:
    """PostgreSQL notices after a moment that a client is gone."""
    if engine.dialect.name != "postgresql":
        return
    others = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid != pg_backend_pid()"
    )
    engine.dispose()
    with engine.connect() as connection:
        while connection.exec_driver_sql(others).scalar_one():
            connection.rollback()
            time.sleep(0.01)


def assert_whole(engine: sa.Engine, version: int) -> None:
    """Everything says the same version: elements, history, tables and rows."""
    with engine.begin() as connection:
        assert read_versions(connection).catalog == version
        assert history(connection)[0].version == version
        assert elements_at(connection, version) == load_elements(connection)
        catalog = load_catalog(connection)
        drifts = find_drift(connection, wanted_tables(catalog))
        assert [drift.sentence() for drift in drifts] == []
        for definition in catalog.objects.values():
            table = catalog.tables[definition.name]
            for field in definition.own_fields:
                if field.required and field.default is not None:
                    empty = sa.select(sa.func.count()).where(table.c[field.column].is_(None))
                    assert connection.scalar(empty) == 0


def start_again(engine: sa.Engine, change: Change, folder: Path) -> tuple[int, str]:
    """Makes the state before the change from nothing; gives its version and checksum."""
    with engine.begin() as connection:
        there = sa.MetaData()
        there.reflect(connection)
        there.drop_all(connection)
    prepare(engine, change, folder, rows=ROWS)
    with engine.begin() as connection:
        version = read_versions(connection).catalog
    return version, checksum(engine)


@pytest.mark.parametrize("change", CHANGES if IS_SOAK else [add, upgrade_package])
def test_killed_at_any_moment_leaves_all_before_or_all_after(
    engine: sa.Engine, change: Change, tmp_path: Path
) -> None:
    draw = random.Random() if IS_SOAK else random.Random(change.__name__)
    longest = 0.2
    version, before = start_again(engine, change, tmp_path)
    for _ in range(KILLS):
        run(engine, change, tmp_path, draw.uniform(0, longest))
        if checksum(engine) == before:
            longest *= 1.3
        else:
            assert_whole(engine, version + 1)
            longest *= 0.8  # to be killed amid it as often as before and after
            version, before = start_again(engine, change, tmp_path)
    run(engine, change, tmp_path, None)
    assert_whole(engine, version + 1)
