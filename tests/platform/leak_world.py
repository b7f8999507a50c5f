"""Vaults with a field of every plain type, of which each person may see another part."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from metadata.access import FieldRight
from metadata.fields.registry import offered_types
from metadata.problems import sentence
from tests.metadata.databases import object_body
from tests.platform.acting import acting, change_element, system
from tests.platform.conditional_world import publish_more
from tests.platform.nested_world import reference
from trellis.errors import RecordError
from trellis.records.delete import delete_record
from trellis.records.history import record_history
from trellis.records.save import save_record
from trellis.records.sharing import share_record
from trellis.runtime import Platform
from trellis.unit import Unit

# Values of these are other records or files.
ELSEWHERE = frozenset(
    {
        *("any_reference", "auto_number", "child_table", "file", "files", "image"),
        *("many_to_many", "reference", "signature", "team", "tree", "user"),
    }
)
TYPES = tuple(sorted(offered_types().keys() - ELSEWHERE))
PLAIN = tuple(f"f_{name}" for name in TYPES)
NAMES = ("Ada", "Bo Li", "李伟", "Carla", "王芳", "Deng", "Émile", "Ada Li")
PHONES = ("+8613800138000", "+8613900138000", "+8613811118888", "+8613822228888")
CARDS = ("4111-0001", "4222-0001", "5333-0002", "5444-0002")
WORDS = ("alpha", "beta", "gamma", "delta 李", "alpha beta")
SOURCES = ("import:erp", "import:web", "hook:shop")
STAMPS = ("source", "updated_at")
"""What the platform alone sets, and may be hidden all the same."""

VISIBLE_PART = 4
"""So many characters at the end of a masked value are shown."""

#: Clocks that do not move while a test runs: all are met at once.
CLOCKS = """
sla open_clock "Open" on vault {
    target kept { met when name is not empty otherwise within 8 hours }
}
sla number_clock "Numbers" on vault {
    target kept {
        met when name is not empty
        within 1 hour when f_integer > 100
        otherwise within 8 hours
    }
}
sla secret_clock "Secrets" on vault {
    target kept {
        met when name is not empty
        within 1 hour when chamber.secret contains "1"
        otherwise within 8 hours
    }
}
"""

OWN = {"create": True, **dict.fromkeys(("read", "update", "delete", "share", "export"), "own")}


def all_of(scope: str) -> dict[str, Any]:
    return {**OWN, "read": scope, "export": scope}


def hidden(names: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(names, "hidden")


MASKED = {"card": "masked", "mobile": "masked"}
#: Persona → her role, and the grants it gets: on vaults, chambers and keys; none on safes.
PERSONAS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "rita": (
        "sales_rep",
        {
            "vault": {
                **OWN,
                "fields": {
                    **MASKED,
                    **hidden((*PLAIN[::2], "pin", "source")),
                    "fixed": "read",
                },
            },
            "chamber": {**OWN, "fields": hidden(["secret", "code"])},
            "key": {**OWN, "fields": hidden(["teeth"])},
        },
    ),
    "mark": (
        "sales_manager",
        {
            "vault": {**all_of("subtree"), "fields": {**MASKED, **hidden((*PLAIN[1::2], "pin"))}},
            "chamber": {**OWN, "fields": hidden(["secret"])},
            "key": {**all_of("subtree"), "fields": hidden(["vault"])},
        },
    ),
    "fay": (
        "finance",
        {
            "vault": {
                **all_of("team"),
                "fields": {"*": "hidden", "name": "read", "chamber": "read", "mobile": "masked"},
            },
            "chamber": {"read": "all", "fields": hidden(["secret"])},
        },
    ),
    "diana": (
        "sales_director",
        {
            "vault": {
                **all_of("all"),
                "fields": {**MASKED, **hidden(("pin", "updated_at", *PLAIN[::3]))},
            },
            "key": {**all_of("all"), "fields": hidden(["teeth"])},
        },
    ),
}
OWNERS = ("rita", "ron", "mark", "fay", "diana")


def documents() -> dict[str, dict[str, Any]]:
    """Gives the objects: vaults in chambers, keys to vaults, and safes that nobody may read."""
    plain = {f"f_{name}": dict(offered_types()[name].samples[0].document) for name in TYPES}
    vault = object_body(
        {
            "name": {"type": "string"},
            **plain,
            "card": {"type": "string", "crm": {"encrypted": True, "mask": "last4"}},
            "mobile": {"type": "string", "crm": {"field": "phone", "mask": "last4"}},
            "pin": {"type": "string", "crm": {"encrypted": True}},
            "fixed": {"type": "string"},
            "chamber": reference("chamber", reverse="vaults", on_delete="restrict"),
            "safe": reference("safe", reverse="vaults"),
            "keys_seen": {
                "type": "integer",
                "readOnly": True,
                "crm": {"rollup": "count(keys)", "as": "user"},
            },
        },
        owner=True,
        plural="Vaults",
        search=["name", "f_text", "f_email", "mobile"],
        duplicates=[
            {
                "name": "same",
                "title": "The same",
                "match": [
                    {"field": "mobile"},
                    {"field": "f_email"},
                    {"field": "f_text"},
                    {"field": "name", "by": "fuzzy", "as": "person"},
                ],
                "threshold": 0.5,
            },
            {
                "name": "named",
                "title": "The same name",
                "match": [{"field": "name", "by": "fuzzy", "as": "person"}],
                "threshold": 0.15,
            },
        ],
    )
    chamber = object_body(
        {
            "name": {"type": "string"},
            "code": {"type": "integer"},
            "secret": {"type": "string"},
        },
        owner=True,
        plural="Chambers",
    )
    key = object_body(
        {
            "name": {"type": "string"},
            "teeth": {"type": "integer"},
            "vault": reference("vault", reverse="keys", on_delete="set_null"),
        },
        owner=True,
        plural="Keys",
    )
    safe = object_body({"name": {"type": "string"}, "code": {"type": "integer"}}, plural="Safes")
    return {"safe": safe, "chamber": chamber, "vault": vault, "key": key}


@dataclass(frozen=True)
class Vaults:
    """The records of the world, ids by object."""

    platform: Platform
    ids: Mapping[str, list[str]]

    def owned(self, target: str, username: str) -> list[str]:
        """Gives the ids of somebody's records."""
        return self.ids[target][OWNERS.index(username) :: len(OWNERS)]

    def holding(self, username: str) -> list[str]:
        """Gives the ids of somebody's chambers that a vault which she reads keeps from deletion."""
        with acting(self.platform, username) as unit:
            owned = self.owned("chamber", username)
            return sorted(unit.records().children("vault", "chamber", owned, ["id"]))

    def first_entry(self, record_id: str) -> str:
        """Gives the oldest entry of a record's history; an id of none for no record."""
        table = record_history.c
        found = sa.select(sa.func.min(table.id)).where(table.record_id == record_id)
        with self.platform.database.read() as connection:
            return str(connection.execute(found).scalar() or record_id)


