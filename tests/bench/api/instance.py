"""An installation with deals of 25 fields, their accounts, and a manager of everybody's owners."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uuid_utils

from metadata.columns import to_columns
from metadata.elements import Element
from metadata.fields.values import read_value
from metadata.migrate import publish
from metadata.objects import ObjectDefinition
from metadata.store import load_elements
from tests.bench.api.data import ACCOUNTS, CHOICES, FIELDS, SEED, START, USERS, account, deals, wire
from tests.platform.conftest import make_settings, populate
from trellis.config import Settings
from trellis.runtime import Platform, open_platform

BATCH = 5_000
TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "decimal": {"type": "number", "crm": {"scale": 2}},
    "integer": {"type": "integer"},
    "date": {"type": "string", "format": "date"},
    "boolean": {"type": "boolean"},
}
INDEXED = ("close_date", "external_id", "stage")
RIGHTS = {
    "create": True,
    "read": "subtree",
    "update": "subtree",
    "delete": "subtree",
    "export": True,
    "report": "subtree",
}


@dataclass(frozen=True)
class Instance:
    """A filled installation and some ids of its records."""

    settings: Settings
    deals: list[str]
    accounts: list[str]


def text(name: str) -> str:
    """Gives a title."""
    return name.replace("_", " ").capitalize()


def property_of(name: str, kind: str) -> dict[str, Any]:
    """Gives a field as an object's definition has it."""
    if kind == "choice":
        options = {one: {"title": text(one)} for one in CHOICES[name]}
        made: dict[str, Any] = {"type": "string", "enum": [*options], "crm": {"options": options}}
    else:
        made = dict(TYPES[kind])
    if name in INDEXED:
        made["crm"] = {**made.get("crm", {}), "index": True}
    return {**made, "title": text(name)}


def elements() -> list[Element]:
    """Gives the objects, and the manager's rights on them."""
    properties = {name: property_of(name, kind) for name, kind in FIELDS.items()}
    to_account = {"field": "reference", "to": "client", "on_delete": "set_null"}
    properties["client"] = {"type": "string", "title": "Client", "crm": to_account}
    searched = {"name_field": "name", "owner": True, "search": ["name"]}
    named = {"name": property_of("name", "text"), "city": property_of("city", "text")}
    deal: dict[str, Any] = {"type": "object", "title": "Deal", "required": ["name"]}
    deal |= {"properties": properties, "crm": {"plural": "Deals", **searched}}
    client: dict[str, Any] = {"type": "object", "title": "Client", "required": ["name"]}
    client |= {"properties": named, "crm": {"plural": "Clients", **searched}}
    grants = {"user": {"read": "all"}, "team": {"read": "all"}, "deal": RIGHTS}
    role = {"name": "bench", "title": "Bench", "grants": {**grants, "client": {"read": "all"}}}
    return [
        Element("", "object", "deal", "local", deal),
        Element("", "object", "client", "local", client),
        Element("", "role", "bench", "local", role),
    ]


def fill(database_url: str, folder: Path, count: int) -> Instance:
    """Sets an installation up; `rita` manages all owners of deals."""
    settings = make_settings(database_url, folder)
    people = populate(settings)
    platform = open_platform(settings)
    with platform.database.write(publishing=True) as connection:
        publish(connection, [*load_elements(connection), *elements()], by="bench")
    try:
        give_role(platform, "rita")
        users = add(
            platform,
            "user",
            (
                {
                    "username": f"u{n}",
                    "name": f"User {n}",
                    "active": True,
                    "manager": people["rita"],
                }
                for n in range(USERS)
            ),
            None,
        )
        draw = random.Random(SEED)
        clients = add(platform, "client", (account(draw, n) for n in range(ACCOUNTS)), users)
        made = add(
            platform,
            "deal",
            (
                {**values, "client": clients[place], "owner": users[owner]}
                for values, place, owner in deals(count)
            ),
            users,
        )
        with platform.database.autocommit() as connection:
            connection.exec_driver_sql("ANALYZE")
    finally:
        platform.close()
    return Instance(settings, made, clients)


def give_role(platform: Platform, username: str) -> None:
    """Gives a user the role of the comparison and no other."""
    from trellis.security.users import find_user, set_roles

    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        set_roles(connection, catalog, str(find_user(connection, catalog, username)), ["bench"])


def add(platform: Platform, object_name: str, rows: Any, owners: list[str] | None) -> list[str]:
    """Adds records straight into a table; gives their ids."""
    ids: list[str] = []
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        definition, table = catalog.objects[object_name], catalog.tables[object_name]
        batch: list[dict[str, object]] = []
        for number, given in enumerate(rows):
            values = stored(definition, given, owners[number % len(owners)] if owners else None)
            ids.append(str(values["id"]))
            batch.append(to_columns(connection, definition, ids[-1], values))
            if len(batch) == BATCH:
                connection.execute(sa.insert(table), batch)
                batch = []
        if batch:
            connection.execute(sa.insert(table), batch)
    return ids


def stored(
    definition: ObjectDefinition, given: dict[str, Any], owner: str | None
) -> dict[str, Any]:
    """Gives the values of a record as the use cases would store them."""
    stamps = {"id": str(uuid_utils.uuid7()), "version": 1, "created_at": START, "updated_at": START}
    values = {name: read_value(definition.fields[name], one) for name, one in wire(given).items()}
    whole = {**stamps, "owner": owner, **values}
    empty = dict.fromkeys(name for name, one in definition.fields.items() if not one.virtual)
    return {**empty, **{name: one for name, one in whole.items() if name in empty}}
