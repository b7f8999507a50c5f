"""Packages with one mistake each, made of a good one.

Each row: a name, and the files that are different (None: left out), or a function that changes
the zip. What is said about each stands in `broken_packages.txt`: the whole line with file, place,
reason and way out; "…" leaves out the rest of a long list.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from tests.metadata.package_world import SCHOOL, TEXT, content, with_value

Change = Callable[[zipfile.ZipFile], None]
Broken = tuple[str, Mapping[str, Any] | Change]

STUDENT, ALL, RULES = "objects/student.json", "views/student/all.json", "rules/checks.rules"
RECORD, ROLE, ZH = "layouts/student/record.json", "roles/teacher.json", "translations/zh.json"
MANIFEST, LEAD, DEMO = "manifest.json", "objects/lead.extend.json", "demo/student.csv"
WORLD: Mapping[str, Any] = {
    "seed": 7,
    "history_days": 90,
    "pools": {"first": ["Mei", "Wei"]},
    "teams": [{"name": "North"}],
    "users": [{"username": "mei", "name": "Mei", "roles": ["teacher"], "team": "North"}],
    "objects": [
        {
            "object": "student",
            "count": 3,
            "owner": "teacher",
            "created_days": [60, 0],
            "fields": {"name": {"template": "{first} {digits:2}"}, "grade": {"pick": ["one"]}},
        }
    ],
}
LIFE = {"chance": 1, "after_days": [0, 1], "set": {"grad": "two"}}
GENERATE = "demo/generate.json"


def at(path: str, *place: Any, to: Any = None) -> dict[str, Any]:
    """Gives one file with another value at a place; None takes it away."""
    return {path: with_value(SCHOOL[path], place, to)}


def field(name: str, **keywords: Any) -> dict[str, Any]:
    """Gives the student with another field, or one more."""
    return at(STUDENT, "properties", name, to=keywords)


def crm(name: str, **keywords: Any) -> dict[str, Any]:
    """Gives the student with a text field with `crm` keywords."""
    return field(name, type="string", crm=keywords)


def world(*place: Any, to: Any = None) -> dict[str, Any]:
    """Gives the recipes of the demo world with another value at a place."""
    return {GENERATE: with_value(WORLD, place, to)}


def made(name: str, recipe: Any) -> dict[str, Any]:
    """Gives the recipes of the demo world with another recipe for a field of students."""
    return world("objects", 0, "fields", name, to=recipe)


def zip_with(mutation: Mapping[str, Any] | Change) -> io.BytesIO:
    """Gives the zip of the school with one mistake."""
    files = {**SCHOOL, **(mutation if isinstance(mutation, Mapping) else {})}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, document in files.items():
            if document is not None:
                archive.writestr(path, content(document))
        if not isinstance(mutation, Mapping):
            mutation(archive)
    stream.seek(0)
    return stream


def link(archive: zipfile.ZipFile) -> None:
    """Adds a link out of the package."""
    entry = zipfile.ZipInfo("demo/lead.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def packed_otherwise(archive: zipfile.ZipFile) -> None:
    """Adds a file that is packed as nobody needs."""
    archive.writestr("demo/lead.csv", "name\n", zipfile.ZIP_LZMA)


def crowd(archive: zipfile.ZipFile) -> None:
    """Adds more files than any package has."""
    for number in range(1_001):
        archive.writestr(f"templates/{number}.txt", "x")


def twice(archive: zipfile.ZipFile) -> None:
    """Adds a name that differs in case only."""
    archive.writestr("readme.MD", "x")


def named(name: str) -> Change:
    """Gives what adds a file of a name."""
    return lambda archive: archive.writestr(name, "x")


ROWS: list[Broken] = [
    ("unknown type", field("x", type="number", crm={"field": "mony"})),
    ("type against JSON type", field("x", type="boolean", crm={"field": "date"})),
    ("type cannot be told", field("x", title="X")),
    ("unknown keyword", crm("x", indx=True)),
    ("keyword of another type", crm("x", currency="CNY")),
    ("no such currency", field("x", type="number", crm={"field": "money", "currency": "XYZ"})),
    ("default not an option", field("grade", enum=["one", "two"], default="three")),
    ("option twice", field("grade", enum=["one", "one"])),
    (
        "options that are none",
        field("grade", enum=["one"], crm={"options": {"to": {"title": "T"}}}),
    ),
    ("evil pattern", field("x", type="string", pattern="(a+)+\\1")),
    ("pattern too long", field("x", type="string", pattern="a" * 5_000)),
    ("limit is no number", field("x", type="number", minimum="five")),
    ("no target", crm("x", field="reference")),
    ("unknown target", crm("x", field="reference", to="accont")),
    (
        "required and emptied",
        {
            STUDENT: with_value(
                at(STUDENT, "required", to=["lead"])[STUDENT],
                ("properties", "lead", "crm", "on_delete"),
                "set_null",
            )
        },
    ),
    (
        "two ways back of one name",
        field("second", type="string", crm={"field": "reference", "to": "lead"}),
    ),
    ("reserved field name", field("owner", **TEXT)),
    ("bad field name", field("9lives", **TEXT)),
    ("reserved object name", {"objects/team.json": {"properties": {"name": TEXT}}}),
    ("bad object name", {"objects/Pupil.json": {"properties": {"name": TEXT}}}),
    ("name differs from file", at(STUDENT, "$id", to="pupil")),
    ("no fields", {"objects/room.json": {"title": "Room"}}),
    ("not JSON", {STUDENT: '{"title": "a",,}'}),
    ("duplicate key", {STUDENT: '{"properties": {"name": {"type": "string", "type": "number"}}}'}),
    ("not UTF-8", {STUDENT: b"\xff\xfe{}"}),
    ("NaN", {STUDENT: '{"properties": {"name": {"type": "number", "minimum": NaN}}}'}),
    ("nested too deep", {STUDENT: '{"x":' * 80 + "1" + "}" * 80}),
    ("list, not object", {STUDENT: "[]"}),
    ("unknown condition", crm("x", required_when='grad = "one"')),
    ("condition of two types", crm("x", visible_when="grade = 5")),
    (
        "formula cycle",
        {
            STUDENT: with_value(
                field("a", type="number", readOnly=True, crm={"formula": "b + 1"})[STUDENT],
                ("properties", "b"),
                {"type": "number", "readOnly": True, "crm": {"formula": "a + 1"}},
            )
        },
    ),
    ("search over nothing", at(STUDENT, "crm", "search", to=["nam"])),
    ("field of another package", {LEAD: {"properties": {"channel": TEXT}}}),
    ("extension of nothing", {"objects/led.extend.json": {"properties": {"x": TEXT}}}),
    ("extension with more than fields", at(LEAD, "title", to="Lead")),
    ("object of another package", {"objects/lead.json": {"properties": {"name": TEXT}}}),
    ("view of another package", {"views/lead/all.json": {"title": "All", "columns": ["name"]}}),
    ("view without column", at(ALL, "columns", to=["nmae"])),
    ("view over a text", at(ALL, "columns", to=["name.x"])),
    ("view of unknown type", at(ALL, "type", to="bord")),
    ("view filter", at(ALL, "filter", to="grade =")),
    ("view total", at(ALL, "totals", to={"name": "sum"})),
    ("board without group", at(ALL, "type", to="board")),
    ("view of nothing", {"views/pupil/all.json": {"title": "All", "columns": []}}),
    ("view key", at(ALL, "colums", to=[])),
    ("layout field", at(RECORD, "sections", 0, "fields", to=["nme"])),
    ("layout kind", at(RECORD, "kind", to="page")),
    ("related list", at(RECORD, "related", to=[{"name": "lines"}])),
    ("role on nothing", at(ROLE, "grants", "studnt", to={"read": "all"})),
    ("unknown scope", at(ROLE, "grants", "student", "read", to="region")),
    ("unknown right", at(ROLE, "grants", "student", "edit", to="all")),
    ("rule syntax", {RULES: "validate fees on student {"}),
    ("rule field", {RULES: 'validate fees on student { require fe >= 0 CNY message "No" }'}),
    ("rule types", {RULES: 'validate fees on student { require fee >= "a" message "No" }'}),
    (
        "rule twice",
        {"rules/more.rules": 'validate fees on student { require fee > 1 CNY message "N" }'},
    ),
    ("translation of nothing", at(ZH, "objects", "student", "fields", "nome", to={"title": "x"})),
    ("demo value", {DEMO: "name,grade\nLi,three\n"}),
    ("demo column", {DEMO: "name,grad\nLi,one\n"}),
    ("demo CSV", {DEMO: 'name,grade\n"Li,one\n'}),
    ("world key", world("objects", 0, "ownr", to="teacher")),
    ("world without seed", world("seed")),
    ("world without owner", world("objects", 0, "owner")),
    ("recipe key", made("name", {"templat": "x"})),
    ("recipe without maker", made("name", {"chance": 0.5})),
    ("recipe pair", made("fee", {"range": [9, 1]})),
    ("recipe field", made("nme", "Li")),
    ("recipe option", made("grade", {"pick": {"one": 2, "three": 1}})),
    ("recipe pool", made("name", {"template": "{frist}"})),
    ("recipe object", world("objects", 0, "object", to="studnt")),
    ("recipe related", made("lead", {"related": "lead", "by": "campus"})),
    ("recipe life", world("objects", 0, "life", to=[LIFE])),
    ("role nobody holds", world("objects", 0, "owner", to="head")),
    ("role of a user", world("users", 0, "roles", to=["techer"])),
    ("team of a user", world("users", 0, "team", to="South")),
    ("manifest without version", at(MANIFEST, "version")),
    ("manifest version", at(MANIFEST, "version", to="1.0")),
    ("manifest name", at(MANIFEST, "name", to="School")),
    ("name of a requirement", at(MANIFEST, "requires", to={"CRM": ">=1"})),
    ("manifest key", at(MANIFEST, "require", to={})),
    ("manifest of the store", at(MANIFEST, "installed", to={})),
    ("wrong condition", at(MANIFEST, "requires", to={"crm": "1.x.y"})),
    ("version out of range", at(MANIFEST, "requires", to={"crm": ">=2"})),
    ("package missing", at(MANIFEST, "requires", to={"crm": ">=1", "hr": ">=1"})),
    ("product too old", at(MANIFEST, "requires", to={"trellis": ">=99"})),
    ("no manifest", {MANIFEST: None}),
    ("Python inside", named("rules/run.py")),
    ("program inside", named("templates/run.exe")),
    ("zip inside", named("demo/more.zip")),
    ("file in no folder", named("object/x.json")),
    ("zip-slip", named("../../evil.json")),
    ("absolute path", named("/etc/evil.json")),
    ("path of Windows", named("objects\\evil.json")),
    ("name that looks otherwise", named("objects/a\u202egnp.json")),
    ("link", link),
    ("packed otherwise", packed_otherwise),
    ("bomb", {"templates/big.txt": "0" * 4_000_000}),
    ("file too large", {"templates/big.txt": "".join(map(str, range(1_000_000)))}),
    ("crowd", crowd),
    ("names that differ in case", twice),
    ("broken dashboard", {"dashboards/overview.json": "{"}),
    ("broken signature", {"signature.json": {"algorithm": "ed25519"}}),
]
