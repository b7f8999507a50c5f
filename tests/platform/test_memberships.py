"""Roles and teams of the acting person: `in_role` and `in_team` say one thing behind every door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from metadata.access import AUTOMATION
from rule_engine import Expression
from rule_engine.backends.python import compile_node
from rule_engine.types import NO_MEMBERSHIPS, Memberships
from tests.metadata.databases import object_body
from tests.platform.acting import acting, change_element, join_group, make, system
from tests.platform.conditional_world import publish_more
from tests.platform.world import Bearer, Login, People
from trellis.automation.environment import environment_of
from trellis.records.explain_access import explain_access
from trellis.records.readers import readers_of
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.security.access import Accounts
from trellis.security.users import account_of, set_roles
from trellis.unit import Unit

TEXT = {"type": "string"}
ALL = {"create": True, "read": "all", "update": "all"}
OWN = {"create": True, "read": "own", "update": "own"}
BOX = object_body({"name": TEXT, "code": TEXT, "note": TEXT}, plural="Boxes")

ROLES: Mapping[str, Any] = {
    "r_own": {"title": "Own", "grants": {"box": ALL}},
    "r_own_more": {"title": "r_own", "grants": {"box": ALL}},
    "own": {"title": "East", "grants": {"box": ALL}},
    "r_team": {"grants": {"box": {**OWN, "share": [{"read": "in_team(code)"}]}}},
    "r_role": {"grants": {"box": {**OWN, "share": [{"read": 'in_role("r_role")'}]}}},
    "r_part": {"grants": {"box": {**OWN, "share": [{"read": 'in_role("part")'}]}}},
}

RULES = """
ruleset test "Test" version 1

rule marked "Marked" on box before save {
    when in_role("own") { set note to "part" }
    when in_role("r_own") { set note to "whole" }
    when in_team("East") { set note to "east" }
}

