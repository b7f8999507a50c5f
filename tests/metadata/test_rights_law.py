"""Rights by SQL are those of a slow reference, in random worlds with random definitions."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

import trellis
from metadata.access import ACTIONS, Principal
from metadata.catalog import Catalog
from metadata.columns import to_columns
from metadata.elements import Element
from metadata.holding import territory_field
from metadata.migrate import publish
from metadata.query import Moment, QueryProblem, Records, UnknownObject
from metadata.relation_rights import with_relations
from metadata.roles import access_of, parse_role
from metadata.shares import RECORD_SHARE
from metadata.store import create_store, load_catalog
from rule_engine.types import Memberships
from tests.metadata.databases import JsonObject, element, engine_for, object_body
from tests.metadata.rights_reference import CONDITIONS, ORDER, Reference, Row
from trellis.security.standing import Standing

NOW = datetime(2026, 3, 1, 18, 0, 0, 5_000, tzinfo=UTC)
MOMENT = Moment(NOW, ZoneInfo("Asia/Shanghai"))
TODAY = date(2026, 3, 2)
USERS = tuple(f"u{n}" for n in range(6))
TEAMS = tuple(f"t{n}" for n in range(4))
TEAM_NAMES = ("n", "s", "East", "role1")
PLACES = tuple(f"p{n}" for n in range(4))
QUEUES = ("q0", "q1")
OBJECTS = ("alpha", "beta", "gamma")
SYSTEM = Path(trellis.__file__).parent / "system" / "objects"
KINDS: tuple[JsonObject, ...] = (
    {"type": "string"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "string", "crm": {"mask": "last4"}},
    {"type": "string", "crm": {"field": "reference", "to": "user", "reverse": "{way}"}},
)
CATALOGS = 6
WORLDS = (20_004 if os.environ.get("TRELLIS_SOAK") else 504) // CATALOGS


def system_elements() -> Iterator[Element]:
    for name in ("user", "team", "territory", "queue", "manager_period"):
        body = json.loads((SYSTEM / f"{name}.json").read_text())
        yield element(name, body, package="system")


def random_object(randoms: random.Random, name: str) -> Element:
    """Gives an object with or without owners, territories and further fields, in any order."""
    fields: list[tuple[str, JsonObject]] = [
        (f"f{n}", json.loads(json.dumps(randoms.choice(KINDS)).replace("{way}", f"{name}_f{n}s")))
        for n in range(randoms.randrange(4))
    ]
    for place in randoms.sample(["territory", "region_of"], randoms.choice([0, 1, 1, 2])):
        crm = {"field": "reference", "to": "territory", "reverse": f"{name}_{place}s"}
        fields.append((place, {"type": "string", "crm": crm}))
    fields += [("level", {"type": "integer"}), ("region", {"type": "string"})]
    randoms.shuffle(fields)
    body = object_body({"name": {"type": "string"}, **dict(fields)}, owner=randoms.random() < 0.8)
    return element(name, body)


@pytest.fixture(scope="module", params=range(CATALOGS))
def connection(
    request: pytest.FixtureRequest, module_database_url: str
) -> Iterator[tuple[sa.Connection, Catalog, int]]:
    randoms = random.Random(f"rights {request.param}")
    with (
        engine_for(module_database_url) as engine,
        engine.connect() as made,
        made.begin() as transaction,
    ):
        create_store(made)
        objects = [random_object(randoms, name) for name in OBJECTS]
        publish(made, [*system_elements(), *objects], by="test")
        yield made, load_catalog(made), request.param
        transaction.rollback()


def maybe(randoms: random.Random, value: object, often: float = 0.7) -> Any:
    return value if randoms.random() < often else None


def any_day(randoms: random.Random) -> date | None:
    day = TODAY + timedelta(days=randoms.randrange(-2, 3))
    return day if randoms.random() < 0.5 else None


def dated(randoms: random.Random) -> Row:
    return {"from": any_day(randoms), "until": any_day(randoms)}


def random_rows(randoms: random.Random, catalog: Catalog) -> dict[str, list[Row]]:
    """Gives a company whose people, teams and territories hang together anyhow, circles included,
    and its records."""
    some = randoms.choice
    rows: dict[str, list[Row]] = {
        "user": [
            {"id": one, "manager": maybe(randoms, some(USERS)), "team": maybe(randoms, some(TEAMS)),
             "region": maybe(randoms, some("ns")), "active": True}
            for one in USERS
        ],
        "team": [
            {"id": one, "name": name, "manager": maybe(randoms, some(USERS)),
             "parent": maybe(randoms, some(TEAMS), 0.5)}
            for one, name in zip(TEAMS, TEAM_NAMES, strict=True)
        ],
        "territory": [{"id": one, "parent": maybe(randoms, some(PLACES), 0.5)} for one in PLACES],
        "queue": [{"id": one, "team": maybe(randoms, some(TEAMS), 0.4)} for one in QUEUES],
        "manager_period": [
            {"person": some(USERS), "manager": some(USERS), "kind": some(("line", "dotted")),
             **dated(randoms)}
            for _ in range(randoms.randrange(5))
        ],
    }  # fmt: skip
    for link, of, ids in (
        ("team_others", "team", TEAMS),
        ("territory_members", "territory", PLACES),
        ("queue_members", "queue", QUEUES),
    ):
        pairs = {(some(ids), some(USERS)) for _ in range(randoms.randrange(4))}
        rows[link] = [
            {of: one, "linked_user": user, **dated(randoms)} for one, user in sorted(pairs)
        ]
    for name in OBJECTS:
        rows[name] = [random_record(randoms, catalog, name) for _ in range(9)]
    for table, members in rows.items():
        for number, row in enumerate(members):
            row.setdefault("id", f"{table}{number}")
            row |= {"version": 1, "created_at": NOW, "updated_at": NOW}
            row["deleted_at"] = maybe(randoms, NOW, 0.0 if table == "user" else 0.08)
    return rows


def random_record(randoms: random.Random, catalog: Catalog, name: str) -> Row:
    some = randoms.choice
    definition = catalog.objects[name]
    row: Row = {
        "level": maybe(randoms, randoms.randrange(5)),
        "region": maybe(randoms, some("nsx")),
    }
    for field in definition.own_fields:
        if field.target == "territory":
            row[field.name] = maybe(randoms, some(PLACES))
    if definition.owner:
        row |= {
            "owner": maybe(randoms, some(USERS)),
            "owner_team": maybe(randoms, some(TEAMS)),
            "owner_queue": maybe(randoms, some(QUEUES), 0.3),
        }
    return row


def random_shares(randoms: random.Random, catalog: Catalog) -> list[Row]:
    """Gives shares, some of which end just now."""
    ends = (None, NOW, NOW + timedelta(milliseconds=1), NOW - timedelta(milliseconds=1))
    wanted = {
        (randoms.choice(OBJECTS), randoms.randrange(9), randoms.choice((*USERS, *TEAMS)))
        for _ in range(randoms.choice([0, 4, 12]))
    }
    return [
        {"id": f"s{n}", "object": catalog.objects[name].id, "record_id": f"{name}{record}",
         "kind": "user" if grantee in USERS else "team", "grantee": grantee,
         "level": randoms.choice(("read", "update")), "until": randoms.choice(ends),
         "by": "u0", "at": NOW, "why": None}
        for n, (name, record, grantee) in enumerate(sorted(wanted))
    ]  # fmt: skip


def random_role(randoms: random.Random, catalog: Catalog) -> JsonObject:
    scopes = ("none", "own", "team", "subtree", "territory", "all", True, False)
    grants: JsonObject = {}
    for name in randoms.sample((*OBJECTS, "*"), randoms.randrange(1, 4)):
        grant: JsonObject = {"create": randoms.random() < 0.2}
        for action in ACTIONS:
            if action == "read" or randoms.random() < 0.4:
                grant[action] = randoms.choice(scopes)
        if name != "*" and randoms.random() < 0.5:
            grant["share"] = [
                {randoms.choice(("read", "update", "share")): randoms.choice(sorted(CONDITIONS))}
                for _ in range(randoms.randrange(1, 3))
            ]
        if name != "*":
            own = [field.name for field in catalog.objects[name].own_fields]
            chosen = randoms.sample(["*", *own], randoms.randrange(3))
            grant["fields"] = {one: randoms.choice(ORDER) for one in chosen}
        grants[name] = grant
    return {"grants": grants}


def store(connection: sa.Connection, catalog: Catalog, rows: dict[str, list[Row]]) -> None:
    for name, members in rows.items():
        table = RECORD_SHARE if name == "record_share" else catalog.tables[name]
        connection.execute(table.delete())
        if name == "record_share":
            made = members
        else:
            definition = catalog.objects[name]
            made = [
                to_columns(connection, definition, row["id"],
                           {one: row.get(one) for one in definition.fields
                            if not definition.fields[one].nested})
                for row in members
            ]  # fmt: skip
        if made:
            connection.execute(table.insert(), made)


@pytest.mark.soak
def test_rights_in_sql_are_those_of_the_reference(
    connection: tuple[sa.Connection, Catalog, int],
) -> None:
    database, catalog, number = connection
    randoms = random.Random(f"worlds {number}")
    reached = 0
    for _ in range(WORLDS):
        rows = random_rows(randoms, catalog)
        rows["record_share"] = random_shares(randoms, catalog)
        store(database, catalog, rows)
        places = {name: territory_field(catalog.objects[name]) for name in OBJECTS}
        reference = Reference(
            rows,
            {name: None if field is None else field.name for name, field in places.items()},
            frozenset(name for name in OBJECTS if catalog.objects[name].owner),
            {name: catalog.objects[name].id for name in OBJECTS},
            TODAY,
            NOW,
        )
        roles = [random_role(randoms, catalog) for _ in range(randoms.randrange(1, 4))]
        reached += check(database, catalog, reference, roles, randoms)
    assert reached > WORLDS  # most worlds let somebody see something


def check(
    database: sa.Connection,
    catalog: Catalog,
    reference: Reference,
    roles: list[JsonObject],
    randoms: random.Random,
) -> int:
    """Compares all that one user of a world may; gives how many records she sees."""
    me = randoms.choice(reference.rows["user"])
    user = me["id"]
    standing = Standing(database, catalog, TODAY)
    person = standing.person(user, me["team"], NOW)
    assert person.teams == reference.teams(user)
    assert person.team_names == reference.team_names(user)
    assert person.subtree == reference.below(user)
    assert person.territories == reference.territories(user)
    turn = standing.next_change()
    if turn is not None:
        last = Standing(database, catalog, turn - timedelta(days=1))
        assert last.person(user, me["team"], NOW) == person
    parsed = [parse_role(f"role{n}", role) for n, role in enumerate(roles)]
    grants = access_of(parsed, person, catalog.objects)
    grants = with_relations(grants, catalog.objects, catalog.links)
    belongs = Memberships(frozenset(role.name for role in parsed), person.team_names)
    principal = Principal(user, me, grants=grants, memberships=belongs)
    records = Records(catalog, database, principal, MOMENT)
    return sum(check_object(records, reference, roles, name, randoms) for name in OBJECTS)


def check_object(
    records: Records,
    reference: Reference,
    roles: list[JsonObject],
    name: str,
    randoms: random.Random,
) -> int:
    user = records.principal.name
    rows = reference.rows[name]
    access = records.principal.access(name)
    own = [field.name for field in records.catalog.objects[name].own_fields]
    rights = {field: reference.field_right(user, roles, name, field) for field in own}
    assert {field: str(access.right(field)) for field in own} == rights
    granted = list(reference.grants(user, roles, name))
    assert access.exists == bool(granted)
    expected = [row["id"] for row in rows if reference.sees(user, roles, name, row)]
    if not granted:
        with pytest.raises(UnknownObject):
            records.list(name)
        return 0
    page = records.list(name, fields=[], limit=200)
    assert sorted(str(one["id"]) for one in page.items) == sorted(expected), (user, name, roles)
    for row in randoms.sample(rows, 2):
        action = randoms.choice(ACTIONS)
        both = row["id"] in expected and reference.reaches(user, roles, name, action, row)
        assert records.reaches(name, row["id"], action) == both, (user, name, action, row, roles)
    if expected:
        found = records.get(name, expected[0]) or {}
        assert found.keys() & set(own) == {field for field in own if rights[field] != "hidden"}
    for field in randoms.sample(own, 1):
        if rights[field] in ("hidden", "masked"):
            with pytest.raises(QueryProblem):
                records.list(name, filter=f"{field} is empty")
            with pytest.raises(QueryProblem):
                records.list(name, sort=[field])
    return len(expected)
