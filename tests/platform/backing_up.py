"""What the tests of backups share: writers, a backup, a new instance with the same keys."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import empty_postgresql
from tests.platform.acting import make
from tests.platform.conftest import make_settings
from tests.platform.test_cli import Done, run
from tests.platform.test_worker import environment
from trellis.audit.sequencer import sequence
from trellis.backup import postgresql, sqlite
from trellis.backup.archive import opened_archive
from trellis.backup.manifest import Digest, Manifest
from trellis.config import Settings
from trellis.db import Database
from trellis.records.history import insert_entries, record_history
from trellis.runtime import Platform

EmptyDatabase = Callable[[Path], AbstractContextManager[str]]

#: What a restore itself writes.
RESTORING = frozenset({"audit_event", "audit_chain", "audit_pending"})


def cli(settings: Settings, *arguments: str) -> Done:
    """Runs `trellis` in an instance."""
    known = {name: one for name, one in variables(settings).items() if name.startswith("TRELLIS_")}
    return run(*arguments, **known)


def variables(settings: Settings) -> dict[str, str]:
    """Gives the environment of an instance."""
    found = environment(settings)
    keys = " ".join(settings.encryption_keys)
    return {**found, "TRELLIS_ENCRYPTION_KEYS": keys}


def process(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """Runs `trellis` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "trellis", *arguments],
        env=variables(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def empty_database(dialect: str, request: pytest.FixtureRequest) -> EmptyDatabase:
    """Gives a function that makes a database for an instance in a folder."""
    if dialect == "postgresql":
        server: str = request.getfixturevalue("postgresql_server")
        return lambda _folder: empty_postgresql(server)

    @contextmanager
    def file(folder: Path) -> Iterator[str]:
        yield f"sqlite:///{folder / 'trellis.db'}"

    return file


@contextmanager
def elsewhere(settings: Settings, folder: Path, empty: EmptyDatabase) -> Iterator[Settings]:
    """Gives a new and empty instance to which only the keys of another one were brought."""
    folder.mkdir()
    with empty(folder) as url:
        found = make_settings(url, folder)
        (found.instance / "run").rmdir()
        shutil.copy(settings.instance / "audit_key", found.instance)
        yield replace(found, encryption_keys=settings.encryption_keys)


@dataclass
class Writers:
    """Threads that write one record after the other; `ids` are those that are committed."""

    platform: Platform
    number: int = 3
    pause_seconds: float = 0.02
    ids: list[str] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Has them write meanwhile."""
        stop, failed = threading.Event(), []

        def write() -> None:
            try:
                while not stop.is_set():
                    self.ids.append(make(self.platform, "rita", "account", name="Acme"))
                    time.sleep(self.pause_seconds)
            except Exception as error:  # told at the end, in the thread of the test
                failed.append(error)

        threads = [threading.Thread(target=write) for _ in range(self.number)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert failed == []


def accounts(platform: Platform) -> set[str]:
    """Gives the ids of all accounts."""
    with platform.database.read() as connection:
        table = platform.catalogs.current(connection).tables["account"]
        return {str(one) for one in connection.execute(sa.select(table.c.id)).scalars()}


def manifest_of(file: Path) -> Manifest:
    """Gives what a backup says of itself."""
    with opened_archive(file) as archive:
        return archive.manifest


def digests(settings: Settings) -> dict[str, Digest]:
    """Gives what the tables of an instance hold, those aside in which a restore writes."""
    database = Database(settings.database_url)
    try:
        if database.file is not None:
            found = sqlite.digests(database.file)
        else:
            with postgresql.unlimited(database) as connection:
                found = postgresql.digests(connection)
    finally:
        database.dispose()
    return {name: one for name, one in found.items() if name not in RESTORING}


def fill(platform: Platform, rows: int) -> None:
    """Adds accounts past all use cases, each with its line of the history and the audit, as
    quickly as the database takes them."""
    with platform.database.write() as connection:
        table = platform.catalogs.current(connection).tables["account"]
        account = template(connection, table)
        entry = template(connection, record_history, record_history.c.record_id == account["id"])
        for first in range(0, rows, 10_000):
            ids = [f"f{n:08}" for n in range(first, min(first + 10_000, rows))]
            connection.execute(sa.insert(table), [{**account, "id": one} for one in ids])
            told = [{**entry, "id": f"h{one}", "record_id": one} for one in ids]
            insert_entries(connection, told)
    assert sequence(platform.database) >= rows


def template(
    connection: sa.Connection, table: sa.Table, *where: sa.ColumnElement[bool]
) -> dict[str, object]:
    """Gives the values of a row that is there."""
    found = sa.select(table).where(*where).limit(1)
    return dict(connection.execute(found).mappings().one())
