"""The catalog in force, as this process sees it: one version row read, rebuilt when it moved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.store import READ_VERSIONS, Versions, load_catalog, read_versions
from trellis.db import first_answer


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The definitions in force and the number of the last change of users, teams and roles."""

    catalog: Catalog
    security: int


class Catalogs:
    """The newest catalog. Requests in flight keep the one that they began with.

    `today` gives the day whose rules are in force, by the clock of the database; without it days
    are not minded.
    """

    def __init__(self, today: Callable[[sa.Connection], date] | None = None) -> None:
        self._today = today
        self._catalog: Catalog | None = None
        self._lock = threading.Lock()

    def snapshot(self, connection: sa.Connection) -> Snapshot:
        """Gives what is in force in the transaction of `connection`; one SELECT when unchanged."""
        begun = first_answer(connection, READ_VERSIONS)
        versions = read_versions(connection) if begun is None else Versions(*map(int, begun))
        catalog = self._catalog
        if catalog is None or catalog.version != versions.catalog:
            catalog = self._rebuild(connection, versions.catalog)
        if catalog.next_turn is not None:
            catalog = self._turned(connection, catalog, catalog.next_turn)
        return Snapshot(catalog, versions.security)

    def current(self, connection: sa.Connection) -> Catalog:
        """Gives the catalog in force in the transaction of `connection`."""
        return self.snapshot(connection).catalog

    def _rebuild(self, connection: sa.Connection, version: int) -> Catalog:
        with self._lock:
            if self._catalog is not None and self._catalog.version == version:
                return self._catalog
            day = None if self._today is None else self._today(connection)
            catalog = replace(load_catalog(connection, self._catalog), day=day)
            # An old read transaction must not take the newer catalog from everybody else.
            if self._catalog is None or catalog.version > self._catalog.version:
                self._catalog = catalog
            return catalog

    def _turned(self, connection: sa.Connection, catalog: Catalog, turn: date) -> Catalog:
        """Gives the catalog of today once the day has come on which other rules apply."""
        if self._today is None or (day := self._today(connection)) < turn:
            return catalog
        with self._lock:
            if self._catalog is catalog:
                self._catalog = catalog.on(day)
                return self._catalog
        return catalog.on(day)
