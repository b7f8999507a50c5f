"""PostgreSQL: its own `pg_dump` in a snapshot that we share, and `psql` in one transaction."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

import psycopg
import sqlalchemy as sa

from metadata.locks import DEFINITIONS, naming
from trellis.backup.archive import CHUNK_BYTES, DATABASE, Writer
from trellis.backup.errors import BackupError
from trellis.backup.facts import Facts, read_facts
from trellis.backup.manifest import Digest
from trellis.db import Database

BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
HOLD: Final = f"SELECT pg_advisory_lock_shared({DEFINITIONS})"
RELEASE: Final = f"SELECT pg_advisory_unlock_shared({DEFINITIONS})"
OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
QUIET: Final = b"BEGIN; SET LOCAL client_min_messages = warning;\n"
EMPTY: Final = b"DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"
SCHEMA: Final = "SELECT oid FROM pg_namespace WHERE nspname = 'public'"
SILENT: Final = ("--no-owner", "--no-privileges")
SHOWN_LINES: Final = 3


def program(name: str, folder: Path | None) -> str:
    """Gives the path of one of PostgreSQL's programs. Raises BackupError when it is not there."""
    found = shutil.which(name, path=str(folder) if folder else None)
    if found is None:
        where = f"in {folder}" if folder else "on the PATH"
        raise BackupError(
            [
                f"there is no {name} {where}: install PostgreSQL's client programs "
                "(Debian: postgresql-client), or name their folder in TRELLIS_PG_BIN"
            ]
        )
    return found


def take(
    database: Database, programs: Path | None, archive: Writer
) -> tuple[Facts, dict[str, Digest]]:
    """Puts a dump into the archive; gives what its snapshot says and what its tables hold.

    Others write meanwhile; who publishes definitions is told to try again later.
    """
    with snapshot(database) as (connection, name):
        facts = read_facts(connection)
        command = (
            *(program("pg_dump", programs), "--format=custom", "--compress=1"),
            *(*SILENT, f"--snapshot={name}"),
        )
        with running(command, variables(connection), stdout=subprocess.PIPE) as dump:
            archive.add(DATABASE, piped(dump.stdout))
        return facts, digests(connection)


@contextmanager
def snapshot(database: Database) -> Iterator[tuple[sa.Connection, str]]:
    """Gives a connection that sees one moment, and by what name others see the same.

    The definitions are held first: tables are then of the same version as what describes them.
    """
    with unlimited(database) as connection:
        with naming(""):
            connection.exec_driver_sql(HOLD)
        try:
            connection.exec_driver_sql(BEGIN)
            shared = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
            yield connection, str(shared)
        finally:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql(RELEASE)


@contextmanager
def unlimited(database: Database) -> Iterator[sa.Connection]:
    """Gives a connection whose statements may take as long as they need."""
    with database.autocommit() as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        try:
            yield connection
        finally:
            connection.invalidate()


def digests(connection: sa.Connection) -> dict[str, Digest]:
    """Gives the rows of all tables and a hash over them, in the order of their keys."""
    found = sa.inspect(connection)
    keys = {name: found.get_pk_constraint(name) for name in sorted(found.get_table_names())}
    texts = {
        (name, str(column["name"]))
        for name in keys
        for column in found.get_columns(name)
        if isinstance(column["type"], sa.String)
    }
    return {
        name: digest_of(connection, name, key["constrained_columns"], texts)
        for name, key in keys.items()
    }


def digest_of(
    connection: sa.Connection, table: str, key: Sequence[str], texts: set[tuple[str, str]]
) -> Digest:
    """Gives the rows of a table and a hash over what COPY tells of them."""
    order = [in_order(name, is_text=(table, name) in texts) for name in key]
    source = sa.table(sa.quoted_name(table, quote=True))
    query = sa.select(sa.text("*")).select_from(source).order_by(*order)
    digest, count = hashlib.sha256(), 0
    with driver(connection).cursor() as cursor, cursor.copy(copy_out(connection, query)) as rows:
        for row in rows:
            digest.update(row)
            count += 1
    return Digest(count, digest.hexdigest())


