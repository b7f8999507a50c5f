"""A small package with something of every kind, its next version, and ways to work with both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from metadata.catalog import build_catalog
from metadata.drafts import Draft, with_drafts
from metadata.elements import Element
from metadata.json_text import mapping
from metadata.migrate import publish
from metadata.packages.install import install
from metadata.packages.read import Package, package_of
from metadata.store import load_catalog, load_elements
from metadata.stored import is_retired
from tests.metadata.databases import object_body

Files = dict[str, Any]
NOW = datetime(2026, 3, 1, tzinfo=UTC)

TEXT: dict[str, Any] = {"type": "string"}
AGE: dict[str, Any] = {"type": "integer", "crm": {"index": True}}

CRM: Files = {
    "manifest.json": {"name": "crm", "version": "1.0.0", "title": "CRM"},
    "objects/lead.json": object_body(
        {
            "name": {**TEXT, "title": "Name"},
            "channel": {"enum": ["web", "event"], "crm": {"options": {"web": {"title": "Web"}}}},
        },
        required=["name"],
        plural="Leads",
    ),
    "views/lead/all.json": {"title": "All", "type": "list", "columns": ["name", "channel"]},
}

SCHOOL: Files = {
    "manifest.json": {
        "name": "school",
        "version": "1.0.0",
        "title": "School",
        "requires": {"crm": ">=1.0,<3"},
    },
    "objects/student.json": object_body(
        {
            "name": {**TEXT, "title": "Name", "maxLength": 80},
            "grade": {
                "enum": ["one", "two"],
                "title": "Grade",
                "crm": {"options": {"one": {"title": "One"}, "two": {"title": "Two"}}},
            },
            "fee": {"type": "number", "title": "Fee", "crm": {"field": "money"}},
            "lead": {"type": "string", "crm": {"field": "reference", "to": "lead"}},
        },
        required=["name"],
        plural="Students",
    ),
    "objects/lead.extend.json": {"properties": {"school": {**TEXT, "title": "School"}}},
    "views/student/all.json": {
        "title": "All",
        "type": "list",
        "columns": ["name", "grade"],
        "sort": ["name"],
        "filter": 'grade = "one"',
    },
    "views/student/open.json": {"title": "Open", "type": "list", "columns": ["name"]},
    "layouts/student/record.json": {
        "kind": "record",
        "sections": [
            {"title": "Student", "fields": ["name", "grade"]},
            {"title": "Money", "fields": ["fee"]},
        ],
    },
    "roles/teacher.json": {
        "title": "Teacher",
        "grants": {"student": {"read": "all", "update": "own"}, "lead": {"read": "own"}},
    },
    "rules/checks.rules": (
        "# What has to be right.\n"
        'validate fees on student {\n    require fee >= 0 CNY message "No gifts"\n}\n\n'
        'validate names on student {\n    require name is not empty message "A name"\n}\n'
    ),
    "translations/zh.json": {
        "objects": {
            "student": {"title": "学生", "fields": {"name": {"title": "姓名"}}},
            "lead": {"fields": {"school": {"title": "学校"}}},
        },
        "messages": {"No gifts": "不送礼"},
    },
    "demo/student.csv": "name,grade\nLi,one\n",
    "tests/fees.rules": (
        'test "a fee" of fees {\n    given student as li { name: "Li" }\n'
        "    change { fee: 5 CNY }\n    expect li.fee = 5 CNY\n}\n"
    ),
    "templates/mail.html": "<p>{{ name }}</p>\n",
    "dashboards/overview.json": {"title": "Overview", "widgets": []},
    "README.md": "# School\n",
}


def package(files: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Package:
    """Gives the package of some files; None among the changes leaves one out."""
    found = {**files, **(changes or {})}
    return package_of({path: content(one) for path, one in found.items() if one is not None})


def content(one: object) -> bytes:
    """Gives the content of a file: a text as it is, all else as JSON."""
    if isinstance(one, bytes):
        return one
    return (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)).encode()


def version_two(changes: Mapping[str, Any] | None = None) -> Package:
    """Gives the next version of the school with other files."""
    manifest = {**SCHOOL["manifest.json"], "version": "2.0.0"}
    return package(SCHOOL, {"manifest.json": manifest, **(changes or {})})


def changed(path: str, *place: Any, to: object = None) -> Any:
    """Gives a document of the school with another value at a place; None takes it away."""
    return with_value(SCHOOL[path], place, to)


def with_value(document: Any, place: tuple[Any, ...], to: object) -> Any:
    """Gives a document with another value at a place; None takes it away."""
    made = deepcopy(document)
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    if to is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = to
    return made


def install_school(connection: sa.Connection) -> None:
    """Installs both packages in their first versions."""
    install(connection, package(CRM), by="ann")
    install(connection, package(SCHOOL), by="ann")


def edit_school(connection: sa.Connection) -> None:
    """Changes the installed school here and there, as an administrator would."""
    edit_at(connection, "object", "student", "properties", "fee", "title", to="Price")
    edit_at(connection, "object", "student", "properties", "nick", to=TEXT)
    edit_at(connection, "view", "student/all", "title", to="Ours")


def upgrade_school(connection: sa.Connection) -> int:
    """Installs the school's next version: a field more, one less, one renamed, other rules."""
    fields = SCHOOL["objects/student.json"]["properties"]
    year = {**fields["grade"], "crm": {**fields["grade"]["crm"], "renamed_from": "grade"}}
    kept = {name: one for name, one in fields.items() if name not in {"grade", "lead"}}
    student = {**SCHOOL["objects/student.json"], "properties": {**kept, "year": year, "age": AGE}}
    rules = SCHOOL["rules/checks.rules"].replace("A name", "A full name")
    changes = {
        "objects/student.json": student,
        "objects/lead.extend.json": {"properties": {"school": TEXT, "class": TEXT}},
        "views/student/all.json": {"title": "All", "type": "list", "columns": ["name", "year"]},
        "layouts/student/record.json": changed(
            "layouts/student/record.json", "sections", 0, "fields", to=["name", "year"]
        ),
        "rules/checks.rules": rules,
        "demo/student.csv": "name,year\nLi,one\n",
    }
    return install(connection, version_two(changes), by="ann", confirm=["student.lead"])


