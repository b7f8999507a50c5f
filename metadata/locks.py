"""Who may change definitions while others write records, and what is in the way of that.

On PostgreSQL every writing transaction holds the definitions (`hold_definitions`) and a publishing
one takes them for itself (`take_definitions`): no record is ever written by definitions that are
out of force when its transaction ends. SQLite has one writer at a time anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from metadata.problems import Problem, sentence

DEFINITIONS: Final = 5_241_302
"""The number of PostgreSQL's advisory lock on the definitions."""
HOLD: Final = f"SELECT pg_advisory_xact_lock_shared({DEFINITIONS})"
"""What holds the definitions on PostgreSQL."""
WAIT: Final = "2s"
"""How long one try waits for a lock: others wait behind whoever waits."""
LONGEST: Final = "15min"
"""How long one statement may take that moves the values of a big table."""
LOCKED: Final = "55P03"
BROKEN_OFF: Final = frozenset({LOCKED, "40P01", "40001"})
"""PostgreSQL's lock_not_available, deadlock_detected and serialization_failure."""
SQLITE_BUSY: Final = 5


class Busy(Exception):  # noqa: N818  # says what is the case
    """Somebody else works with a table for too long. `object` names its object, "" all of them."""

    def __init__(self, object_name: str = "", *, why: Problem | None = None) -> None:
        self.object = object_name
        named = Problem("", "table_busy", {"object": object_name})
        self.problems = (why or (named if object_name else Problem("", "records_busy")),)
        super().__init__(sentence(self.problems[0]))


def is_broken_off(error: BaseException) -> bool:
    """Says whether a transaction failed only because of others, so that it may do better again."""
    if isinstance(error, Busy):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    code = getattr(error.orig, "sqlstate", None)
    busy = getattr(error.orig, "sqlite_errorcode", None)
    return code in BROKEN_OFF or (busy is not None and busy & 0xFF == SQLITE_BUSY)


def hold_definitions(connection: sa.Connection) -> None:
    """Keeps the definitions from being changed until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(HOLD)


def take_definitions(connection: sa.Connection) -> None:
    """Waits until nobody else writes, and lets nobody before the transaction ends.

    Raises Busy after WAIT.
    """
    if connection.dialect.name != "postgresql":
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT}'")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{LONGEST}'")
    with naming(""):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({DEFINITIONS})")


@contextmanager
def naming(object_name: str) -> Iterator[None]:
    """Has a lock that is not to be had in here told by the name of an object."""
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCKED:
            raise
        raise Busy(object_name) from error
