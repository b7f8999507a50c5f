"""Small worlds of computed fields: published on a connection, saved through the use cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from metadata.computed.filling import count_wrong
from metadata.computed.outside import outside
from metadata.elements import Element
from metadata.exchange import DatedRates
from metadata.migrate import publish
from metadata.query import Moment
from metadata.store import create_store, load_catalog
from tests.metadata.databases import JsonObject, element, object_body
from trellis.db import SYSTEM_TABLES, Database
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.security.directory import UserDirectory
from trellis.unit import Unit

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
TEXT: JsonObject = {"type": "string"}
NUMBER: JsonObject = {"type": "number", "crm": {"scale": 2}}
MONEY: JsonObject = {"type": "number", "crm": {"field": "money", "currency": "CNY"}}
FLAG: JsonObject = {"type": "boolean"}


def reference(target: str, **crm: object) -> JsonObject:
    return {"type": "string", "crm": {"field": "reference", "to": target, **crm}}


def computed(kind: JsonObject, **crm: object) -> JsonObject:
    """Gives a computed property with the type of another one."""
    return {**kind, "readOnly": True, "crm": {**kind.get("crm", {}), **crm}}


def people() -> list[Element]:
    """Gives the objects that every world has."""
    return [
        element("team", object_body({"name": TEXT}, owner=False), package="system"),
        element("user", object_body({"name": TEXT}, owner=False), package="system"),
    ]


def rules(text: str) -> Element:
    return element("local/test.rules", {"text": text}, kind="rules")


def build(connection: sa.Connection, elements: Sequence[Element]) -> Catalog:
    """Publishes a world into an empty database."""
    create_store(connection)
    SYSTEM_TABLES.create_all(connection)
    publish(connection, [*people(), *elements], by="test", zone=ZONE)
    return load_catalog(connection)


class World:
    """Records of one catalog in one transaction."""

    def __init__(self, connection: sa.Connection, catalog: Catalog) -> None:
        self.connection = connection
        self.catalog = catalog

    @property
    def unit(self) -> Unit:
        directory = UserDirectory(self.connection, self.catalog, NOW.date())
        return Unit(self.connection, self.catalog, SYSTEM, Moment(NOW, ZONE), directory)

    def save(self, object_name: str, record_id: str | None = None, /, **values: Any) -> str:
        """Creates a record, or changes one; gives its id."""
        return save_record(self.unit, object_name, record_id, values, channel="api").id

    def delete(self, object_name: str, record_id: str) -> None:
        delete_record(self.unit, object_name, record_id, channel="api")

    def restore(self, object_name: str, record_id: str) -> None:
        restore_record(self.unit, object_name, record_id, channel="api")

    def get(self, object_name: str, record_id: str) -> Mapping[str, object]:
        found = self.unit.records().get(object_name, record_id)
        assert found is not None
        return found

    def drifted(self) -> dict[str, int]:
        """Gives the stored fields that hold wrong values, with the number of records."""
        rates = DatedRates(self.connection, self.catalog, NOW.astimezone(ZONE).date())
        found = count_wrong(self.connection, self.catalog, outside(ZONE, rates))
        return {".".join(one.key): count for one, count in found if count}


@contextmanager
def world_of(database: Database, elements: Sequence[Element]) -> Iterator[World]:
    """Gives a world in a transaction of its own, which is rolled back: nothing stays behind."""
    with database.write() as connection:
        yield World(connection, build(connection, elements))
        connection.rollback()
