"""SQLite's write-ahead log, moved into the database file by one process at a time.

SQLite before 3.51.3 can damage a file when two checkpoints run beside a writer (WAL-reset bug).
There `db` turns checkpoints off in every connection, and whoever holds the lock file does them.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trellis.db import Database, has_safe_wal

logger = logging.getLogger(__name__)

WORTHWHILE_BYTES = 1024 * 1024
# Above this the log is emptied even if writers have to wait for it.
TOO_LARGE_BYTES = 256 * 1024 * 1024


def checkpoint(database: Database, *, at_least_bytes: int = WORTHWHILE_BYTES) -> bool:
    """Does a checkpoint if this database needs us to, and nobody else does one.

    Says whether one was done. Does nothing on PostgreSQL and with a SQLite that is safe.
    """
    file = database.file
    if file is None or has_safe_wal():
        return False
    size = wal_bytes(file)
    if size < at_least_bytes:
        return False
    mode = "TRUNCATE" if size > TOO_LARGE_BYTES else "PASSIVE"
    with try_lock(lock_file(file)) as is_ours:
        if is_ours:
            with database.autocommit() as connection:
                connection.exec_driver_sql(f"PRAGMA wal_checkpoint({mode})")
            logger.debug("checkpoint of %d bytes", size)
    return is_ours


def wal_bytes(file: Path) -> int:
    """Gives the size of a database's write-ahead log."""
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0


def lock_file(file: Path) -> Path:
    """Gives the lock beside a database file."""
    return file.with_name(f"{file.name}-checkpoint.lock")


class BusyError(Exception):
    """Another process does now what only one may do."""


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Holds a file lock meanwhile; gives False when somebody else has it."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
