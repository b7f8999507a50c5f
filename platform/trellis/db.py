"""The database: one engine, reads and writes as explicit transactions, calls after commit."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.event
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from metadata.encryption import Cipher, engine_options
from metadata.exchange import OPTION
from metadata.locks import HOLD, hold_definitions, take_definitions
from metadata.prepared import ALONE, Prepared, ask
from rule_engine.backends.sql import register_sqlite_functions
from trellis.retrying import again

logger = logging.getLogger(__name__)

# The platform's own tables, each defined beside the code that uses it.
SYSTEM_TABLES = sa.MetaData()

BUSY_SECONDS = 10
LOCK_SECONDS = 10
STATEMENT_SECONDS = 60
CONNECT_SECONDS = 10
# A host that is cut off says nothing: after these many seconds without a sign, and then as many
# tries a few seconds apart, its connection counts as lost. PostgreSQL, too, would let it keep
# its locks for two hours otherwise.
SILENT_SECONDS, SIGN_SECONDS, SIGNS = 5, 2, 3
UNANSWERED_SECONDS = SILENT_SECONDS + SIGN_SECONDS * SIGNS
POOL_SIZE = 20
IDLE_SECONDS = 2.0
LONG_SECONDS, PAUSE_SHARE, MAX_PAUSE_SECONDS = 0.1, 0.15, 0.15
SEEN = "trellis_seen"

# Before this version two checkpoints beside a writer can damage the file (WAL-reset bug):
# then no connection checkpoints by itself, and `checkpoints` does it from one process.
SAFE_WAL_VERSION = (3, 51, 3)

#: What libpq is told, unless the address says something else.
REACHED = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": SILENT_SECONDS,
    "keepalives_interval": SIGN_SECONDS,
    "keepalives_count": SIGNS,
    "tcp_user_timeout": UNANSWERED_SECONDS * 1000,
}

#: What PostgreSQL is told of each session. Just-in-time compilation costs more than our short
#: statements take.
SESSION = {
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "timezone": "UTC",
    "jit": "off",
    "tcp_keepalives_idle": SILENT_SECONDS,
    "tcp_keepalives_interval": SIGN_SECONDS,
    "tcp_keepalives_count": SIGNS,
    "tcp_user_timeout": UNANSWERED_SECONDS * 1000,
}

INSERTS: Mapping[str, Callable[[sa.Table], PostgresqlInsert | SqliteInsert]] = {
    "postgresql": postgresql_insert,
    "sqlite": sqlite_insert,
}

DATABASE_CLOCK: sa.ColumnElement[datetime] = sa.func.date_trunc(
    "milliseconds", sa.func.clock_timestamp(), type_=sa.DateTime(timezone=True)
)

Listener = Callable[[], None]
Answer = TypeVar("Answer")


def has_safe_wal() -> bool:
    """Says whether this SQLite is free of the WAL-reset bug."""
    return sqlite3.sqlite_version_info >= SAFE_WAL_VERSION


class Database:
    """One database and its pool of connections. Safe to share between threads, not over a fork."""

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "NORMAL",
        cipher: Cipher | None = None,
        big_table_rows: int | None = None,
        base_currency: str | None = None,
    ) -> None:
        self.url = url
        self.synchronous = synchronous
        options: dict[str, Any] = dict(engine_options(cipher)) if cipher else {}
        if big_table_rows is not None:
            options["big_table_rows"] = big_table_rows
        if base_currency is not None:
            options[OPTION] = base_currency
        self.engine = make_engine(url, synchronous).execution_options(**options)
        self._alone = self.engine.execution_options(**{ALONE: True})
        self._listeners: dict[str, list[Listener]] = {}

    @property
    def dialect(self) -> str:
        """Gives "sqlite" or "postgresql"."""
        return self.engine.dialect.name

    @property
    def file(self) -> Path | None:
        """Gives SQLite's file; None for PostgreSQL and for a database in memory."""
        name = self.engine.url.database
        return Path(name) if self.dialect == "sqlite" and name and name != ":memory:" else None

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Gives a connection in a transaction that is rolled back at the end."""
        with self.engine.connect() as connection:
            yield connection

    def open(self) -> sa.Connection:
        """Gives a connection for reading, which the caller closes.

        On PostgreSQL, where every statement sees what is committed when it begins anyway, none
        begins a transaction.
        """
        engine = self.engine if self.dialect == "sqlite" else self._alone
        return engine.connect()

    @contextmanager
    def write(
        self,
        *,
        publishing: bool = False,
        first: str | None = None,
        opened: sa.Connection | None = None,
    ) -> Iterator[sa.Connection]:
        """Gives a connection in one transaction: committed at the end, rolled back on an error.

        On SQLite the transaction holds the write lock from its start; on PostgreSQL the
        definitions, which one that is `publishing` has for itself (`metadata.locks`). What was
        given to `signal` reaches its listeners when the commit has happened, and never otherwise.
        `first` is a question that is asked as soon as definitions are held: `first_answer` has it.
        One that was `opened` for reading lends itself where it can, and is for reading afterwards.
        """
        signals: dict[str, None] = {}
        answers: dict[str, Any] = {}
        at_once = first is not None and not publishing and self.dialect == "postgresql"
        with self._lent(opened) if opened and at_once else self._new(at_once) as connection:
            connection.execution_options(
                trellis_write=True, trellis_signals=signals, trellis_answers=answers
            )
            with connection.begin():
                begun = time.monotonic()
                if at_once:  # the driver leaves it to us to begin
                    answers[str(first)] = ask(connection, f"BEGIN; {HOLD}; {first}")
                else:
                    (take_definitions if publishing else hold_definitions)(connection)
                yield connection
                if at_once:
                    ask(connection, "COMMIT")
        for name in signals:
            for listener in self._listeners.get(name, ()):
                listener()
        self.make_way(time.monotonic() - begun)

    def make_way(self, seconds: float) -> None:
        """Pauses after SQLite's write lock was held for so long, once or again and again.

        Those who wait for it only try now and then, ten times a second in the end: who writes one
        long transaction after the other, or many short ones, would keep them out.
        """
        if self.dialect == "sqlite" and seconds > LONG_SECONDS:
            time.sleep(min(seconds * PAUSE_SHARE, MAX_PAUSE_SECONDS))

    def _new(self, is_alone: bool) -> sa.Connection:
        return (self._alone if is_alone else self.engine).connect()

    @contextmanager
    def _lent(self, connection: sa.Connection) -> Iterator[sa.Connection]:
        if connection.in_transaction():  # so SQLAlchemy calls a row of statements that stand alone
            connection.rollback()
        try:
            yield connection
        finally:
            connection.execution_options(
                trellis_write=False, trellis_signals={}, trellis_answers={}
            )

    def do(self, work: Callable[[sa.Connection], Answer], *, publishing: bool = False) -> Answer:
        """Gives what `work` gives, done in a transaction of `write`.

        All of it is done again when others broke it off; raises Busy when that goes on.
        """

        def once() -> Answer:
            with self.write(publishing=publishing) as connection:
                return work(connection)

        return again(once)

    def missing_tables(self, wanted: Iterable[str]) -> list[str]:
        """Gives the tables among those wanted that are not there, sorted."""
        with self.read() as connection:
            return sorted({*wanted} - {*sa.inspect(connection).get_table_names()})

    def listen(self, name: str, listener: Listener) -> None:
        """Has `listener` called after each commit in which `name` was signalled."""
        self._listeners.setdefault(name, []).append(listener)

    @contextmanager
    def autocommit(self) -> Iterator[sa.Connection]:
        """Gives a connection whose statements stand alone, for what refuses a transaction."""
        with self._alone.connect() as connection:
            yield connection

    def dispose(self) -> None:
        """Closes all pooled connections."""
        self.engine.dispose()


def first_answer(connection: sa.Connection, question: str) -> Any:
    """Gives, once, the row that answered the first question of a transaction; None for others."""
    answers: dict[str, Any] = connection.get_execution_options().get("trellis_answers", {})
    return answers.pop(question, None)


def signal(connection: sa.Connection, name: str) -> None:
    """Says that something happened: listeners hear it once, after the commit of `write`.

    In a transaction that `write` did not begin nobody listens.
    """
    signals: dict[str, None] = connection.get_execution_options().get("trellis_signals", {})
    signals[name] = None


def clock(connection: sa.Connection) -> datetime | sa.ColumnElement[datetime]:
    """Gives what stands for the present moment in a statement.

    PostgreSQL's own clock, so that hosts agree; this process's with SQLite. In milliseconds, as
    instants are compared: what is due now is not to be due in the next one.
    """
    return DATABASE_CLOCK if connection.dialect.name == "postgresql" else datetime.now(UTC)


def note_down(database: Database, statement: sa.Update, what: str) -> None:
    """Runs a write that may be lost, in a transaction of its own: what is in its way goes first.

    `what` is lost then, which the log tells.
    """
    try:
        with database.write() as connection:
            connection.execute(statement)
    except sa.exc.DBAPIError as error:
        logger.warning("%s was not written down: %s", what, type(error).__name__)


def insert_into(connection: sa.Connection, table: sa.Table) -> PostgresqlInsert | SqliteInsert:
    """Gives an INSERT that may say what to do with a row that is there already."""
    return INSERTS[connection.dialect.name](table)


def insert_once(
    connection: sa.Connection, table: sa.Table, key: str, values: Mapping[str, object]
) -> bool:
    """Adds a row unless there is one with the same value in the unique column `key`.

    `clock` may be among the values. Says whether the row was added.
    """
    timed = frozenset(name for name, one in values.items() if isinstance(one, sa.ColumnElement))
    given = {name: one for name, one in values.items() if name not in timed}
    statement = once(connection.dialect.name, table, key, frozenset(given), timed)
    return bool(statement.rows(connection, given))


@lru_cache(200)
def once(
    dialect: str, table: sa.Table, key: str, given: frozenset[str], timed: frozenset[str]
) -> Prepared:
    """Gives the statement of `insert_once`; `timed` are the columns that get the present moment."""
    made = INSERTS[dialect](table).values(dict.fromkeys(timed, DATABASE_CLOCK))
    made = made.on_conflict_do_nothing(index_elements=[key])
    return Prepared(made.returning(table.c[key]), sorted(given))


def make_engine(url: str, synchronous: str = "NORMAL", *, autocommit: bool = False) -> sa.Engine:
    """Makes an engine with the settings that Trellis relies on.

    With `autocommit` each statement stands alone: for Flask-AppBuilder, whose security manager
    commits whenever it likes.
    """
    address = sa.make_url(url)
    options: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE}
    if autocommit:
        options |= {"pool_size": 2, "execution_options": {ALONE: True}}
    if address.get_backend_name() == "sqlite":
        return make_sqlite_engine(address, synchronous, options)
    return make_postgresql_engine(address, options)


def make_sqlite_engine(address: sa.URL, synchronous: str, options: dict[str, Any]) -> sa.Engine:
    """Makes an engine whose transactions begin as we say, not as the driver guesses."""
    connect = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = sa.create_engine(address, connect_args=connect, **options)

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        if not has_safe_wal():
            cursor.execute("PRAGMA wal_autocheckpoint=0")
        cursor.close()
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"SQLite is spoken through sqlite3, not {type(connection)}")
        register_sqlite_functions(connection)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if ALONE not in options:
            writes = options.get("trellis_write")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def make_postgresql_engine(address: sa.URL, options: dict[str, Any]) -> sa.Engine:
    """Makes an engine at READ COMMITTED with time limits on locks and statements.

    As with SQLite, transactions begin as we say: the driver itself begins none.
    """
    reached = {name: value for name, value in REACHED.items() if name not in address.query}
    engine = sa.create_engine(
        address, isolation_level="AUTOCOMMIT", connect_args=reached, **options
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if ALONE not in connection.get_execution_options():
            connection.exec_driver_sql("BEGIN")

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(";".join(f"SET {name} = '{value}'" for name, value in SESSION.items()))
        cursor.close()

    @sa.event.listens_for(engine, "checkout")
    def look(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Gives up a connection that was lost while it was idle: the pool makes another one.

        One that has just been used is not asked: that costs as much as a short statement.
        """
        now = time.monotonic()
        if now - record.info.get(SEEN, now) > IDLE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise sa.exc.DisconnectionError from error
        record.info[SEEN] = now

    return engine
