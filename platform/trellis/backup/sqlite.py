"""SQLite: a consistent copy while others write, and putting one in place of a file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import sqlalchemy as sa

from trellis.backup.archive import DATABASE, Writer
from trellis.backup.errors import BackupError
from trellis.backup.facts import Facts, read_facts
from trellis.backup.manifest import Digest
from trellis.db import Database
from trellis.files.blobs import sync_folder

TABLES = """
SELECT name FROM sqlite_schema WHERE type = 'table'
AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND sql NOT LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name
"""
BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a file, by the ends of their names."""


def take(database: Database, folder: Path, archive: Writer) -> tuple[Facts, dict[str, Digest]]:
    """Puts a copy into the archive; gives what it says and what its tables hold.

    It is made in one step, so it shows one moment and others write meanwhile. It needs as much
    space in `folder` as the database has.
    """
    path = folder / "copy.db"
    copied(database, path)
    copy = Database(address_of(path))
    try:
        with copy.read() as connection:
            facts = read_facts(connection)
    finally:
        copy.dispose()
    tables = digests(path)
    with path.open("rb") as file:
        archive.add(DATABASE, file, packed=True)
    path.unlink()
    return facts, tables


def copied(database: Database, path: Path) -> None:
    """Copies a database into a new file (SQLite's online backup)."""
    with database.autocommit() as connection:
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError(f"SQLite is spoken through sqlite3, not {type(source)}")
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(path)) as target:
            source.backup(target)


def address_of(path: Path) -> str:
    """Gives SQLAlchemy's address of a file."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def digests(path: Path) -> dict[str, Digest]:
    """Gives the rows of all tables and a hash over them, in the order of the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        names = [bytes(name).decode() for (name,) in connection.execute(TABLES)]
        return {name: digest_of(connection, name) for name in names}


def digest_of(connection: sqlite3.Connection, table: str) -> Digest:
    """Gives the rows of a table and a hash over them."""
    digest, count, encode = hashlib.sha256(), 0, msgspec.msgpack.Encoder().encode
    everything = sa.select(sa.text("*")).select_from(sa.table(sa.quoted_name(table, quote=True)))
    for row in connection.execute(f"{everything} NOT INDEXED"):
        digest.update(encode(row))
        count += 1
    return Digest(count, digest.hexdigest())


def tables_there(file: Path) -> int | None:
    """Gives the number of tables of a file, 0 for one that is missing or empty; None for what
    cannot be read."""
    if not file.exists() or not file.stat().st_size:
        return 0
    try:
        with closing(sqlite3.connect(file)) as connection:
            return len(connection.execute(TABLES).fetchall())
    except sqlite3.DatabaseError:
        return None


def settle(path: Path) -> None:
    """Moves everything into the file itself and has the disk keep it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_open(file: Path) -> None:
    """Raises BackupError while another process has the file open. What is damaged nobody can."""
    if not file.exists() or not file.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(file, timeout=1.0)) as connection:
            # Only who is alone with a file may take it out of the mode in which many share it.
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise BackupError(
            [f"{file} is in use: stop every web and worker process of the instance first"]
        ) from error
    except sqlite3.DatabaseError:
        return


def put_in_place(path: Path, file: Path) -> None:
    """Puts a settled file where another one was, in one move."""
    for end in BESIDE:
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)
    path.replace(file)
    sync_folder(file.parent)
