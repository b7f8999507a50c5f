"""What publishing says of conditions, record types, exclusions and records that break them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.migrate import publish
from metadata.problems import DefinitionError, sentence
from metadata.store import create_store, load_catalog
from tests.metadata.databases import JsonObject, element, engine_for, object_body

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT: JsonObject = {"type": "string"}
DAY: JsonObject = {"type": "string", "format": "date"}
CHOICE: JsonObject = {"type": "string", "enum": ["a", "b"]}


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    """A write transaction in an empty database."""
    with engine_for(database_url) as engine, engine.connect() as connection, connection.begin():
        yield connection


def choice(**crm: object) -> JsonObject:
    return {**CHOICE, "crm": crm}


def reference(**crm: object) -> JsonObject:
    return {"type": "string", "crm": {"field": "reference", "to": "room", **crm}}


FIELDS: JsonObject = {
    "name": TEXT,
    "room": reference(),
    "start": DAY,
    "end": DAY,
    "level": CHOICE,
    "seats": {"type": "integer"},
}

# properties and crm keywords beside FIELDS → place and sentence of what is wrong
WRONG: list[tuple[JsonObject, JsonObject, str, str]] = [
    (
        {"level": choice(options={"a": {"when": "nam = 1"}})},
        {},
        "/properties/level/crm/options/a/when",
        'Booking has no field "nam" (did you mean "name"?)',
    ),
    (
        {"level": choice(options={"a": {"exit": {"requires": ["seat"]}}})},
        {},
        "/properties/level/crm/options/a/exit/requires/0",
        'booking has no field "seat"; there are: seats, name, room, start, end, level',
    ),
    (
        {"level": choice(options={"a": {"exit": {"when": "seats"}}})},
        {},
        "/properties/level/crm/options/a/exit/when",
        "number is not a condition",
    ),
    (
        {"level": choice(options={"a": {"retired": True, "replaced_by": "c"}})},
        {},
        "/properties/level/crm/options/a/replaced_by",
        'no "c"; there are: b',
    ),
    (
        {"level": {**choice(options={"a": {"retired": True}}), "default": "a"}},
        {},
        "/properties/level/default",
        '"a" is retired and cannot be the default; choose another',
    ),
    (
        {"room": reference(filter="seats > this.seat")},
        {},
        "/properties/room/crm/filter",
        'Booking has no field "seat" (did you mean "seats"?)',
    ),
    (
        {"room": reference(filter='name matches "^A"')},
        {},
        "/properties/room/crm/filter",
        "databases have other regular expressions than matches",
    ),
    (
        {},
        {"record_types": {"x": {"options": {"levl": ["a"]}}}},
        "/crm/record_types/x/options/levl",
        'booking has no field "levl"; there are: level, name, room, start, end, seats, record_type',
    ),
    (
        {},
        {"record_types": {"x": {"options": {"level": ["c"]}}}},
        "/crm/record_types/x/options/level/0",
        'no "c"; there are: a, b',
    ),
    (
        {},
        {"record_types": {"x": {"options": {"name": ["c"]}}}},
        "/crm/record_types/x/options/name",
        '"name" has no options to choose from',
    ),
    (
        {},
        {"record_types": {"x": {"layouts": ["wide"]}}},
        "/crm/record_types/x/layouts/0",
        'no "wide"',
    ),
    (
        {},
        {"record_types": {"x": {"default": True}, "y": {"default": True}}},
        "/crm/record_types/y/default",
        '"y" cannot be the default too: x is',
    ),
    (
        {},
        {"record_types": {"x": {"retired": True}}},
        "/crm/record_types",
        "all record types are retired; keep one in use",
    ),
    (
        {},
        {"unique_when": [{"fields": ["nam"]}]},
        "/crm/unique_when/0/fields/0",
        'booking has no field "nam"; there are: name, room, start, end, level, seats',
    ),
    (
        {},
        {"unique_when": [{"fields": ["name"], "when": "seats >"}]},
        "/crm/unique_when/0/when",
        "the text ends too early; expected a value",
    ),
    (
        {},
        {"unique_when": [{"fields": ["name"], "when": "this.seats > 1"}]},
        "/crm/unique_when/0/when",
        'The condition is asked of both records; write the field without "this."',
    ),
    (
        {},
        {"no_overlap": [{"start": "start", "end": "name"}]},
        "/crm/no_overlap/0",
        "start and name make no interval: both must be dates, times, dates with time or numbers",
    ),
    (
        {"room": reference(on_delete="cascade")},
        {"append_only": True},
        "/properties/room/crm/on_delete",
        "records of an append-only object cannot be changed or deleted with others; use restrict",
    ),
    (
        {},
        {"append_only": "yes"},
        "/crm/append_only",
        "must be of JSON type: boolean",
    ),
]


def objects(properties: JsonObject, **crm: Any) -> list[Any]:
    room = object_body({"name": TEXT, "seats": {"type": "integer"}})
    booking = object_body({**FIELDS, **properties}, **crm)
    return [element("room", room), element("booking", booking)]


@pytest.mark.parametrize(("properties", "crm", "place", "said"), WRONG, ids=[w[2] for w in WRONG])
def test_what_does_not_fit_is_named(
    connection: sa.Connection, properties: JsonObject, crm: JsonObject, place: str, said: str
) -> None:
    create_store(connection)
    with pytest.raises(DefinitionError) as caught:
        publish(connection, objects(properties, **crm), by="test")
    found = [(problem.path, sentence(problem)) for problem in caught.value.problems]
    assert found == [(f"/objects/booking{place}", said)]
    assert all(sentence(one, "zh") for one in caught.value.problems)


def test_layouts_name_record_types(connection: sa.Connection) -> None:
    create_store(connection)
    layout: JsonObject = {"kind": "form", "record_types": ["y"], "sections": []}
    wanted = objects({}, record_types={"x": {}})
    with pytest.raises(DefinitionError) as caught:
        publish(connection, [*wanted, element("booking/f", layout, "layout")], by="test")
    assert [(p.path, sentence(p)) for p in caught.value.problems] == [
        ("/layouts/booking/f/record_types/0", 'no "y"; there are: x')
    ]


@pytest.mark.parametrize(
    ("rows", "crm", "said"),
    [
        (
            [("a", "2026-01-01", "2026-01-05"), ("a", "2026-01-04", "2026-01-06")],
            {"no_overlap": [{"start": "start", "end": "end", "by": ["name"]}]},
            "booking: 1 records overlap with earlier ones of the same name; change these first",
        ),
        (
            [("a", "2026-01-01", None), ("a", "2026-01-04", "2026-01-06")],
            {"no_overlap": [{"start": "start", "end": "end"}]},
            "booking: 1 records overlap with earlier ones; change these first",
        ),
        (
            [("a", "2026-01-01", "2026-01-04"), ("a", "2026-01-04", "2026-01-06")],
            {"no_overlap": [{"start": "start", "end": "end", "by": ["name"]}]},
            None,
        ),
        (
            [("a", "2026-01-01", "2026-01-04"), ("b", "2026-01-01", "2026-01-06")],
            {"no_overlap": [{"start": "start", "end": "end", "by": ["name"]}]},
            None,
        ),
        (
            [("a", "2026-01-01", None), ("a", "2026-01-02", None)],
            {"unique_when": [{"fields": ["name"], "when": "start > 2026-01-01"}]},
            None,
        ),
        (
            [("a", "2026-01-01", None), ("a", "2026-01-02", None)],
            {"unique_when": [{"fields": ["name"], "when": "end is empty"}]},
            "booking: name cannot be unique: 1 values occur more than once",
        ),
    ],
)
def test_records_that_break_a_new_demand_stop_it(
    connection: sa.Connection, rows: list[Any], crm: JsonObject, said: str | None
) -> None:
    create_store(connection)
    publish(connection, objects({}), by="test")
    table = load_catalog(connection).tables["booking"]
    for number, (name, start, end) in enumerate(rows):
        days = {"start": date.fromisoformat(start), "end": end and date.fromisoformat(end)}
        stamps = {"id": str(number), "version": 1, "created_at": NOW, "updated_at": NOW}
        connection.execute(table.insert().values(name=name, **days, **stamps))
    if said is None:
        publish(connection, objects({}, **crm), by="test")
        return
    with pytest.raises(DefinitionError) as caught:
        publish(connection, objects({}, **crm), by="test")
    assert [sentence(problem) for problem in caught.value.problems] == [said]


def test_record_types_that_go_keep_their_column(connection: sa.Connection) -> None:
    create_store(connection)
    publish(connection, objects({}), by="test")
    table = load_catalog(connection).tables["booking"]
    stamps = {"id": "1", "version": 1, "created_at": NOW, "updated_at": NOW}
    connection.execute(table.insert().values(name="a", **stamps))
    typed = objects({}, record_types={"x": {}, "y": {"default": True}})
    publish(connection, typed, by="test")
    kept = sa.text("SELECT record_type FROM o_booking")
    assert connection.scalar(kept) == "y"
    version = publish(connection, objects({}), by="test")
    assert "record_type" not in load_catalog(connection).objects["booking"].fields
    assert publish(connection, objects({}), by="test") == version
    publish(connection, typed, by="test")
    assert connection.scalar(kept) == "y"


def test_conditions_of_roles_that_the_database_refuses_are_not_taken(
    connection: sa.Connection,
) -> None:
    create_store(connection)
    version = publish(connection, objects({}), by="test")
    connection.exec_driver_sql('ALTER TABLE o_booking DROP COLUMN "seats"')
    for condition, is_refused in (("seats > 1", True), ('level = "a"', False)):
        share = [{"read": "start > today"}, {"read": condition}]
        body = {"title": "Guard", "grants": {"booking": {"read": "own", "share": share}}}
        wanted = [*objects({}), element("guard", body, "role")]
        if not is_refused:
            assert publish(connection, wanted, by="test") == version + 1
            continue
        with pytest.raises(DefinitionError) as caught, connection.begin_nested():
            publish(connection, wanted, by="test")
        (problem,) = caught.value.problems
        assert problem.path == "/roles/guard/grants/booking/share/1/read"
        assert "The database cannot run this condition" in sentence(problem)
        assert "seats" in sentence(problem)
        assert "数据库无法执行此条件" in sentence(problem, "zh")
