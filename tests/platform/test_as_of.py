"""A record as of an instant: the history is complete, and tells nobody more than today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metadata.access import SYSTEM
from metadata.elements import Element
from metadata.query import Moment
from tests.metadata.databases import element, object_body
from tests.platform.acting import acting, make, stored
from tests.platform.computed_world import (
    FLAG,
    MONEY,
    NOW,
    NUMBER,
    TEXT,
    ZONE,
    World,
    reference,
    world_of,
)
from tests.platform.world import Bearer, Login, People
from trellis.db import Database
from trellis.records.as_of import record_at
from trellis.records.delete import delete_record, restore_record
from trellis.records.history import as_wire
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.security.directory import UserDirectory
from trellis.unit import Unit

CHOICE = {"type": "string", "enum": ["a", "b", "c"]}
MANY = {"type": "array", "items": {"type": "string", "enum": ["x", "y", "z"]}}
FIELDS: dict[str, Any] = {
    "name": TEXT,
    "note": {**TEXT, "crm": {"field": "long_text"}},
    "number": NUMBER,
    "price": MONEY,
    "open": FLAG,
    "day": {"type": "string", "format": "date"},
    "stage": CHOICE,
    "tags": MANY,
    "document": {"crm": {"field": "json"}},
    "shop": reference("shop"),
    "unkept": {**TEXT, "crm": {"track": False}},
}
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)
        .map(str.strip)
        .filter(bool),
        "note": st.none() | st.just("Zeile\n二行"),
        "number": st.none() | st.decimals(-999, 999, places=2).map(str),
        "price": st.none() | st.integers(0, 10**6).map(str),
        "open": st.none() | st.booleans(),
        "day": st.none() | st.dates(datetime(1990, 1, 1, tzinfo=UTC).date()).map(str),
        "stage": st.none() | st.sampled_from("abc"),
        "tags": st.lists(st.sampled_from("xyz"), unique=True),
        "document": st.none() | st.dictionaries(st.sampled_from("ab"), st.floats(-5, 5)),
        "unkept": st.none() | st.sampled_from("pq"),
    },
)
STEP = st.sampled_from(["save", "save", "save", "toggle"])
Snapshot = tuple[datetime, bool, dict[str, object]]


def memo() -> list[Element]:
    return [
        element("shop", object_body({"name": TEXT})),
        element("memo", object_body(FIELDS, track="all")),
    ]


class Clock:
    """Units of work one second after another."""

    def __init__(self, world: World) -> None:
        self.world, self.now = world, NOW

    def unit(self) -> Unit:
        self.now += timedelta(seconds=1)
        moment = Moment(self.now, ZONE)
        directory = UserDirectory(self.world.connection, self.world.catalog, moment.today)
        return Unit(self.world.connection, self.world.catalog, SYSTEM, moment, directory)


def snapshot(unit: Unit, record_id: str, *, deleted: bool) -> Snapshot:
    """Gives what a record is now, in wire form."""
    target = unit.records().get_for_change("memo", record_id, "delete", deleted=deleted)
    fields = unit.catalog.objects["memo"].fields
    wire = {name: as_wire(fields[name], value) for name, value in target.record.items()}
    return unit.moment.now, deleted, wire


def test_replaying_the_history_rebuilds_every_record(database_url: str) -> None:
    """At each instant the record is what it was then, but for fields whose history is not kept."""
    database = Database(database_url)
    with world_of(database, memo()) as world:
        clock = Clock(world)

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(VALUES, st.lists(st.tuples(STEP, VALUES), max_size=6))
        def law(first: dict[str, Any], steps: list[tuple[str, dict[str, Any]]]) -> None:
            made = save_record(clock.unit(), "memo", None, {"name": "M", **first}, channel="api")
            gone, past = False, [snapshot(clock.unit(), made.id, deleted=False)]
            for kind, values in steps:
                unit = clock.unit()
                if kind == "toggle":
                    act = restore_record if gone else delete_record
                    act(unit, "memo", made.id, channel="api")
                    gone = not gone
                elif not gone:
                    save_record(unit, "memo", made.id, values, channel="api")
                past.append(snapshot(clock.unit(), made.id, deleted=gone))
            if gone:
                restore_record(clock.unit(), "memo", made.id, channel="api")
            for at, was_deleted, expected in past:
                found = record_at(clock.unit(), "memo", made.id, at)
                assert found.deleted == was_deleted
                assert found.unknown == ("unkept",)
                assert found.version <= int(str(expected["version"]))
                assert found.values == {name: expected[name] for name in found.values}
                assert set(FIELDS) - {"unkept"} <= found.values.keys()

        law()
    database.dispose()


Ask = Callable[..., Any]


@pytest.fixture
def ask(app: Flask, bearer: Bearer) -> Ask:
    def get(username: str, path: str, **parameters: object) -> Any:
        client, headers = app.test_client(), dict(bearer(username))
        language = str(parameters.pop("language", "en"))
        headers["Accept-Language"] = language
        return client.get(f"/api/v1/{path}", query_string=parameters, headers=headers)

    return get


def test_the_api_answers_as_of_an_instant(platform: Platform, people: People, ask: Ask) -> None:
    contact = make(platform, "diana", "contact", name="Wang", birthday="1990-01-01")
    created = ask("diana", f"contact/{contact}").get_json()["created_at"]
    with acting(platform, "diana") as unit:
        changes = {"name": "Wang Li", "birthday": "1991-01-01"}
        save_record(unit, "contact", contact, changes, channel="page")
    told = ask("diana", f"contact/{contact}/as_of", at=created).get_json()
    assert (told["version"], told["deleted"], told["by"]) == (1, False, people["diana"])
    assert told["values"]["birthday"] == "1990-01-01"
    hidden = ask("rita", f"contact/{contact}/as_of", at=created).get_json()
    assert "birthday" not in {*hidden["values"], *hidden["unknown"]}
    now = ask("rita", f"contact/{contact}/as_of", at="2100-01-01T00:00:00Z").get_json()
    assert now["version"] == 2


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"at": "2001-01-01T00:00:00Z"}, 404, "not_there_yet"),
        ({}, 422, "parameter_missing"),
        ({"at": "yesterday"}, 422, "datetime"),
        ({"when": "2001-01-01"}, 422, "unknown_parameter"),
    ],
)
def test_other_questions_are_refused(
    platform: Platform, ask: Ask, parameters: dict[str, object], status: int, code: str
) -> None:
    contact = make(platform, "diana", "contact", name="Wang")
    answer = ask("diana", f"contact/{contact}/as_of", **parameters)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (status, code)


def test_a_record_out_of_reach_has_no_past(platform: Platform, ask: Ask) -> None:
    lead = make(platform, "rita", "lead", name="Li", lead_source="web")
    answers = [
        ask("ron", f"lead/{key}/as_of", at="2100-01-01T00:00:00Z") for key in (lead, lead[::-1])
    ]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].get_json() == answers[1].get_json()


@pytest.mark.parametrize(
    ("language", "why"), [("en", "Quote line changed"), ("zh", "报价明细已更改")]
)
def test_why_is_worded_for_the_reader(
    platform: Platform, ask: Ask, language: str, why: str
) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account)
    make(platform, "rita", "quote_line", quote=quote, product="A", quantity="2", unit_price="5")
    entry = ask("rita", f"quote/{quote}/history", language=language).get_json()["items"][0]
    assert entry["why"] == why


def test_the_page_shows_then_beside_now(platform: Platform, people: People, login: Login) -> None:
    contact = make(platform, "diana", "contact", name="Wang", birthday="1990-01-01")
    created = stored(platform, "contact", contact)["created_at"].isoformat()
    with acting(platform, "diana") as unit:
        save_record(
            unit, "contact", contact, {"name": "Zhao", "birthday": "1991-02-03"}, channel="page"
        )
    address = f"/o/contact/{contact}/as_of"
    query = {"at": created}
    page = login("rita").get(address, query_string=query).get_data(as_text=True)
    assert "Wang" in page
    assert "Zhao" in page
    assert "irthday" not in page
    for at in ("", "x", "0001-01-01T00:00", "9999-12-31T23:59", "2001-01-01T00:00"):
        assert login("rita").get(address, query_string={"at": at}).status_code == 200, at
    assert login("ron").get(f"/o/lead/{contact}/as_of").status_code == 404
