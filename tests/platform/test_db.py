"""Transactions as they must be on both databases."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.platform.world import BreakOffError, write_and_break_off
from trellis.checkpoints import checkpoint, lock_file, try_lock, wal_bytes
from trellis.db import Database, has_safe_wal, signal

METADATA = sa.MetaData()
parent = sa.Table("parent", METADATA, sa.Column("id", sa.Integer, primary_key=True))
child = sa.Table(
    "child",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent", sa.ForeignKey("parent.id")),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    with database.write() as connection:
        METADATA.create_all(connection)
    yield database
    database.dispose()


def count(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_a_write_is_all_or_nothing_with_its_ddl(database: Database) -> None:
    def work(connection: sa.Connection) -> None:
        connection.execute(sa.insert(parent).values(id=1))
        connection.execute(sa.text("CREATE TABLE made (id INTEGER)"))
        connection.execute(sa.text("ALTER TABLE parent ADD COLUMN more INTEGER"))

    with pytest.raises(BreakOffError):
        write_and_break_off(database, work)
    with database.read() as connection:
        found = sa.inspect(connection)
        assert not found.has_table("made")
        assert [column["name"] for column in found.get_columns("parent")] == ["id"]
    assert count(database, parent) == 0


def test_signals_are_heard_once_after_the_commit_and_never_without(database: Database) -> None:
    heard: list[int] = []
    database.listen("changed", lambda: heard.append(count(database, parent)))
    with database.write() as connection:
        connection.execute(sa.insert(parent).values(id=1))
        signal(connection, "changed")
        signal(connection, "changed")
        assert heard == []
    assert heard == [1]
    with pytest.raises(BreakOffError):
        write_and_break_off(database, lambda connection: signal(connection, "changed"))
    assert heard == [1]


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.execute(sa.insert(child).values(id=1, parent=7))


def test_writers_wait_for_each_other(database: Database) -> None:
    """Each reads the highest id and adds the next: without the lock at BEGIN they would collide."""

    def add_twenty() -> None:
        for _ in range(20):
            with database.write() as connection:
                if database.dialect == "postgresql":
                    connection.execute(sa.text("LOCK TABLE parent IN EXCLUSIVE MODE"))
                highest = connection.execute(sa.select(sa.func.max(parent.c.id))).scalar() or 0
                connection.execute(sa.insert(parent).values(id=highest + 1))

    threads = [threading.Thread(target=add_twenty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database, parent) == 80


@pytest.mark.on("sqlite")
def test_long_writes_in_a_row_let_others_in(database: Database) -> None:
    written: list[float] = []

    def one_long_write_after_the_other() -> None:
        while not written and time.monotonic() < end:
            with database.write():
                time.sleep(1.0)

    end = time.monotonic() + 20
    thread = threading.Thread(target=one_long_write_after_the_other)
    thread.start()
    time.sleep(0.2)
    start = time.monotonic()
    with database.write() as connection:
        connection.execute(sa.text("SELECT 1"))
        written.append(time.monotonic() - start)
    thread.join()
    assert written[0] < 5


def test_a_read_does_not_wait_for_a_write(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(parent).values(id=1))
        began = time.monotonic()
        assert count(database, parent) == 0
        assert time.monotonic() - began < 5


def test_only_the_holder_of_the_lock_does_checkpoints(tmp_path: Path) -> None:
    """A SQLite without the WAL-reset bug does them itself, and we keep out of it."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    file = tmp_path / "a.db"
    assert database.file == file
    big = sa.Table("big", sa.MetaData(), sa.Column("text", sa.Text))
    with database.write() as connection:
        big.create(connection)
        connection.execute(sa.insert(big), [{"text": "x" * 10_000}] * 600)
    if has_safe_wal():
        assert not checkpoint(database)
        assert file.stat().st_size > 5_000_000
        database.dispose()
        return
    assert wal_bytes(file) > 5_000_000, "connections must not do checkpoints by themselves"
    size_before = file.stat().st_size
    with try_lock(lock_file(file)) as is_ours:
        assert is_ours
        assert not checkpoint(database)
    assert file.stat().st_size == size_before
    assert checkpoint(database)
    assert file.stat().st_size > 5_000_000
    database.dispose()
