"""Laws of packages, drawn: twenty edits here against an upgrade, and export against import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metadata.diff import plan
from metadata.drafts import Draft, with_drafts
from metadata.elements import Element
from metadata.json_text import pointer
from metadata.packages.export import export_package
from metadata.packages.files import load_bases
from metadata.packages.install import Prepared, prepare_all, publish_prepared
from metadata.packages.read import Package, package_of
from metadata.store import create_store, load_elements
from tests.metadata.databases import engine_for
from tests.metadata.package_world import (
    CRM,
    SCHOOL,
    edit,
    everything,
    install_school,
    package,
    version_two,
    with_value,
)

STUDENT, ROLE = "objects/student.json", "roles/teacher.json"
FEES, NAMES = '"No gifts"', '"A name"'
TITLES = ("Alpha", "Beta", "Gamma")

# Where something can be changed: file, kind and name, place, and the values it can take.
Spot = tuple[str, str, str, tuple[Any, ...], tuple[Any, ...]]
SPOTS: tuple[Spot, ...] = (
    *(
        (STUDENT, "object", "student", ("properties", field, *place), values)
        for field in ("name", "grade", "fee", "lead")
        for place, values in (
            (("title",), TITLES),
            (("description",), TITLES),
            (("crm", "help"), TITLES),
        )
    ),
    (STUDENT, "object", "student", ("properties", "name", "maxLength"), (90, 100, 120)),
    (STUDENT, "object", "student", ("title",), TITLES),
    (STUDENT, "object", "student", ("crm", "plural"), TITLES),
    (STUDENT, "object", "student", ("crm", "icon"), ("school", "users", "star")),
    *(
        (STUDENT, "object", "student", ("properties", new, "title"), TITLES)
        for new in ("nick", "phone")
    ),
    *(
        (
            STUDENT,
            "object",
            "student",
            ("properties", "grade", "crm", "options", one, "title"),
            TITLES,
        )
        for one in ("one", "two")
    ),
    ("views/student/all.json", "view", "student/all", ("title",), TITLES),
    ("views/student/all.json", "view", "student/all", ("filter",), ("fee > 1 CNY", "fee > 2 CNY")),
    ("views/student/open.json", "view", "student/open", ("title",), TITLES),
    ("views/student/open.json", "view", "student/open", ("columns",), (["grade"], ["fee"])),
    (
        "layouts/student/record.json",
        "layout",
        "student/record",
        ("sections", 1, "columns"),
        (1, 2, 3),
    ),
    *(
        (ROLE, "role", "teacher", ("grants", target, right), ("all", "team", "none"))
        for target, right in (("student", "update"), ("student", "delete"), ("lead", "read"))
    ),
    (
        "translations/zh.json",
        "translations",
        "school/zh",
        ("objects", "student", "title"),
        ("甲", "乙"),
    ),
    ("translations/zh.json", "translations", "school/zh", ("messages", "A name"), ("丙", "丁")),
)
ADDED = frozenset({"nick", "phone"})
EDITS = 20


@st.composite
def drawn_changes(draw: st.DrawFn, least: int) -> dict[int, Any]:
    """Draws other values for at least so many of the spots."""
    spots = draw(st.permutations(range(len(SPOTS))))[: draw(st.integers(least, len(SPOTS)))]
    return {number: draw(st.sampled_from(SPOTS[number][4])) for number in spots}


def applied(document: Any, changes: Mapping[tuple[Any, ...], Any]) -> Any:
    """Gives a document with other values; a field that is not there is made."""
    for place, value in changes.items():
        if place[0] == "properties" and place[1] not in document["properties"]:
            document = with_value(document, place[:2], {"type": "string"})
        for depth in range(1, len(place)):
            document = made_at(document, place[:depth])
        document = with_value(document, place, value)
    return document


def made_at(document: Any, place: tuple[Any, ...]) -> Any:
    """Gives a document with an object at a place."""
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    is_there = isinstance(inner, list) or place[-1] in inner
    return document if is_there else with_value(document, place, {})


def at(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


def by_element(
    changes: Mapping[int, Any],
) -> dict[tuple[str, str, str], dict[tuple[Any, ...], Any]]:
    """Gives changes by file and element."""
    found: dict[tuple[str, str, str], dict[tuple[Any, ...], Any]] = {}
    for number, value in changes.items():
        path, kind, name, place, _ = SPOTS[number]
        found.setdefault((path, kind, name), {})[place] = value
    return found


def new_version(changes: Mapping[int, Any]) -> Package:
    """Gives the next version of the school with changed files."""
    return version_two(
        {path: applied(SCHOOL[path], one) for (path, _, _), one in by_element(changes).items()}
    )


@cache
def installed() -> tuple[Element, ...]:
    """Gives the definitions with both packages, without a database."""
    prepared = prepare_all([package(CRM), package(SCHOOL)], (), {})
    return plan((), prepared.elements).elements


def bodies(elements: tuple[Element, ...] | list[Element]) -> dict[tuple[str, str], Any]:
    return {element.key: element.body for element in elements}


def drafts(elements: tuple[Element, ...], changes: Mapping[int, Any]) -> list[Draft]:
    """Gives changes as somebody makes them in the designer."""
    known = bodies(elements)
    return [
        Draft(kind, name, applied(known[kind, name], one))
        for (_, kind, name), one in by_element(changes).items()
    ]


def assert_nothing_is_lost(
    prepared: Prepared, ours: Mapping[int, Any], theirs: Mapping[int, Any], found: Any
) -> None:
    """Every edit is in force, every other change of the package too; the rest is a conflict."""
    clashes = {number for number in ours.keys() & theirs.keys() if ours[number] != theirs[number]}
    for number, value in {**theirs, **ours}.items():
        _, kind, name, place, _ = SPOTS[number]
        assert at(found[kind, name], place) == value, place
    places = {conflict.place for conflict in prepared.conflicts}
    assert places == {f"{SPOTS[n][0]}:{pointer(SPOTS[n][3])}" for n in clashes}
    assert prepared.problems == ()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_changes(EDITS), drawn_changes(5))
def test_twenty_edits_and_an_upgrade(ours: dict[int, Any], theirs: dict[int, Any]) -> None:
    edited = plan(installed(), with_drafts(installed(), drafts(installed(), ours)))
    assert edited.problems == ()
    bases = {"crm": package(CRM), "school": package(SCHOOL)}
    prepared = prepare_all([new_version(theirs)], edited.elements, bases)
    planned = plan(edited.elements, prepared.elements)
    assert planned.problems == ()
    assert planned.destructive == ()
    assert_nothing_is_lost(prepared, ours, theirs, bodies(planned.elements))
    chosen = {conflict.place: "theirs" for conflict in prepared.conflicts}
    other = prepare_all([new_version(theirs)], edited.elements, bases, chosen)
    found = bodies(plan(edited.elements, other.elements).elements)
    for number, value in {**ours, **theirs}.items():
        _, kind, name, place, _ = SPOTS[number]
        assert at(found[kind, name], place) == value, place


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        yield made


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ours=drawn_changes(EDITS), theirs=drawn_changes(5))
def test_the_same_in_a_database(
    connection: sa.Connection, ours: dict[int, Any], theirs: dict[int, Any]
) -> None:
    with connection.begin_nested() as attempt:
        install_school(connection)
        for draft in drafts(tuple(load_elements(connection)), ours):
            edit(connection, draft.kind, draft.name, draft.body)
        current = load_elements(connection)
        bases = load_bases(connection, current)
        prepared = prepare_all([new_version(theirs)], current, bases)
        publish_prepared(connection, prepared, by="ann", confirm=everything(current))
        found = load_elements(connection)
        assert_nothing_is_lost(prepared, ours, theirs, bodies(found))
        exported = export_package("school", found, load_bases(connection, found)["school"]).files
        again = prepare_all([package_of(exported)], found, load_bases(connection, found))
        publish_prepared(connection, again, by="ann", confirm=everything(found))
        after = load_elements(connection)
        back = export_package("school", after, load_bases(connection, after)["school"]).files
        assert back == exported
        attempt.rollback()
