"""Small worlds for the tests of queries: objects with every sort of field, people, records."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import ACTIONS, Access, FieldRight, Principal, Rows
from metadata.catalog import Catalog
from metadata.columns import to_columns
from metadata.elements import Element
from metadata.migrate import publish
from metadata.query import Moment
from metadata.search.rebuild import rebuild
from metadata.store import create_store, load_catalog
from rule_engine.values import Money
from tests.metadata.databases import JsonObject, element, object_body

Record = dict[str, object]

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
MOMENT = Moment(NOW, ZoneInfo("Asia/Shanghai"))
TEXT: JsonObject = {"type": "string"}
STAGES = ("new", "won", "lost")
PEOPLE = ("u1", "u2", "u3", "u4", "u5")
TEAMS = ("t1", "t2")
NAMES = (
    "Acme",
    "acme",
    "Äcme",
    "Straße",
    "strasse",
    "北京",
    "a%b",
    "a_b",
    "",
    "Zeta",
    "ς",
    "10",
    "9",
)


def reference(target: str, **crm: object) -> JsonObject:
    return {"type": "string", "crm": {"field": "reference", "to": target, **crm}}


def definitions() -> list[Element]:
    """Gives the objects: deals of accounts, which have a parent; people and teams."""
    return [
        element("team", object_body({"name": TEXT}, owner=False), package="system"),
        element(
            "user",
            object_body({"name": TEXT, "region": TEXT, "team": reference("team")}, owner=False),
            package="system",
        ),
        element(
            "account",
            object_body(
                {
                    "name": TEXT,
                    "region": TEXT,
                    "secret": TEXT,
                    "rating": {"type": "integer"},
                    "parent": reference("account"),
                },
                search=["region", "secret"],
            ),
        ),
        element(
            "deal",
            object_body(
                {
                    "name": {"type": "string", "crm": {"index": True}},
                    "account": reference("account"),
                    "stage": {"type": "string", "enum": list(STAGES)},
                    "amount": {"type": "number", "crm": {"field": "money", "index": True}},
                    "discount": {"type": "number", "crm": {"field": "percent"}},
                    "count": {"type": "integer", "crm": {"index": True}},
                    "hot": {"type": "boolean"},
                    "close": {"type": "string", "format": "date"},
                    "met": {"type": "string", "format": "date-time"},
                    "phone": {"type": "string", "crm": {"mask": "last4"}},
                    "secret": TEXT,
                },
                plural="Deals",
                search=["account.name", "phone", "secret"],
            ),
        ),
    ]


@dataclass
class World:
    """A database with a catalog and the records that were put into it, as Python values."""

    catalog: Catalog
    records: dict[str, list[Record]]

    def by_id(self, object_name: str, record_id: object) -> Record | None:
        """Gives a living record."""
        rows = self.records[object_name]
        return next((r for r in rows if r["id"] == record_id and not r.get("deleted_at")), None)


def make_catalog(connection: sa.Connection) -> Catalog:
    """Publishes the definitions into an empty database."""
    create_store(connection)
    publish(connection, definitions(), by="test")
    return load_catalog(connection)


def fill(connection: sa.Connection, catalog: Catalog, randoms: random.Random, size: int) -> World:
    """Replaces all records by random ones full of empties."""
    records: dict[str, list[Record]] = {
        "team": [{"id": name, "name": name.upper()} for name in TEAMS],
        "user": [
            {"id": name, "name": name.upper(), "region": randoms.choice(["n", "s"])}
            for name in PEOPLE
        ],
        "account": [account(randoms, number, size) for number in range(size // 3)],
        "deal": [deal(randoms, number, size // 3) for number in range(size)],
    }
    world = World(catalog, records)
    for rows in records.values():
        for row in rows:
            row.update({"version": Decimal(1), "created_at": NOW, "updated_at": NOW})
    store(connection, world)
    return world


def store(connection: sa.Connection, world: World) -> None:
    """Makes the database hold a world's records and nothing else."""
    for name, rows in world.records.items():
        connection.execute(world.catalog.tables[name].delete())
        insert(connection, world.catalog, name, rows)
    rebuild(connection, world.catalog)


def maybe(randoms: random.Random, value: object) -> object:
    """Gives a value, or None as often as not quite half of the time."""
    return None if randoms.random() < 0.4 else value


def owned(randoms: random.Random) -> Record:
    """Gives the system fields of a record with an owner, sometimes of a deleted one."""
    return {
        "owner": maybe(randoms, randoms.choice(PEOPLE)),
        "owner_team": maybe(randoms, randoms.choice(TEAMS)),
        "deleted_at": NOW if randoms.random() < 0.15 else None,
    }


def account(randoms: random.Random, number: int, size: int) -> Record:
    """Gives a random account."""
    return {
        "id": f"a{number:03}",
        "name": randoms.choice(NAMES) or None,
        "region": maybe(randoms, randoms.choice(["n", "s", "N"])),
        "secret": maybe(randoms, randoms.choice(["x", "y"])),
        "rating": maybe(randoms, Decimal(randoms.randrange(4))),
        "parent": maybe(randoms, f"a{randoms.randrange(size):03}"),
        **owned(randoms),
    }


def deal(randoms: random.Random, number: int, accounts: int) -> Record:
    """Gives a random deal."""
    cents = Decimal(randoms.randrange(-300, 300)).scaleb(-2)
    return {
        "id": f"d{number:03}",
        "name": randoms.choice(NAMES) or None,
        "account": maybe(randoms, f"a{randoms.randrange(accounts + 2):03}"),
        "stage": maybe(randoms, randoms.choice([*STAGES, "gone"])),
        "amount": maybe(randoms, Money(cents, "CNY")),
        "discount": maybe(randoms, Decimal(randoms.randrange(5)).scaleb(-2)),
        "count": maybe(randoms, Decimal(randoms.randrange(-3, 4))),
        "hot": maybe(randoms, randoms.random() < 0.5),
        "close": maybe(randoms, date(2026, 1, 1) + timedelta(days=randoms.randrange(5))),
        "met": maybe(randoms, NOW + timedelta(milliseconds=randoms.randrange(5))),
        "phone": maybe(randoms, f"+86139{randoms.randrange(3):04}"),
        "secret": maybe(randoms, randoms.choice(["x", "y", "z"])),
        **owned(randoms),
    }


def insert(
    connection: sa.Connection, catalog: Catalog, object_name: str, records: Sequence[Record]
) -> None:
    """Writes records as `records.save` would, column by column."""
    definition = catalog.objects[object_name]
    rows = []
    for record in records:
        values = {name: record.get(name) for name in definition.fields}
        rows.append(to_columns(connection, definition, str(record["id"]), values))
    if rows:
        connection.execute(catalog.tables[object_name].insert(), rows)


def principal(
    name: str = "u1",
    *,
    region: str | None = "n",
    reads: Mapping[str, Rows],
    fields: Mapping[str, Mapping[str, FieldRight]] | None = None,
    updates: Mapping[str, Rows] | None = None,
) -> Principal:
    """Gives a person who reads rows of some objects, all fields but those with another right."""
    grants = {
        target: Access(
            object=target,
            rows={
                action: rows if action == "read" else (updates or {}).get(target, Rows())
                for action in ACTIONS
            },
            fields=(fields or {}).get(target, {}),
            default_field=FieldRight.READ,
        )
        for target, rows in reads.items()
    }
    return Principal(name, {"id": name, "region": region, "team": "t1"}, frozenset(), grants)