def publish_vaults(platform: Platform) -> None:
    """Publishes the objects, and who may see what."""
    publish_more(platform, documents(), {"rules/local/clocks.rules": {"text": CLOCKS}})
    for role, grants in PERSONAS.values():

        def grant(body: dict[str, Any], grants: dict[str, Any] = grants) -> None:
            for name in documents():
                body["grants"].pop(name, None)
            body["grants"].update(grants)

        change_element(platform, "role", role, grant)


def fill_vaults(platform: Platform, randoms: random.Random, number: int = 24) -> Vaults:
    """Makes records of all owners; some are shared by hand with who reads only her own."""
    with system(platform) as unit:
        users = {name: user_id(unit, name) for name in OWNERS}
        team = save_record(unit, "team", None, {"name": "Vault keepers"}, channel="api").id
        for name in ("fay", "ron"):
            save_record(unit, "user", users[name], {"team": team}, channel="api")
    ids: dict[str, list[str]] = {"safe": [], "chamber": [], "vault": [], "key": []}
    with system(platform) as unit:
        for target, made in ids.items():
            for place in range(number if target == "vault" else number // 3):
                values = random_values(target, randoms, ids)
                if target != "safe":
                    values["owner"] = users[OWNERS[place % len(OWNERS)]]
                source = randoms.choice(SOURCES)
                saved = save_record(unit, target, None, values, channel="api", source=source)
                made.append(saved.id)
    for record_id in ids["vault"][4::10]:
        with acting(platform, "diana") as unit:
            share_record(unit, "vault", record_id, "rita", level="read")
    return Vaults(platform, ids)


def user_id(unit: Unit, username: str) -> str:
    """Gives the id of a user."""
    (found,) = unit.records().list("user", filter=f'username = "{username}"', fields=["id"]).items
    return str(found["id"])


def random_values(
    target: str, randoms: random.Random, ids: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Gives values for all fields of a record; some are empty."""
    name = randoms.choice(NAMES)
    if target == "safe":
        return {"name": f"safe {name}", "code": randoms.randrange(9)}
    if target == "chamber":
        return {
            "name": name,
            "code": randoms.randrange(9),
            "secret": f"alpha {randoms.randrange(9)}",
        }
    if target == "key":
        vault = randoms.choice(ids["vault"])
        return {"name": f"key {name}", "teeth": randoms.randrange(9), "vault": vault}
    values: dict[str, Any] = {"name": name}
    for kind in TYPES:
        choices = [
            given for sample in offered_types()[kind].samples[:1] for given, _ in sample.good
        ]
        values[f"f_{kind}"] = randoms.choice([*choices, *more_of(kind), None])
    return {
        **values,
        "card": randoms.choice(CARDS),
        "mobile": randoms.choice(PHONES),
        "pin": str(randoms.randrange(5)),
        "fixed": randoms.choice(WORDS),
        "chamber": randoms.choice([*ids["chamber"], None]),
        "safe": randoms.choice([*ids["safe"], None]),
    }


def more_of(kind: str) -> Sequence[object]:
    """Gives more values of types whose samples are few."""
    more: Mapping[str, Sequence[object]] = {
        "boolean": (True, False),
        "choice": ("new", "won", "lost"),
        "date": ("2026-01-03", "2025-12-31", "2026-03-02"),
        "email": ("ada@example.com", "bo@example.com"),
        "integer": (1, 2, 500),
        "money": ({"amount": "99", "currency": "CNY"}, {"amount": "5000", "currency": "CNY"}),
        "percent": ("0.5", "0.01"),
        "text": WORDS,
        "long_text": WORDS,
    }
    return more.get(kind, ())


def readable(platform: Platform, username: str, target: str) -> set[str]:
    """Gives the ids of the records that somebody may read."""
    with acting(platform, username) as unit:
        if not unit.principal.access(target).exists:
            return set()
        return {str(one["id"]) for one in unit.records().list(target, fields=[], limit=200).items}


def change_what_is_hidden(world: Vaults, username: str, randoms: random.Random) -> int:
    """Changes all that a person may not see, with new and deleted rows; gives how many writes.

    Of masked values the visible part stays. Versions and instants of records she sees stay too:
    that something was saved is no secret, what it was is.
    """
    platform, writes = world.platform, 0
    with acting(platform, username) as unit:
        rights = {target: unit.principal.access(target) for target in world.ids}
    for target, ids in world.ids.items():
        seen = readable(platform, username, target)
        for record_id in ids:
            with system(platform) as unit:
                values = random_values(target, randoms, world.ids)
                values["source"] = randoms.choice(SOURCES)
                values["updated_at"] = unit.moment.now - timedelta(days=randoms.randrange(90))
                if record_id in seen:
                    values = unseen(unit, target, record_id, values, rights[target].right)
                writes += write(unit, target, record_id, values, keeps_stamps=record_id in seen)
    for target in ("safe", *(("vault",) if username != "diana" else ())):
        with system(platform) as unit:
            values = random_values(target, randoms, world.ids)
            if target == "vault":
                values["owner"] = user_id(unit, "diana")
            made = save_record(unit, target, None, values, channel="api").id
            other = save_record(unit, target, None, values, channel="api").id
        assert not {made, other} & readable(platform, username, target)
        with system(platform) as unit:
            delete_record(unit, target, other, channel="api")
    return writes


def unseen(
    unit: Unit, target: str, record_id: str, values: dict[str, Any], right: Any
) -> dict[str, Any]:
    """Gives those of some values that a person does not see in a record she reads."""
    kept = {name: value for name, value in values.items() if right(name) is FieldRight.HIDDEN}
    stored = unit.records().get(target, record_id, ["id", *values]) or {}
    for name in values:
        if right(name) is FieldRight.MASKED and stored[name]:
            pool = CARDS if name == "card" else PHONES
            end = str(stored[name])[-VISIBLE_PART:]
            kept[name] = next(one for one in pool if one.endswith(end) and one != stored[name])
    return kept


def write(
    unit: Unit, target: str, record_id: str, values: dict[str, Any], *, keeps_stamps: bool
) -> int:
    """Saves values as the system; gives 1, or 0 for none."""
    if not values:
        return 0
    stamps = {name: values.pop(name) for name in STAMPS if name in values}
    table = unit.catalog.tables[target]
    columns = (table.c.version, table.c.updated_at, table.c.updated_by)
    chosen = table.c.id == record_id
    was = unit.connection.execute(table.select().with_only_columns(*columns).where(chosen)).one()
    try:
        save_record(unit, target, record_id, values, channel="api")
    except RecordError as error:
        raise AssertionError([sentence(one) for one in error.problems]) from error
    if keeps_stamps:
        stamps = {**was._asdict(), **stamps}
    unit.connection.execute(table.update().where(chosen).values(stamps))
    return 1