def in_order(name: str, *, is_text: bool) -> sa.ColumnElement[str]:
    """Gives a column to sort by; texts by their bytes, as every server does alike."""
    column = sa.column(sa.quoted_name(name, quote=True), sa.Text)
    return sa.collate(column, "C") if is_text else column


def copy_out(connection: sa.Connection, query: sa.Select[tuple[object]]) -> bytes:
    """Gives the statement that tells a query's rows, one in each piece."""
    return f"COPY ({query.compile(dialect=connection.dialect)}) TO STDOUT".encode()


def driver(connection: sa.Connection) -> psycopg.Connection[tuple[object, ...]]:
    """Gives the driver's connection."""
    found = connection.connection.driver_connection
    if not isinstance(found, psycopg.Connection):
        raise TypeError(f"PostgreSQL is spoken through psycopg, not {type(found)}")
    return found


def variables(connection: sa.Connection) -> dict[str, str]:
    """Gives the environment in which PostgreSQL's programs find the same database.

    The password is in it, and so in nobody's list of processes.
    """
    info = driver(connection).info
    names = {
        option.keyword.decode(): option.envvar.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.envvar
    }
    given = {**info.get_parameters(), "password": info.password}
    found = {names[key]: value for key, value in given.items() if key in names and value}
    return {**os.environ, **found}


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int | None = None,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program meanwhile. Raises BackupError with its last words when it failed."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=dict(environment), stdin=stdin, stdout=stdout, stderr=said
        )
        try:
            yield process
            code = process.wait()
        except BrokenPipeError:  # it ended before it was told everything
            if process.stdin is None:
                raise
            code = process.wait() or 1
        finally:
            end(process)
        if code:
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").strip().splitlines()
            raise BackupError([f"{Path(command[0]).name} failed: {' '.join(lines[-SHOWN_LINES:])}"])


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills a program that still runs, and lets go of its pipes."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()


def piped(stream: IO[bytes] | None) -> IO[bytes]:
    """Gives the end of a pipe that was asked for."""
    if stream is None:
        raise TypeError("there is no pipe")
    return stream


def tables_there(connection: sa.Connection) -> int:
    """Gives the number of tables of a database."""
    return len(sa.inspect(connection).get_table_names())


def refuse_open(connection: sa.Connection) -> None:
    """Raises BackupError while others are connected."""
    number = connection.exec_driver_sql(OTHERS).scalar_one()
    if number:
        raise BackupError(
            [f"the database is in use: stop every web and worker process first ({number} left)"]
        )


def put(connection: sa.Connection, programs: Path | None, dump: Path, *, emptied: bool) -> None:
    """Fills the database from a dump, after emptying it where that is asked for.

    All in one transaction: raises BackupError when the database is as it was before.
    """
    before = state_of(connection)
    try:
        play(variables(connection), programs, dump, emptied=emptied)
    except BackupError:
        # The server may have ended it well, and only its answer got lost.
        if state_of(connection) == before:
            raise


def play(
    environment: Mapping[str, str], programs: Path | None, dump: Path, *, emptied: bool
) -> None:
    """Has a dump played in one transaction, whose end is sent only when all of it was read: whoever
    is killed on the way, nothing has happened."""
    told = (program("pg_restore", programs), *SILENT, "--file=-", str(dump))
    taken = (program("psql", programs), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
    with running(taken, environment, stdin=subprocess.PIPE) as session:
        script = piped(session.stdin)
        script.write(QUIET + (EMPTY if emptied else b""))
        with running(told, environment, stdout=subprocess.PIPE) as restored:
            shutil.copyfileobj(piped(restored.stdout), script, CHUNK_BYTES)
        script.write(b"COMMIT;\n")
        script.close()


def state_of(connection: sa.Connection) -> tuple[object, int]:
    """Gives what is another one as soon as a dump was played."""
    schema = connection.exec_driver_sql(SCHEMA).scalar_one()
    return schema, tables_there(connection)


def problem_of(dump: Path, programs: Path | None) -> str | None:
    """Gives why these programs cannot read a dump, such as one of a newer PostgreSQL."""
    command = (program("pg_restore", programs), "--list", str(dump))
    try:
        with running(command, os.environ):
            return None
    except BackupError as error:
        return error.problems[0]
