"""Indexes of big tables, built after the commit that wants them while everybody goes on working.

PostgreSQL builds an index without keeping writers out only outside of a transaction. So the
transaction notes it in `meta_step`, and whoever comes first builds it: the worker, `trellis doctor`
or the next start. A build that was broken off leaves an index that is not valid; it is dropped and
built again. Until then queries are slow, and a unique index is not enforced yet: uniqueness was
checked before the commit, and what broke it since is the step's error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, cast

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex

from metadata.catalog import Catalog
from metadata.ddl import table_for
from metadata.store import META_STEP

logger = logging.getLogger(__name__)

BIG_TABLE_ROWS: Final = 200_000
"""Above this an index is built later. An engine's execution option `big_table_rows` overrules."""
PAUSE: Final = timedelta(minutes=1)
MAX_PAUSE: Final = timedelta(hours=6)

State = Literal["waiting", "failed"]
Autocommit = Callable[[], AbstractContextManager[sa.Connection]]
"""Gives a connection whose statements stand alone."""


@dataclass(frozen=True, slots=True)
class Step:
    """One index to be built, on the table of the object with the id `object`.

    `error` is what the last try met.
    """

    name: str
    object: str
    state: State
    tries: int
    error: str | None
    due: datetime


def is_built_later(connection: sa.Connection, table: sa.Table) -> bool:
    """Says whether a table has so many rows that its new indexes are steps."""
    if connection.dialect.name != "postgresql":
        return False
    limit = connection.get_execution_options().get("big_table_rows", BIG_TABLE_ROWS)
    some = sa.select(sa.literal(1)).select_from(table).offset(int(limit)).limit(1)
    return connection.execute(some).first() is not None


def note_step(connection: sa.Connection, index: sa.Index, object_id: str) -> None:
    """Notes an index to be built after the commit."""
    name = str(index.name)
    connection.execute(META_STEP.delete().where(META_STEP.c.name == name))
    row = {"name": name, "object": object_id, "state": "waiting", "tries": 0}
    connection.execute(META_STEP.insert().values(**row, due=datetime.now(UTC)))


def open_steps(connection: sa.Connection) -> list[Step]:
    """Gives the steps that are not done, by object and name."""
    chosen = sa.select(META_STEP).order_by(META_STEP.c.object, META_STEP.c.name)
    return [
        Step(row.name, row.object, cast("State", row.state), row.tries, row.error, row.due)
        for row in connection.execute(chosen)
    ]


def run_steps(
    autocommit: Autocommit, catalog: Catalog, *, at: datetime | None = None
) -> list[Step]:
    """Does the steps that are due at `at` (None: all); gives those that failed."""
    with autocommit() as connection:
        steps = [step for step in open_steps(connection) if at is None or step.due <= at]
    if not steps:
        return []
    failed = []
    for step in steps:
        with autocommit() as connection, alone(connection, step.name) as is_ours:
            if is_ours and not run_step(connection, step, index_of(step, catalog)):
                failed.append(step)
    return failed


def index_of(step: Step, catalog: Catalog) -> sa.Index | None:
    """Gives the index to build, of a table of its own; None when nobody wants it any more."""
    known = (*catalog.objects.values(), *catalog.retired.values())
    definition = next((one for one in known if one.id == step.object), None)
    if definition is None:
        return None
    # It is marked below, which those of the catalog's own table are not to be.
    for index in table_for(definition, sa.MetaData()).indexes:
        if index.name == step.name:
            index.dialect_options["postgresql"]["concurrently"] = True
            return index
    return None


def run_step(connection: sa.Connection, step: Step, index: sa.Index | None) -> bool:
    """Builds an index, or drops what is left of one that nobody wants; says whether it did."""
    state = index_state(connection, step.name)
    try:
        if state == "invalid" or (state == "valid" and index is None):
            name = connection.dialect.identifier_preparer.quote(step.name)
            connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        if index is not None and state != "valid":
            connection.execute(CreateIndex(index))
    except sa.exc.DBAPIError as error:
        logger.warning("index %s of %s is not built: %s", step.name, step.object, error.orig)
        values = {"state": "failed", "tries": step.tries + 1, "error": reason(error)}
        pause = min(PAUSE * 2**step.tries, MAX_PAUSE)
        changed = META_STEP.update().where(META_STEP.c.name == step.name)
        connection.execute(changed.values(**values, due=datetime.now(UTC) + pause))
        return False
    connection.execute(META_STEP.delete().where(META_STEP.c.name == step.name))
    logger.info("index %s of %s is built", step.name, step.object)
    return True


def reason(error: sa.exc.DBAPIError) -> str:
    """Gives the first line of what the database says; values of records are in the others."""
    return str(error.orig).partition("\n")[0]


def index_state(connection: sa.Connection, name: str) -> Literal["valid", "invalid", "missing"]:
    """Says whether an index is there, and serves."""
    found = connection.exec_driver_sql(
        "SELECT indisvalid AND indisready FROM pg_index "
        "JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE relname = %s AND pg_table_is_visible(indexrelid)",
        (name,),
    ).scalar_one_or_none()
    return "missing" if found is None else "valid" if found else "invalid"


@contextmanager
def alone(connection: sa.Connection, name: str) -> Iterator[bool]:
    """Keeps others from the same step, without a limit of time; gives False when one is at it.

    The connection is closed at the end, with all that was set for it.
    """
    key = int.from_bytes(sha256(name.encode()).digest()[:7], "big")
    connection.detach()
    for setting in ("lock_timeout", "statement_timeout"):
        connection.exec_driver_sql(f"SET {setting} = 0")
    yield bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({key})").scalar_one())
