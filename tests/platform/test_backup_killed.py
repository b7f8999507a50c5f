"""Killed on the way: a backup is whole or not there, an instance as it was or refused."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.platform.acting import database_hash, make, outbox_rows
from tests.platform.backing_up import (
    EmptyDatabase,
    Writers,
    accounts,
    cli,
    elsewhere,
    empty_database,
    fill,
    manifest_of,
    process,
)
from tests.platform.serving import wait_until
from trellis.audit.seals import Seals
from trellis.automation.dispatcher import Dispatcher, Perform, claim, database_now
from trellis.automation.outbox import DONE, RUNNING, Effect, add
from trellis.backup import postgresql
from trellis.backup.errors import BackupError
from trellis.backup.restore import Choices, restore
from trellis.backup.take import back_up
from trellis.config import Settings
from trellis.pausing import paused
from trellis.runtime import Platform, open_platform
from trellis.webhooks.tables import WAITING, webhook_delivery

__all__ = ["empty_database"]

pytestmark = pytest.mark.usefixtures("people")

IS_SOAK = bool(os.environ.get("TRELLIS_SOAK"))
ROWS = 1_000_000 if IS_SOAK else 3_000
LIMIT_SECONDS = 900
UNFINISHED = (
    "Error: a restore into {} was broken off, so database and files may not fit together: "
    "run `trellis restore BACKUP --replace` again\n"
)


def killed_when(running: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Kills a process as soon as something is the case."""
    while not condition():
        assert running.poll() is None, running.communicate()
        time.sleep(0.001)
    running.kill()
    running.communicate()


def is_alone(platform: Platform) -> bool:
    """Says whether what a killed process had started at the server has come to its end."""
    if platform.database.dialect == "sqlite":
        return True
    with postgresql.unlimited(platform.database) as connection:
        try:
            postgresql.refuse_open(connection)
        except BackupError:
            return False
    return True


@pytest.mark.soak
def test_a_killed_backup_leaves_no_file_and_the_next_one_is_whole(
    platform: Platform, tmp_path: Path
) -> None:
    make(platform, "rita", "account", name="Acme")
    fill(platform, ROWS)
    file = tmp_path / "a.backup"
    part = tmp_path / "a.backup.part"
    begun = part / ("copy.db" if platform.database.dialect == "sqlite" else "archive")
    running = process(platform.settings, "backup", str(file))
    killed_when(running, lambda: begun.exists() and begun.stat().st_size > 50_000)
    assert [path.name for path in tmp_path.glob("a.backup*")] == ["a.backup.part"]
    begin = time.monotonic()
    with Writers(platform).at_work():
        manifest = back_up(platform, file)
    assert time.monotonic() - begin < LIMIT_SECONDS
    assert [path.name for path in tmp_path.glob("a.backup*")] == ["a.backup"]
    assert manifest == replace(manifest_of(file), mark="")
    assert manifest.rows > ROWS


@pytest.mark.soak
def test_a_killed_restore_leaves_the_old_instance_or_one_that_does_not_start(
    platform: Platform, tmp_path: Path
) -> None:
    settings, file = platform.settings, tmp_path / "a.backup"
    make(platform, "rita", "account", name="Acme")
    fill(platform, ROWS)
    back_up(platform, file)
    make(platform, "rita", "account", name="Later")
    wanted = len(accounts(platform)) - 1
    before = database_hash(platform)
    mark = settings.instance / "restore_unfinished"
    staged = Path(f"{platform.database.file}.restoring")
    if platform.database.dialect == "postgresql":
        staged = settings.run_folder / "database.dump"
    moments = [staged]
    if platform.database.dialect == "postgresql":  # on SQLite the mark is gone at once
        moments = [staged, mark] if IS_SOAK else [mark]
    for moment in moments:
        platform.database.dispose()
        running = process(settings, "restore", str(file), "--replace")
        killed_when(running, moment.exists)
        wait_until(lambda: is_alone(platform), "what was left ends")
        is_refused = cli(settings, "user", "list").stderr == UNFINISHED.format(settings.instance)
        assert is_refused == (moment == mark)
        assert database_hash(platform) == before
    platform.database.dispose()
    begin = time.monotonic()
    done = cli(settings, "restore", str(file), "--replace")
    assert time.monotonic() - begin < LIMIT_SECONDS
    assert (done.returncode, done.stderr) == (0, "")
    assert not mark.exists()
    assert not staged.exists()
    assert len(accounts(platform)) == wanted
    assert cli(settings, "audit", "verify").stdout == "the audit is right\n"


@pytest.mark.on("sqlite")
def test_an_instance_does_not_start_between_database_and_the_rest(
    platform: Platform, tmp_path: Path, empty_database: EmptyDatabase
) -> None:
    file = tmp_path / "a.backup"
    back_up(platform, file)
    with elsewhere(platform.settings, tmp_path / "new", empty_database) as new:
        (new.instance / "audit").write_text("in the way of the folder")
        with pytest.raises(BackupError) as failed:
            restore(new, file, Choices())
        assert failed.value.problems == (f"{new.instance}/audit cannot be written: File exists",)
        for command in (("doctor",), ("init",), ("worker",), ("backup", str(tmp_path / "b"))):
            assert cli(new, *command).stderr == UNFINISHED.format(new.instance)
        (new.instance / "audit").unlink()
        restore(new, file, Choices(replace=True))
        assert cli(new, "audit", "verify").stdout == "the audit is right\n"


