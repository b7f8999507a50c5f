"""Upgrades: three versions of everything merge, and what both changed is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.drafts import Draft, with_drafts
from metadata.migrate import publish
from metadata.packages.files import load_bases
from metadata.packages.install import Prepared, install, prepare_all, publish_prepared
from metadata.packages.read import Package
from metadata.problems import PackageError
from metadata.store import create_store, load_catalog, load_elements
from tests.metadata.databases import engine_for
from tests.metadata.package_world import (
    SCHOOL,
    TEXT,
    add_row,
    body_of,
    changed,
    edit,
    edit_at,
    edit_school,
    everything,
    in_force,
    install_school,
    package,
    upgrade_school,
    version_two,
)

STUDENT, CHECKS = "objects/student.json", "rules/checks.rules"
ALL, RECORD, ROLE = "views/student/all.json", "layouts/student/record.json", "roles/teacher.json"


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        install_school(made)
        yield made


def prepared(
    connection: sa.Connection, new: Package, resolutions: Mapping[str, str] | None = None
) -> Prepared:
    current = load_elements(connection)
    return prepare_all([new], current, load_bases(connection, current), resolutions)


def upgrade(
    connection: sa.Connection, new: Package, resolutions: Mapping[str, str] | None = None
) -> list[str]:
    """Upgrades and gives the places of conflicts."""
    found = prepared(connection, new, resolutions)
    publish_prepared(connection, found, by="ann", confirm=everything(load_elements(connection)))
    return [conflict.place for conflict in found.conflicts]


def at(document: Any, *place: Any) -> Any:
    for key in place:
        document = document[key]
    return document


Place = tuple[Any, ...]

# What is edited here, what the new version changes, the conflicts, and what is then in force.
ROWS: list[
    tuple[
        str,
        tuple[str, str],
        tuple[Place, Any],
        tuple[str, Place, Any],
        list[str],
        list[tuple[Place, Any]],
    ]
] = [
    (
        "different keys of one field",
        ("object", "student"),
        (("properties", "name", "title"), "Full name"),
        (STUDENT, ("properties", "name", "maxLength"), 120),
        [],
        [
            (("properties", "name", "title"), "Full name"),
            (("properties", "name", "maxLength"), 120),
        ],
    ),
    (
        "one key of one field",
        ("object", "student"),
        (("properties", "name", "maxLength"), 100),
        (STUDENT, ("properties", "name", "maxLength"), 120),
        [f"{STUDENT}:/properties/name/maxLength"],
        [(("properties", "name", "maxLength"), 100)],
    ),
    (
        "header keys",
        ("object", "student"),
        (("crm", "plural"), "Pupils"),
        (STUDENT, ("title",), "Student"),
        [],
        [(("crm", "plural"), "Pupils"), (("title",), "Student")],
    ),
    (
        "an option here, another there",
        ("object", "student"),
        (("properties", "grade", "enum"), ["one", "two", "kinder"]),
        (STUDENT, ("properties", "grade", "enum"), ["zero", "one", "two"]),
        [],
        [(("properties", "grade", "enum"), ["zero", "one", "two", "kinder"])],
    ),
    (
        "titles of options",
        ("object", "student"),
        (("properties", "grade", "crm", "options", "one", "title"), "First"),
        (STUDENT, ("properties", "grade", "crm", "options", "two", "title"), "Second"),
        [],
        [
            (
                ("properties", "grade", "crm", "options"),
                {"one": {"title": "First"}, "two": {"title": "Second"}},
            )
        ],
    ),
    (
        "a field that is gone here and changed there",
        ("object", "student"),
        (("properties", "lead"), None),
        (STUDENT, ("properties", "lead", "title"), "From"),
        [f"{STUDENT}:/properties/lead"],
        [(("properties", "lead", "crm", "retired"), True)],
    ),
    (
        "a field added by both",
        ("object", "student"),
        (("properties", "phone"), {**TEXT, "title": "Telephone"}),
        (STUDENT, ("properties", "phone"), {**TEXT, "title": "Phone", "maxLength": 40}),
        [f"{STUDENT}:/properties/phone/title"],
        [
            (("properties", "phone", "title"), "Telephone"),
            (("properties", "phone", "maxLength"), 40),
        ],
    ),
    (
        "a field renamed here",
        ("object", "student"),
        (("properties", "grade", "title"), "Class"),
        (STUDENT, ("properties", "grade", "crm", "help"), "The year"),
        [],
        [
            (("properties", "grade", "title"), "Class"),
            (("properties", "grade", "crm", "help"), "The year"),
        ],
    ),
    (
        "required here and there",
        ("object", "student"),
        (("required",), ["name", "lead"]),
        (STUDENT, ("required",), ["name", "grade"]),
        [],
        [(("required",), ["name", "lead", "grade"])],
    ),
    (
        "the field added to another's object",
        ("object", "lead"),
        (("properties", "school", "title"), "Our school"),
        ("objects/lead.extend.json", ("properties", "school", "maxLength"), 90),
        [],
        [
            (("properties", "school", "title"), "Our school"),
            (("properties", "school", "maxLength"), 90),
            (("properties", "school", "crm", "package"), "school"),
        ],
    ),
    (
        "columns of a view",
        ("view", "student/all"),
        (("columns",), ["name", "grade", "lead"]),
        (ALL, ("columns",), ["fee", "name", "grade"]),
        [],
        [(("columns",), ["fee", "name", "grade", "lead"])],
    ),
    (
        "columns moved by both",
        ("view", "student/all"),
        (("columns",), ["grade", "name", "fee"]),
        (ALL, ("columns",), ["lead", "name", "grade"]),
        [],
        [(("columns",), ["lead", "grade", "name", "fee"])],
    ),
    (
        "a sort replaced by both",
        ("view", "student/all"),
        (("sort",), ["-grade"]),
        (ALL, ("sort",), ["-fee"]),
        [f"{ALL}:/sort"],
        [(("sort",), ["-grade"])],
    ),
    (
        "a filter replaced by both",
        ("view", "student/all"),
        (("filter",), 'grade = "two"'),
        (ALL, ("filter",), "fee > 5 CNY"),
        [f"{ALL}:/filter"],
        [(("filter",), 'grade = "two"')],
    ),
    (
        "sections of a layout, by title",
        ("layout", "student/record"),
        (("sections", 1, "fields"), ["fee", "lead"]),
        (RECORD, ("sections", 0, "columns"), 2),
        [],
        [(("sections", 1, "fields"), ["fee", "lead"]), (("sections", 0, "columns"), 2)],
    ),
    (
        "grants of different objects",
        ("role", "teacher"),
        (("grants", "student", "update"), "all"),
        (ROLE, ("grants", "lead", "read"), "all"),
        [],
        [(("grants", "student", "update"), "all"), (("grants", "lead", "read"), "all")],
    ),
    (
        "one grant",
        ("role", "teacher"),
        (("grants", "student", "update"), "all"),
        (ROLE, ("grants", "student", "update"), "team"),
        [f"{ROLE}:/grants/student/update"],
        [(("grants", "student", "update"), "all")],
    ),
    (
        "different statements of rules",
        ("rules", "school/checks"),
        (("text",), SCHOOL[CHECKS].replace("No gifts", "Never free")),
        (CHECKS, (), SCHOOL[CHECKS].replace("A name", "A full name")),
        [],
        [
            (
                ("text",),
                SCHOOL[CHECKS].replace("No gifts", "Never free").replace("A name", "A full name"),
            )
        ],
    ),
    (
        "one statement of rules",
        ("rules", "school/checks"),
        (("text",), SCHOOL[CHECKS].replace("No gifts", "Never free")),
        (CHECKS, (), SCHOOL[CHECKS].replace("No gifts", "Not free").replace("A name", "Named")),
        [f"{CHECKS}:/validate fees"],
        [(("text",), SCHOOL[CHECKS].replace("No gifts", "Never free").replace("A name", "Named"))],
    ),
    (
        "translations",
        ("translations", "school/zh"),
        (("objects", "student", "title"), "同学"),
        ("translations/zh.json", ("objects", "student", "fields", "fee"), {"title": "费用"}),
        [],
        [
            (("objects", "student", "title"), "同学"),
            (("objects", "student", "fields", "fee", "title"), "费用"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("key", "edited", "new", "conflicts", "expected"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_rows(
    connection: sa.Connection,
    key: tuple[str, str],
    edited: tuple[Place, Any],
    new: tuple[str, Place, Any],
    conflicts: list[str],
    expected: list[tuple[Place, Any]],
) -> None:
    edit_at(connection, *key, *edited[0], to=edited[1])
    path, place, value = new
    two = version_two({path: changed(path, *place, to=value) if place else value})
    assert upgrade(connection, two) == conflicts
    found = body_of(connection, *key)
    assert [(place, at(found, *place)) for place, _ in expected] == expected
    assert load_catalog(connection).packages["school"] == "2.0.0"
    version = load_catalog(connection).version
    assert install(connection, two, by="ann") == version, "the same again changes nothing"


def test_a_conflict_goes_as_it_is_chosen(connection: sa.Connection) -> None:
    edit_at(connection, "object", "student", "properties", "name", "maxLength", to=100)
    edit_at(connection, "view", "student/all", "filter", to="fee > 1 CNY")
    files = {
        STUDENT: changed(STUDENT, "properties", "name", "maxLength", to=120),
        ALL: changed(ALL, "filter", to="fee > 5 CNY"),
    }
    two = version_two(files)
    places = [f"{STUDENT}:/properties/name/maxLength", f"{ALL}:/filter"]
    found = prepared(connection, two)
    assert [(one.place, one.base, one.ours, one.theirs, one.kept) for one in found.conflicts] == [
        (places[0], 80, 100, 120, "ours"),
        (places[1], 'grade = "one"', "fee > 1 CNY", "fee > 5 CNY", "ours"),
    ]
    wrong = prepared(connection, two, {"views/x.json:/filter": "ours", places[0]: "mine"})
    assert [(one.path, one.code) for one in wrong.problems] == [
        ("views/x.json:/filter", "unknown_conflict"),
        (places[0], "not_known"),
    ]
    upgrade(connection, two, {places[0]: "theirs", places[1]: "ours"})
    assert at(body_of(connection, "object", "student"), "properties", "name", "maxLength") == 120
    assert body_of(connection, "view", "student/all")["filter"] == "fee > 1 CNY"
    # What was kept is an edit of the new version from now on.
    manifest = {**SCHOOL["manifest.json"], "version": "3.0.0"}
    assert prepared(connection, version_two({**files, "manifest.json": manifest})).conflicts == ()


@pytest.mark.parametrize(("choice", "is_there"), [("ours", True), ("theirs", False)])
def test_what_the_package_drops_and_somebody_edited(
    connection: sa.Connection, choice: str, is_there: bool
) -> None:
    edit_at(connection, "view", "student/open", "title", to="Ours")
    edit_at(connection, "object", "student", "properties", "fee", "title", to="Price")
    two = version_two(
        {
            "views/student/open.json": None,
            STUDENT: changed(STUDENT, "properties", "fee"),
            RECORD: changed(RECORD, "sections", 1),
            CHECKS: SCHOOL[CHECKS].split("\n\n")[1],
            "tests/fees.rules": None,
            "translations/zh.json": None,
        }
    )
    places = [f"{STUDENT}:/properties/fee", "views/student/open.json"]
    assert upgrade(connection, two, dict.fromkeys(places, choice)) == places
    views = {one.name: one.package for one in load_elements(connection) if one.kind == "view"}
    assert views.get("student/open") == ("local" if is_there else None)
    fields = load_catalog(connection).objects["student"].fields
    assert ("fee" in fields) is is_there


@pytest.mark.parametrize("edited", [False, True])
def test_a_field_that_the_new_version_renames(connection: sa.Connection, edited: bool) -> None:
    add_row(connection, "student", id="s1", version=1, name="Li", grade="one")
    if edited:
        edit_at(connection, "object", "student", "properties", "grade", "title", to="Class")
        edit(connection, "view", "student/mine", {"title": "Mine", "columns": ["name"]})
    renamed = {
        name if name != "grade" else "year": one
        if name != "grade"
        else {**one, "crm": {**one["crm"], "renamed_from": "grade"}}
        for name, one in SCHOOL[STUDENT]["properties"].items()
    }
    two = version_two(
        {
            STUDENT: {**SCHOOL[STUDENT], "properties": renamed},
            ALL: {"title": "All", "type": "list", "columns": ["name", "year"]},
            RECORD: changed(RECORD, "sections", 0, "fields", to=["name", "year"]),
            "demo/student.csv": "name,year\nLi,one\n",
        }
    )
    assert upgrade(connection, two) == []
    year = body_of(connection, "object", "student")["properties"]["year"]
    assert (year["title"], year["crm"]["column"]) == ("Class" if edited else "Grade", "grade")
    table = load_catalog(connection).tables["student"]
    assert connection.execute(sa.select(table.c.grade)).scalar() == "one"


def test_a_field_that_was_renamed_here(connection: sa.Connection) -> None:
    student = body_of(connection, "object", "student")
    student["properties"] = {
        "cost" if name == "fee" else name: one for name, one in student["properties"].items()
    }
    rules = SCHOOL[CHECKS].replace("fee >=", "cost >=")
    tests = SCHOOL["tests/fees.rules"].replace("fee: 5", "cost: 5").replace("li.fee", "li.cost")
    edit_all = [
        ("rules", "school/checks", {"text": rules}),
        ("rules", "school/tests/fees", {"text": tests}),
    ]
    layout = body_of(connection, "layout", "student/record")
    layout["sections"][1]["fields"] = ["cost"]
    publish_all(
        connection,
        [("object", "student", student), ("layout", "student/record", layout), *edit_all],
    )
    two = version_two({STUDENT: changed(STUDENT, "properties", "fee", "title", to="School fee")})
    assert upgrade(connection, two) == []
    cost = body_of(connection, "object", "student")["properties"]["cost"]
    assert (cost["title"], cost["crm"]["column"]) == ("School fee", "fee")


def publish_all(connection: sa.Connection, changes: list[tuple[str, str, Any]]) -> None:
    """Publishes several changes at once, as the designer would."""
    elements = load_elements(connection)
    wanted = with_drafts(elements, [Draft(*one) for one in changes])
    publish(connection, wanted, by="ann", confirm=everything(elements))


def test_what_was_made_here_is_merged_with_what_comes(connection: sa.Connection) -> None:
    view = {"title": "Ours", "type": "list", "columns": ["name"]}
    edit(connection, "view", "student/late", view)
    edit(connection, "object", "teacher", {"properties": {"name": TEXT, "room": TEXT}})
    two = version_two(
        {
            "views/student/late.json": {**view, "title": "Late", "sort": ["name"]},
            "objects/teacher.json": {"properties": {"name": {**TEXT, "maxLength": 50}}},
        }
    )
    assert upgrade(connection, two) == ["views/student/late.json:/title"]
    merged = in_force(connection)["view/student/late"]
    assert merged[1:] == ("school", {**view, "sort": ["name"]})  # type: ignore[index]
    fields = load_catalog(connection).objects["teacher"].own_fields
    assert {field.name: field.package for field in fields} == {"name": "school", "room": "local"}


def test_packages_that_would_not_fit_each_other_are_named(connection: sa.Connection) -> None:
    crm = {"name": "crm", "version": "3.0.0", "title": "CRM"}
    with pytest.raises(PackageError) as refused:
        install(connection, package({"manifest.json": crm}), by="ann")
    assert str(refused.value).splitlines()[0] == (
        "manifest.json:/version: school 1.0.0 needs crm >=1.0,<3, and would not work with 3.0.0; "
        "upgrade or uninstall it first"
    )


def test_a_whole_upgrade_over_edits(connection: sa.Connection) -> None:
    edit_school(connection)
    upgrade_school(connection)
    fields = load_catalog(connection).objects["student"].fields
    titles = {name: fields[name].label() for name in ("name", "fee", "nick", "year", "age")}
    assert titles == {
        "name": "Name", "fee": "Price", "nick": "Nick", "year": "Grade", "age": "Age"
    }  # fmt: skip
    assert "lead" not in fields
    assert body_of(connection, "view", "student/all")["title"] == "Ours"
    assert body_of(connection, "view", "student/all")["columns"] == ["name", "year"]