def edit(connection: sa.Connection, kind: str, name: str, body: Any) -> None:
    """Publishes a change as the designer would; None deletes."""
    known = load_elements(connection)
    elements = with_drafts(known, [Draft(kind, name, body)])
    publish(connection, elements, by="ann", confirm=everything(known))


def edit_at(
    connection: sa.Connection, kind: str, name: str, *place: Any, to: object = None
) -> None:
    """Publishes another value at a place of an element; None takes it away."""
    edit(connection, kind, name, with_value(body_of(connection, kind, name), place, to))


def everything(elements: list[Element]) -> list[str]:
    """Gives all names that could have to be confirmed."""
    objects = [one for one in elements if one.kind == "object"]
    fields = [f"{one.name}.{name}" for one in objects for name in mapping(one.body["properties"])]
    return [*(one.name for one in objects), *fields]


def body_of(connection: sa.Connection, kind: str, name: str) -> Any:
    """Gives the document of an element in force."""
    found = next(one for one in load_elements(connection) if one.key == (kind, name))
    return json.loads(json.dumps(found.body))


def in_force(connection: sa.Connection) -> dict[str, object]:
    """Gives everything that is defined and in use, as its authors wrote it, by kind and name."""
    found = {}
    for one in load_elements(connection):
        if is_retired(one.body) or one.body.get("retired") is True:
            continue
        body = {**one.body}
        if one.kind == "object":
            fields = mapping(body["properties"])
            body["properties"] = {
                name: field for name, field in fields.items() if not is_retired(mapping(field))
            }
        found[f"{one.kind}/{one.name}"] = (one.id, one.package, body)
    return found


def checksum(connection: sa.Connection, tables: list[str] | None = None) -> str:
    """Gives one number for everything in use: definitions, and the rows of their tables."""
    catalog = build_catalog(0, load_elements(connection))
    rows = {}
    for name, definition in catalog.objects.items():
        if tables is not None and name not in tables:
            continue
        table = catalog.tables[name]
        columns = [
            column
            for column in table.columns
            if column.name.partition("$")[0] not in definition.retired_fields
        ]
        listed = connection.execute(sa.select(*columns).order_by(table.c.id))
        rows[name] = [tuple(map(str, row)) for row in listed]
    text = json.dumps([in_force(connection), rows], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


def add_row(connection: sa.Connection, object_name: str, **values: object) -> None:
    """Writes a record straight into its table."""
    table = load_catalog(connection).tables[object_name]
    system = {"version": 1, "created_at": NOW, "updated_at": NOW, "source": "test"}
    given = {name: one for name, one in system.items() if name in table.c}
    connection.execute(table.insert().values({**given, **values}))