def test_what_was_under_way_is_done_once_after_a_restore(
    platform: Platform, tmp_path: Path, empty_database: EmptyDatabase
) -> None:
    """An effect that a worker had claimed, and a message that was about to be delivered."""
    with platform.database.write() as connection:
        add(connection, "notify", {}, "once")
        claim(connection, "a lease", database_now(connection))
        connection.execute(sa.insert(webhook_delivery).values(message(database_now(connection))))
    file = tmp_path / "a.backup"
    back_up(platform, file)
    done: list[str] = []
    found = {}
    for is_held in (False, True):
        with elsewhere(platform.settings, tmp_path / str(is_held), empty_database) as new:
            _manifest, number = restore(new, file, Choices(hold=is_held))
            here = open_platform(new)
            found[is_held] = (number, *waiting(here))
            dispatcher = Dispatcher(here.database, noting(done), in_two_minutes)
            assert [row["state"] for row in outbox_rows(here)] == [RUNNING]
            assert dispatcher.drain() == 1
            assert [row["state"] for row in outbox_rows(here)] == [DONE]
            here.close()
    assert done == ["once", "once"]
    assert found == {False: (0, WAITING, []), True: (1, WAITING, ["mail", "webhooks"])}


def message(now: object) -> dict[str, object]:
    row: dict[str, object] = {"id": "d", "key": "k", "webhook": "w", "sequence": 1, "op": "create"}
    row |= {"object": "contact", "record_id": "c", "fields": [], "state": WAITING, "attempts": 0}
    return row | {"at": now, "available_at": now, "created_at": now}


def waiting(here: Platform) -> tuple[str, list[str]]:
    """Gives the state of the message, and what is paused."""
    with here.database.read() as connection:
        state = connection.execute(sa.select(webhook_delivery.c.state)).scalar_one()
        return str(state), sorted(paused(connection))


def noting(done: list[str]) -> Perform:
    """Gives what runs effects by noting their keys."""

    def perform(_connection: sa.Connection, effect: Effect, _now: datetime) -> None:
        done.append(effect.key)

    return perform


def in_two_minutes(connection: sa.Connection) -> datetime:
    """Gives a moment by which every lease of now is over."""
    return database_now(connection) + timedelta(minutes=2)


@pytest.mark.on("sqlite")
def test_lost_secrets_are_accepted_when_said_so(
    platform: Platform, tmp_path: Path, empty_database: EmptyDatabase
) -> None:
    file = tmp_path / "a.backup"
    back_up(platform, file)
    with elsewhere(platform.settings, tmp_path / "new", empty_database) as new:
        (new.instance / "audit_key").unlink()
        other = replace(new, secret_key="another secret key")
        done = cli(other, "restore", str(file), "--new-secrets")
        assert (done.returncode, done.stderr) == (0, "")
        heads = sorted(path.name for path in Seals(new.instance).folder.iterdir())
        assert heads == [
            *("heads-restored-1-public_key", "heads-restored-1.jsonl", "heads.jsonl", "public_key"),
        ]
        assert cli(other, "audit", "verify").stdout == "the audit is right\n"


@pytest.mark.on("postgresql")
def test_programs_that_are_missing_are_named(
    platform: Platform, settings: Settings, tmp_path: Path
) -> None:
    platform.close()
    lacking = open_platform(replace(settings, postgresql_programs=tmp_path))
    with pytest.raises(BackupError) as refused:
        back_up(lacking, tmp_path / "a.backup")
    assert str(refused.value) == (
        f"there is no pg_dump in {tmp_path}: install PostgreSQL's client programs "
        "(Debian: postgresql-client), or name their folder in TRELLIS_PG_BIN"
    )
    lacking.close()


GUARD = """
CREATE SCHEMA guard;
CREATE FUNCTION guard.no() RETURNS event_trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE EVENT TRIGGER no ON sql_drop EXECUTE FUNCTION guard.no();
"""


@pytest.mark.on("postgresql")
def test_what_the_server_refuses_leaves_the_instance_as_it_was(
    platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "a.backup"
    back_up(platform, file)
    with platform.database.autocommit() as connection:
        connection.exec_driver_sql(GUARD)
    before = database_hash(platform)
    platform.database.dispose()
    done = cli(platform.settings, "restore", str(file), "--replace")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: psql failed: ERROR:  not today CONTEXT: ")
    assert database_hash(platform) == before
    assert cli(platform.settings, "user", "list").returncode == 0
    with platform.database.autocommit() as connection:
        connection.exec_driver_sql("DROP EVENT TRIGGER no")
    platform.database.dispose()
    assert cli(platform.settings, "restore", str(file), "--replace").returncode == 0
