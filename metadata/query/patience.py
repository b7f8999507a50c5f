"""How long a question may take: it is stopped then, and who asked is told what to do."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from metadata.problems import Problem
from metadata.query.answers import QueryProblem

CANCELLED: Final = "57014"
"""PostgreSQL's query_canceled."""
LOOK_SECONDS: Final = 0.1
"""How often the watch looks for questions that take too long."""


class TooSlow(QueryProblem):
    """A question that takes longer than anybody wants to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__([Problem("", "query_too_slow", {"seconds": f"{seconds:g}"})])


@dataclass(slots=True, eq=False)
class Watched:
    """A connection that is to be stopped at some time, and whether it has been."""

    raw: Any
    end: float
    is_stopped: bool = False

    def stop(self) -> None:
        """Has the database give up what it does on the connection."""
        self.is_stopped = True
        if isinstance(self.raw, sqlite3.Connection):
            self.raw.interrupt()
        else:
            self.raw.cancel()


class Watch:
    """One thread that looks at the clock for all questions of a process.

    So a time limit costs a question no statement of its own. The thread begins with the first
    question, anew after a fork.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: set[Watched] = set()
        self._process = 0

    def add(self, one: Watched) -> None:
        """Begins to watch a connection."""
        if self._process != os.getpid():
            self._begin()
        with self._changed:
            self._watched.add(one)
            self._changed.notify()

    def remove(self, one: Watched) -> None:
        """Ends watching: from now on it is not stopped any more."""
        with self._changed:
            self._watched.discard(one)

    def _begin(self) -> None:
        self._process, self._changed, self._watched = os.getpid(), threading.Condition(), set()
        threading.Thread(target=self._look, name="patience", daemon=True).start()

    def _look(self) -> None:
        while True:
            with self._changed:
                while not self._watched:
                    self._changed.wait()
                now = time.monotonic()
                for one in self._watched:
                    if now > one.end and not one.is_stopped:
                        one.stop()
            time.sleep(LOOK_SECONDS)


WATCH: Final = Watch()


@contextmanager
def patience(connection: sa.Connection, seconds: float) -> Iterator[None]:
    """Has what is read in here given up after some seconds. Raises TooSlow.

    For reading only: a transaction that was begun is over then.
    """
    one = Watched(connection.connection.driver_connection, time.monotonic() + seconds)
    WATCH.add(one)
    try:
        yield
    except Exception as error:
        if not (is_given_up(error) or (one.is_stopped and is_sqlites(error))):
            raise
        raise TooSlow(seconds) from error
    finally:
        WATCH.remove(one)
        if one.is_stopped:
            # The database may hear of it only now: nobody else shall have this connection.
            connection.rollback()
            connection.invalidate()


def is_given_up(error: Exception) -> bool:
    """Says whether a statement was stopped because it took too long."""
    told = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    interrupted = getattr(told, "sqlite_errorname", None) == "SQLITE_INTERRUPT"
    return interrupted or getattr(told, "sqlstate", None) == CANCELLED


def is_sqlites(error: Exception) -> bool:
    """Says whether SQLite failed: stopped while it prepares a statement it may say anything, as
    "vtable constructor failed"."""
    told = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return isinstance(told, sqlite3.OperationalError)
