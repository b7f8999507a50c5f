"""Keeping tables what definitions and product want: at the start, by the worker, by `doctor`."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from itertools import count

import sqlalchemy as sa

from metadata.alter import add_missing
from metadata.catalog import Catalog
from metadata.computed.definitions import Key
from metadata.computed.filling import count_wrong, fill
from metadata.computed.outside import outside
from metadata.converted import fill_lacking
from metadata.drift import Drift, find_drift, is_systems, repair, wanted_tables
from metadata.elements import by_key
from metadata.exchange import DatedRates
from metadata.packages.files import digests_of, installed_files
from metadata.packages.read import read_package
from metadata.search.rebuild import (
    advance,
    count_wrong_entries,
    forget_states,
    is_search_behind,
)
from metadata.search.tables import renew_index
from metadata.steps import Step, open_steps, run_steps
from metadata.store import create_store, is_behind, load_elements
from metadata.stored_tables import STORE
from rule_engine.services.evaluate import Surroundings
from trellis.audit.frozen import FOLLOW, make_triggers
from trellis.audit.sequencer import adopt
from trellis.audit.tables import audit_chain
from trellis.bundled import SYSTEM
from trellis.db import Database
from trellis.own_tables import own_tables
from trellis.records.history import record_history
from trellis.runtime import Platform
from trellis.security.tables import FAB_TABLES
from trellis.security.versions import watch_security

logger = logging.getLogger(__name__)


def make_tables(database: Database) -> None:
    """Makes all tables but those of objects, where they or parts of them are missing."""
    database.do(_make_tables, publishing=True)


def _make_tables(connection: sa.Connection) -> None:
    create_store(connection)
    is_chained = sa.inspect(connection).has_table(audit_chain.name)
    add_missing(connection, own_tables().sorted_tables)
    if not is_chained:
        make_triggers(connection, record_history, FOLLOW)
        adopt(connection)
    FAB_TABLES.create_all(connection)
    watch_security(connection)


def bring_forward(platform: Platform) -> list[Drift]:
    """Brings the tables of an instance that an older product made to what this one wants.

    Gives what is otherwise than it should be and takes a person to decide. Nothing is locked when
    there is nothing to do.
    """
    own = [*STORE.sorted_tables, *own_tables().sorted_tables]
    with platform.database.read() as connection:
        is_old = any(drift.repair is not None for drift in find_drift(connection, own))
        is_old = is_old or is_behind(connection)
    if is_old:
        make_tables(platform.database)
        logger.info("the tables of an older version were brought forward")
    left = drift_of(platform)
    if any(is_systems(drift) for drift in left):
        left = repair_tables(platform, only_systems=True)[1]
        fill_worths(platform)
    build_indexes(platform)
    return left


def has_older_system(platform: Platform) -> bool:
    """Says whether the system's own package is another than this product brings."""
    package = read_package(SYSTEM)
    with platform.database.read() as connection:
        stored = by_key(load_elements(connection)).get(("package", package.manifest.name))
    return stored is None or installed_files(stored) != digests_of(package.files)


def fill_worths(platform: Platform) -> None:
    """Gives amounts that an older product wrote what they are worth in the base currency."""
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        fill_lacking(connection, catalog, surroundings(platform, connection, catalog))


def drift_of(platform: Platform) -> list[Drift]:
    """Gives where the tables differ from what they should be."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        return find_drift(connection, wanted_tables(catalog, own_tables()))


def repair_tables(
    platform: Platform, *, only_systems: bool = False
) -> tuple[list[Drift], list[Drift]]:
    """Adds what is missing, or only the columns of system fields; gives what was added and what
    is left."""

    def work(connection: sa.Connection) -> tuple[list[Drift], list[Drift]]:
        tables = wanted_tables(platform.catalogs.current(connection), own_tables())
        only = is_systems if only_systems else (lambda _drift: True)
        return repair(connection, tables, only)

    added, left = platform.database.do(work, publishing=True)
    for drift in added:
        logger.warning("made what was missing: %s %s %s", drift.kind, drift.table, drift.name)
    return added, left


def repair_values(platform: Platform) -> dict[Key, int]:
    """Brings stored computed fields right, and gives amounts what they are worth in the base
    currency where they lack it; gives the number of records that held a wrong value."""
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        around = surroundings(platform, connection, catalog)
        found = {one.key: rows for one, rows in count_wrong(connection, catalog, around) if rows}
        fill(connection, catalog, catalog.computed.dependents(found), around)
        return found | fill_lacking(connection, catalog, around)


def surroundings(platform: Platform, connection: sa.Connection, catalog: Catalog) -> Surroundings:
    """Gives what stored computed fields may know, with the rates of today."""
    zone = platform.settings.zone
    return outside(zone, DatedRates(connection, catalog, datetime.now(zone).date()))


def build_indexes(platform: Platform, *, at_once: bool = True) -> list[Step]:
    """Builds the indexes that are still to be built, or those whose time has come; gives those
    that failed."""
    database = platform.database
    if database.dialect != "postgresql":
        return []
    with database.read() as connection:
        if not open_steps(connection):
            return []
        catalog = platform.catalogs.current(connection)
    return run_steps(database.autocommit, catalog, at=None if at_once else datetime.now(UTC))


class Indexer:
    """Indexes records whose object is searched otherwise than before, a batch per transaction.

    A version of the definitions for which nothing is left to do is not looked at again.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._fine: int | None = None

    def work(self, batches: int | None = None) -> None:
        """Does so many batches, or all that is left; locks nothing when nothing is."""
        database, catalogs = self.platform.database, self.platform.catalogs
        with database.read() as connection:
            catalog = catalogs.current(connection)
            if self._fine == catalog.version:
                return
            is_done = not is_search_behind(connection, catalog)
        left = count() if batches is None else iter(range(batches))
        while not is_done and next(left, None) is not None:
            is_done = not database.do(lambda one: advance(one, catalogs.current(one)))
        self._fine = catalog.version if is_done else None


def repair_search(platform: Platform) -> dict[str, int]:
    """Makes the search index anew where it is wrong; gives the number of wrong entries by
    object."""
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        wrong = {one.name: rows for one, rows in count_wrong_entries(connection, catalog) if rows}
        if wrong:
            forget_states(connection)
            renew_index(connection)
    Indexer(platform).work()
    return wrong


class Readiness:
    """What a process knows about its tables: looked at once per version, until they are right."""

    def __init__(self) -> None:
        self._fine: int | None = None
        self._lock = threading.Lock()

    def problems(self, platform: Platform) -> list[str]:
        """Gives in a sentence each what is wrong with the tables."""
        with platform.database.read() as connection:
            version = platform.catalogs.current(connection).version
        with self._lock:
            if version == self._fine:
                return []
            found = [drift.sentence() for drift in drift_of(platform) if not drift.is_harmless]
            if not found:
                self._fine = version
            return found
