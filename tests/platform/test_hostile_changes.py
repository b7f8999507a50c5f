"""What people may not write is refused wherever they put it, and rules hold on every way in."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from metadata.problems import sentence
from tests.metadata.databases import object_body
from tests.platform.acting import acting, database_hash, make, stored
from tests.platform.conditional_world import publish_more
from tests.platform.nested_world import publish_orders, read, reference, save
from trellis.errors import RecordError
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

GREATEST = 10**18 - 1
"""The greatest whole number that a field takes."""

ROOM = object_body(
    {
        "name": {"type": "string"},
        "stays": {"type": "array", "crm": {"field": "child_table", "to": "stay"}},
        "nights": {"type": "integer", "readOnly": True, "crm": {"rollup": "sum(stays.length)"}},
        "longest": {
            "type": "number",
            "readOnly": True,
            "crm": {"rollup": "max(stays.each)"},
        },
    },
    plural="Rooms",
)
STAY = object_body(
    {
        "name": {"type": "string"},
        "number": {"type": "string", "crm": {"field": "auto_number", "pattern": "S-{000}"}},
        "room": reference("room", on_delete="cascade"),
        "start": {"type": "string", "format": "date"},
        "end": {"type": "string", "format": "date"},
        "length": {"type": "integer"},
        "guests": {"type": "integer"},
        "each": {"type": "number", "readOnly": True, "crm": {"formula": "length / guests"}},
        "level": {"type": "string", "enum": ["low", "high", "urgent"]},
    },
    plural="Stays",
    no_overlap=[{"start": "start", "end": "end", "by": ["room"]}],
    record_types={"private": {"options": {"level": ["low"]}}, "company": {"default": True}},
)
ENTRY = object_body(
    {"name": {"type": "string"}, "book": reference("book")}, plural="Entries", append_only=True
)
BOOK = object_body(
    {
        "name": {"type": "string"},
        "entries": {"type": "array", "crm": {"field": "child_table", "to": "entry"}},
    },
    plural="Books",
)


@pytest.fixture
def hotel(platform: Platform) -> Platform:
    publish_more(platform, {"room": ROOM, "stay": STAY, "book": BOOK, "entry": ENTRY})
    return platform


def refused(
    platform: Platform, object_name: str, key: str | None, /, **values: object
) -> list[str]:
    """Gives why a save is refused, after which everything is as it was."""
    before = database_hash(platform)
    with pytest.raises(RecordError) as caught:
        save(platform, "rita", object_name, key, **values)
    assert database_hash(platform) == before
    return [f"{one.path}: {sentence(one)}" for one in caught.value.problems]


@pytest.mark.parametrize(
    "name",
    [
        *("id", "version", "owner_team", "created_by", "created_at", "updated_at", "updated_by"),
        *("deleted_at", "source", "import_batch", "row_position", "number", "each"),
    ],
)
def test_sec_06_nobody_sets_what_the_platform_sets(hotel: Platform, name: str) -> None:
    room = make(hotel, "rita", "room", name="R")
    row = {"name": "S", name: "1"}
    assert refused(hotel, "stay", None, **row) != []
    assert refused(hotel, "room", room, stays=[row]) != []
    assert refused(hotel, "room", None, name="New", stays=[row]) != []


def test_sec_07_rows_of_others_are_out_of_reach(hotel: Platform) -> None:
    mine = make(hotel, "rita", "room", name="Mine", stays=[{"name": "A"}])
    other = make(hotel, "rita", "room", name="Other", stays=[{"name": "B"}])
    row = read(hotel, "rita", "room", other)["stays"][0]["id"]
    for sent in ({"id": row, "name": "X"}, {"name": "X", "room": other}, {"id": [row]}, {"id": 1}):
        assert refused(hotel, "room", mine, stays=[sent]) != []
    assert refused(hotel, "room", None, name="New", stays=[{"id": row}]) != []


def test_record_types_and_options_hold_in_rows(hotel: Platform) -> None:
    for sent in (
        {"record_type": "private", "level": "urgent"},
        {"record_type": "none"},
        {"record_type": ["private"]},
        {"level": "highest"},
    ):
        assert refused(hotel, "room", None, name="R", stays=[{"name": "A", **sent}]) != []
    key = make(hotel, "rita", "room", name="R", stays=[{"record_type": "private", "level": "low"}])
    (row,) = read(hotel, "rita", "room", key)["stays"]
    assert refused(hotel, "room", key, stays=[{"id": row["id"], "level": "urgent"}]) != []


def test_stays_never_overlap(hotel: Platform) -> None:
    first = {"name": "A", "start": "2026-01-01", "end": "2026-01-10"}
    second = {"name": "B", "start": "2026-01-05", "end": "2026-01-12"}
    assert refused(hotel, "room", None, name="R", stays=[first, second]) != []
    room = make(hotel, "rita", "room", name="R", stays=[first])
    (row,) = read(hotel, "rita", "room", room)["stays"]
    assert refused(hotel, "room", room, stays=[row, second]) != []
    save(hotel, "rita", "room", room, stays=[second])
    with acting(hotel, "rita") as unit, pytest.raises(RecordError):
        restore_record(unit, "stay", row["id"], channel="api")
    with acting(hotel, "rita") as unit:
        delete_record(unit, "room", room, channel="api")
    with acting(hotel, "rita") as unit:
        restore_record(unit, "room", room, channel="api")
    assert [row["name"] for row in read(hotel, "rita", "room", room)["stays"]] == ["B"]


def test_numbers_that_are_none_and_too_great_ones_are_empty(hotel: Platform) -> None:
    rows = [{"length": 9, "guests": 0}, {"length": GREATEST, "guests": 1}]
    room = make(hotel, "rita", "room", name="R", stays=rows)
    found = read(hotel, "rita", "room", room)
    assert [row["each"] for row in found["stays"]] == [None, None]
    assert (found["nights"], found["longest"]) == (None, None)
    save(hotel, "rita", "room", room, stays=found["stays"][:1])
    assert read(hotel, "rita", "room", room)["nights"] == 9


def test_a_journal_is_never_rewritten(hotel: Platform) -> None:
    book = make(hotel, "rita", "book", name="B", entries=[{"name": "one"}])
    (entry,) = read(hotel, "rita", "book", book)["entries"]
    for rows in ([], [{"id": entry["id"], "name": "two"}]):
        assert refused(hotel, "book", book, entries=rows) != []
    save(hotel, "rita", "book", book, entries=[entry, {"name": "two"}])
    assert len(read(hotel, "rita", "book", book)["entries"]) == 2
    before = database_hash(hotel)
    with acting(hotel, "rita") as unit, pytest.raises(RecordError):
        delete_record(unit, "book", book, channel="api")
    assert database_hash(hotel) == before
    assert stored(hotel, "book", book)["deleted_at"] is None


@pytest.mark.parametrize("back", [("order", "tag"), ("tag", "order")])
@pytest.mark.parametrize("gone", [("order", "tag"), ("tag", "order")])
def test_links_come_back_with_both_sides(
    platform: Platform, gone: tuple[str, str], back: tuple[str, str]
) -> None:
    publish_orders(platform)
    tag = make(platform, "rita", "tag", name="red")
    order = make(platform, "rita", "order", name="O", tags=[tag])
    keys: dict[str, Any] = {"order": order, "tag": tag}
    for name in gone:
        with acting(platform, "rita") as unit:
            delete_record(unit, name, keys[name], channel="api")
    for name in back:
        with acting(platform, "rita") as unit:
            restore_record(unit, name, keys[name], channel="api")
    assert [one["id"] for one in read(platform, "rita", "order", order)["tags"]] == [tag]


def test_a_record_made_while_what_it_counts_on_changes(platform: Platform) -> None:
    rate = object_body({"name": {"type": "string"}, "rate": {"type": "integer"}}, plural="Rates")
    plan = object_body({"name": {"type": "string"}, "rate": reference("rate")}, plural="Plans")
    sale = object_body(
        {
            "name": {"type": "string"},
            "plan": reference("plan"),
            "price": {"type": "integer"},
            "cost": {
                "type": "integer",
                "readOnly": True,
                "crm": {"formula": "price * plan.rate.rate", "stored": True},
            },
        },
        plural="Sales",
    )
    publish_more(platform, {"rate": rate, "plan": plan, "sale": sale})
    rates = make(platform, "rita", "rate", name="R", rate=2)
    plans = make(platform, "rita", "plan", name="P", rate=rates)
    moved = make(platform, "rita", "sale", price=7)
    with ThreadPoolExecutor(2) as others:
        with acting(platform, "rita") as unit:
            save_record(unit, "rate", rates, {"rate": 3}, channel="api")
            made = others.submit(make, platform, "rita", "sale", plan=plans, price=5)
            changed = others.submit(save, platform, "rita", "sale", moved, plan=plans)
            time.sleep(0.5)
        assert stored(platform, "sale", made.result(20))["cost"] == 15
        changed.result(20)
    assert stored(platform, "sale", moved)["cost"] == 21