validate kept "Kept" on box {
    require in_team("East 1") when code = "kept" message "Only East 1"
}
"""

# The roles of each person, of her own and (rita, by a group) of others; her teams by name.
HELD: Mapping[str, Memberships] = {
    "rita": Memberships(frozenset({"r_own", "own"}), frozenset({"East 1"})),
    "ron": Memberships(frozenset({"r_own", "r_own_more"}), frozenset({"West", "East"})),
    "mark": Memberships(frozenset({"r_own_more"}), frozenset()),
    "fay": Memberships(frozenset({"own", "finance"}), frozenset({"West"})),
    "diana": Memberships(frozenset({"r_own"}), frozenset({"East", "East 1"})),
}
NAMES = (
    *("r_own", "r_own_more", "own", "finance", "r_", "r_own, own", "Own", "R_OWN", "admin"),
    *("East", "East 1", "West", "east", "East 2", "East, West", "Gone"),
)


@dataclass(frozen=True)
class World:
    """The platform with the boxes by their code, of which one has none, and teams by name."""

    platform: Platform
    boxes: Mapping[str | None, str]
    teams: Mapping[str, str]


@pytest.fixture
def world(platform: Platform, people: People) -> World:
    others = {f"role/{name}": body for name, body in ROLES.items()}
    publish_more(platform, {"box": BOX}, {**others, "rules/local/test": {"text": RULES}})
    boxes = {
        code: make(platform, "admin", "box", name=f"Box {code}", code=code)
        for code in (None, *NAMES)
    }
    teams: dict[str, str] = {}
    with system(platform) as unit:

        def save(target: str, record_id: str | None = None, /, **values: object) -> str:
            return save_record(unit, target, record_id, values, channel="system").id

        yesterday = unit.moment.today - timedelta(days=1)
        teams["East"] = save("team", name="East", manager=people["diana"])
        teams["East 1"] = save("team", name="East 1", parent=teams["East"])
        teams["West"] = save("team", name="West", others=[people["fay"]])
        teams["Gone"] = save("team", name="Gone")
        over = {"linked_user": people["mark"], "until": yesterday.isoformat()}
        save("team_others", team=teams["West"], **over)
        save("team_others", team=teams["East"], linked_user=people["ron"])
        for name, team in (("rita", "East 1"), ("ron", "West"), ("mark", "Gone")):
            save("user", people[name], team=teams[team])
        gone = unit.catalog.tables["team"]
        unit.connection.execute(
            gone.update().where(gone.c.id == teams["Gone"]).values(deleted_at=unit.moment.now)
        )
        for name, held in HELD.items():
            set_roles(unit.connection, unit.catalog, people[name], held.roles - {"own"})
        set_roles(unit.connection, unit.catalog, people["fay"], ["own", "finance"])
        group_member = account_of(unit.connection, unit.catalog, people["rita"])
        join_group(unit.connection, group_member, "own")
    return World(platform, boxes, teams)


def expected(held: Memberships) -> Iterator[tuple[str, bool]]:
    """Gives conditions with whether they hold."""
    for name in NAMES:
        yield f'in_role("{name}")', name in held.roles
        yield f'in_team("{name}")', name in held.teams
        yield f'not in_role("{name}")', name not in held.roles


def in_python(unit: Unit, text: str, record: Mapping[str, object]) -> object:
    node = Expression.parse(text).resolve(unit.catalog.schema, "box")
    return compile_node(node)(record, environment_of(unit), None, None)


def in_lists(unit: Unit, text: str) -> set[str]:
    page = unit.records().list("box", fields=[], filter=text, limit=200)
    return {str(one["id"]) for one in page.items}


def test_rules_and_lists_say_the_same(world: World, people: People) -> None:
    for name, held in HELD.items():
        compare_rules_and_lists(world, people, name, held)


def compare_rules_and_lists(world: World, people: People, name: str, held: Memberships) -> None:
    with acting(world.platform, name) as unit:
        assert unit.principal.memberships == held
        assert unit.directory.memberships(people[name]) == held
        for text, holds in expected(held):
            assert in_python(unit, text, {}) is holds, text
            assert in_lists(unit, text) == (set(world.boxes.values()) if holds else set()), text
        for text, names in (("in_role(code)", held.roles), ("in_team(code)", held.teams)):
            wanted = {world.boxes[one] for one in names if one in world.boxes}
            assert in_lists(unit, text) == wanted
            for code, one in world.boxes.items():
                assert in_python(unit, text, {"code": code}) is (one in wanted), (text, code)
            told = unit.records().aggregate("box", filter=text).items
            assert [int(str(item["count()"])) for item in told] == [len(wanted)]


def test_nobody_is_in_no_role_and_no_team(world: World) -> None:
    with system(world.platform) as system_unit:
        for unit in (system_unit, replace(system_unit, principal=AUTOMATION)):
            assert environment_of(unit).memberships == NO_MEMBERSHIPS
            for text, holds in expected(NO_MEMBERSHIPS):
                assert in_python(unit, text, {}) is holds, text
                assert bool(in_lists(unit, text)) is holds, text


def reading(app: Flask, headers: dict[str, str], path: str) -> set[str]:
    answer = app.test_client().get(f"/api/v1/{path}", headers=headers)
    assert answer.status_code == 200, answer.json
    return {str(one["id"]) for one in (answer.json or {})["items"]}


@pytest.mark.parametrize("role", ["r_team", "r_role", "r_part"])
def test_a_share_of_a_role_opens_exactly_that(
    world: World, people: People, app: Flask, bearer: Bearer, role: str
) -> None:
    for name in HELD:
        look_with_one_role(world, people, app, bearer, name, role)


def look_with_one_role(
    world: World, people: People, app: Flask, bearer: Bearer, name: str, role: str
) -> None:
    with system(world.platform) as unit:
        account = account_of(unit.connection, unit.catalog, people[name])
        for table in ("ab_user_role", "ab_user_group"):
            gone = sa.text(f"DELETE FROM {table} WHERE user_id = :account")
            unit.connection.execute(gone, {"account": account})
        set_roles(unit.connection, unit.catalog, people[name], [role])
    opened = {
        "r_team": {world.boxes[one] for one in HELD[name].teams},
        "r_role": set(world.boxes.values()),
        "r_part": set[str](),
    }[role]
    headers = bearer(name)
    assert reading(app, headers, "box?limit=200") == opened
    assert reading(app, headers, "box?limit=200&search=Box") == opened
    client = app.test_client()
    for one in world.boxes.values():
        answer = client.get(f"/api/v1/box/{one}", headers=headers)
        assert answer.status_code == (200 if one in opened else 404)
    counted = client.get("/api/v1/box/aggregate?measure=count()", headers=headers)
    assert [int(item["count()"]) for item in counted.json["items"]] == [len(opened)]
    found = client.get("/api/v1/search?q=Box", headers=headers)
    assert found.status_code == 200
    assert bool(opened) == bool([one for one in str(found.json).split("'") if one in opened])
    with acting(world.platform, "admin") as unit:
        for one in list(world.boxes.values())[:: len(NAMES) // 3]:
            (told,) = (
                action
                for action in explain_access(unit, people[name], "box", one).actions
                if action.action == "read"
            )
            assert told.allowed == (one in opened)
            readers = {reader.user for reader in readers_of(unit, "box", one).items}
            assert (people[name] in readers) == (one in opened)


def test_rules_compare_whole_names(world: World, app: Flask, bearer: Bearer) -> None:
    notes = {"rita": "whole", "ron": "east", "fay": "part", "mark": None, "diana": "east"}
    client = app.test_client()
    for name, note in notes.items():
        made = client.post("/api/v1/box", json={"name": "New"}, headers=bearer(name))
        assert made.status_code == 201, made.json
        assert (made.json or {}).get("note") == note
        kept = client.post("/api/v1/box", json={"name": "K", "code": "kept"}, headers=bearer(name))
        assert kept.status_code == (201 if "East 1" in HELD[name].teams else 422)


def test_a_part_of_a_role_s_name_is_no_role(world: World, people: People) -> None:
    with system(world.platform) as unit:
        set_roles(unit.connection, unit.catalog, people["mark"], ["r_own", "finance"])
    with acting(world.platform, "mark") as unit:
        assert in_python(unit, 'in_role("own")', {}) is False
        assert in_python(unit, 'in_role("finance, r_own")', {}) is False
        assert in_lists(unit, 'user.roles = "finance, r_own"') == set(world.boxes.values())


def test_a_person_is_known_anew_when_teams_change(world: World, people: People) -> None:
    platform = world.platform
    days: list[Any] = []
    with system(platform) as unit:
        today = unit.moment.today
        account = account_of(unit.connection, unit.catalog, people["rita"])
    days.append(today)
    accounts = Accounts(lambda: days[0])

    def teams() -> frozenset[str]:
        with platform.database.read() as connection:
            snapshot = platform.catalogs.snapshot(connection)
            principal = accounts.principal_for(connection, snapshot, account)
            assert principal is not None
            return principal.memberships.teams

    def save(target: str, record_id: str | None = None, /, **values: object) -> None:
        with system(platform) as unit:
            save_record(unit, target, record_id, values, channel="system")

    assert teams() == {"East 1"}
    save("team", world.teams["East 1"], name="Ost 1")
    assert teams() == {"Ost 1"}
    save("team", world.teams["West"], manager=people["rita"])
    assert teams() == {"Ost 1", "West"}
    save("user", people["rita"], team=None)
    assert teams() == {"West"}
    tomorrow = (today + timedelta(days=1)).isoformat()
    link = {"team": world.teams["East"], "linked_user": people["rita"]}
    save("team_others", **link, **{"from": tomorrow, "until": tomorrow})
    assert teams() == {"West"}
    days[0] = today + timedelta(days=1)
    assert teams() == {"West", "East"}
    days[0] = today + timedelta(days=2)
    assert teams() == {"West"}


def test_roles_that_exclude_each_other_are_no_roles(world: World) -> None:
    change_element(world.platform, "role", "own", lambda body: body.update(excludes=["r_own"]))
    with acting(world.platform, "rita") as unit:
        assert unit.principal.roles == {"r_own", "own"}
        assert unit.principal.memberships.roles == set()
    with acting(world.platform, "ron") as unit:
        assert unit.principal.memberships.roles == {"r_own", "r_own_more"}


def test_views_and_conditions_of_fields_know_roles(
    world: World, app: Flask, bearer: Bearer, login: Login
) -> None:
    view = {"title": "East", "type": "list", "columns": ["name"], "filter": 'in_team("East")'}
    crm = {"required_when": 'in_team("East 1") and in_role("r_own")'}
    fields = {"name": TEXT, "code": TEXT, "note": TEXT, "memo": {**TEXT, "crm": crm}}
    publish_more(
        world.platform, {"box": object_body(fields, plural="Boxes")}, {"view/box/east": view}
    )
    for name in HELD:
        answer = app.test_client().post("/api/v1/box", json={"name": "N"}, headers=bearer(name))
        is_needed = name in ("rita", "diana")
        assert answer.status_code == (422 if is_needed else 201), name
        assert not is_needed or [e["path"] for e in answer.json["errors"]] == ["/memo"]
    shown = {name: login(name).get("/o/box/?view=east").get_data(as_text=True) for name in HELD}
    assert {name for name, page in shown.items() if "Box R_OWN" in page} == {"ron", "diana"}
