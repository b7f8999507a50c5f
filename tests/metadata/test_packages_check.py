"""Packages: read from folders and zips, and everything that is wrong found before installing."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from metadata.fields.registry import offered_types
from metadata.packages.check import check_package, line_of, package_warnings, with_package
from metadata.packages.manifest import satisfies
from metadata.packages.read import read_package
from metadata.problems import LANGUAGES, PackageError, sentence

MANIFEST = {"name": "school", "version": "1.0.0", "title": "School"}
STUDENT: dict[str, Any] = {
    "title": "Student",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "grade": {"enum": ["one", "two"]},
        "fee": {"type": "number", "crm": {"field": "money"}},
        "account": {"type": "string", "crm": {"field": "reference", "to": "account"}},
    },
    "crm": {"plural": "Students"},
}
GOOD: dict[str, Any] = {
    "manifest.json": MANIFEST,
    "objects/student.json": STUDENT,
    "objects/account.extend.json": {"properties": {"school": {"type": "string"}}},
    "views/student/all.json": {
        "title": "All",
        "columns": ["name", "account.name"],
        "filter": 'grade = "one"',
        "totals": {"fee": "sum"},
    },
    "layouts/account/record.json": {"kind": "record", "related": [{"name": "students"}]},
    "roles/teacher.json": {
        "grants": {"student": {"read": "own", "share": [{"read": "fee > 5 CNY"}]}}
    },
    "rules/checks.rules": 'validate v on student { require fee >= 0 CNY message "no" }',
    "translations/zh.json": {"objects": {"student": {"title": "学生"}}},
    "demo/student.csv": "name,grade,account\nLi,one,Acme\n",
    "README.md": "# School",
}
ACCOUNT = {
    "title": "Account",
    "properties": {"name": {"type": "string"}},
    "crm": {"plural": "Accounts", "owner": False},
}


@pytest.fixture
def installed() -> Catalog:
    return build_catalog(
        1,
        [
            Element("1", "object", "account", "crm", ACCOUNT),
            Element("2", "package", "crm", "crm", {"name": "crm", "version": "1.4.0"}),
            Element("3", "view", "account/all", "crm", {"title": "All", "columns": ["name"]}),
        ],
    )


def write(folder: Path, files: Mapping[str, Any]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, "utf-8")
    return folder


def zipped(files: Mapping[str, Any], wrapper: str = "") -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            archive.writestr(wrapper + name, text)
    stream.seek(0)
    return stream


def lines(folder: Path, installed: Catalog) -> list[str]:
    return [line_of(problem) for problem in check_package(read_package(folder), installed)]


def test_good_package(tmp_path: Path, installed: Catalog) -> None:
    package = read_package(write(tmp_path, GOOD))
    assert check_package(package, installed) == []
    catalog = build_catalog(2, with_package(package, installed.elements))
    assert catalog.objects["account"].fields["school"].package == "school"
    assert catalog.objects["account"].package == "crm"
    assert list(catalog.children("account")) == ["students"]
    assert [validation.name for validation in catalog.program.validations] == ["v"]
    warnings = [line_of(warning) for warning in package_warnings(package, installed)]
    assert (
        "translations/zh.json:/objects/student/fields/name/title: no text in the language zh"
        in (warnings)
    )
    assert not any("objects/student/title" in warning for warning in warnings)


def test_folder_and_zip_are_the_same(tmp_path: Path) -> None:
    folder = read_package(write(tmp_path, GOOD))
    assert read_package(zipped(GOOD)) == folder
    assert read_package(zipped(GOOD, "school-1.0/")) == folder


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"objects/student.json": '{"title": "a",\n "title": "b", "properties": {}}'},
            'objects/student.json:/title: the key "title" stands here twice; keep one',
        ),
        (
            {"objects/student.json": '{"title": "a",,}'},
            "objects/student.json:1:15: not JSON: Expecting property name enclosed in double "
            "quotes",
        ),
        (
            {"objects/student.json": {"properties": {"fee": {"crm": {"field": "mony"}}}}},
            'objects/student.json:/properties/fee/crm/field: no field type "mony"; there are: '
            + ", ".join(["money", *sorted(offered_types().keys() - {"money"})]),
        ),
        (
            {"views/student/all.json": {"title": "All", "columns": ["nam", "fee.x"], "colums": 1}},
            'views/student/all.json:/colums: unknown key "colums"; did you mean columns?',
        ),
        (
            {"views/student/all.json": {"title": "All", "columns": ["nam"]}},
            'views/student/all.json:/columns/0: student has no field "nam"; did you mean name?',
        ),
        (
            {"views/student/all.json": {"title": "All", "columns": ["fee.x"]}},
            'views/student/all.json:/columns/0: "fee" of student leads nowhere: it is no reference',
        ),
        (
            {"views/student/all.json": {"title": "All", "columns": [], "totals": {"name": "sum"}}},
            'views/student/all.json:/totals/name: "name" cannot be added up; use min, max or count '
            "instead of sum",
        ),
        (
            {"views/pupil/all.json": {"title": "All"}},
            'views/pupil/all.json: no object "pupil"; there are: account, student',
        ),
        (
            {"views/account/all.json": {"title": "All", "columns": ["name"]}},
            'views/account/all.json: "account/all" already belongs to crm; choose another name',
        ),
        (
            {"layouts/account/record.json": {"kind": "record", "related": [{"name": "student"}]}},
            "layouts/account/record.json:/related/0/name: nothing leads back to account as "
            '"student"; did you mean students?',
        ),
        (
            {"roles/teacher.json": {"grants": {"student": {"read": "region"}}}},
            'roles/teacher.json:/grants/student/read: no "region"; there are: none, own, team, '
            "subtree, territory, all",
        ),
        (
            {"roles/teacher.json": {"grants": {"account": {"read": "own"}}}},
            'roles/teacher.json:/grants/account/read: records of account have no owner, so "own" '
            "reaches none; use all or none",
        ),
        (
            {"roles/teacher.json": {"grants": {"student": {"fields": {"fe": "read"}}}}},
            'roles/teacher.json:/grants/student/fields/fe: student has no field "fe"; did you mean '
            "fee?",
        ),
        (
            {"translations/zh.json": {"objects": {"student": {"fields": {"nome": {}}}}}},
            'translations/zh.json:/objects/student/fields/nome: no "nome"; did you mean name?; '
            "there are: name, grade, fee, account, id, created_at, created_by, updated_at, "
            "updated_by, version, owner, owner_team, owner_queue, deleted_at, source, import_batch",
        ),
        (
            {"objects/account.extend.json": {"properties": {"name": {"type": "string"}}}},
            'objects/account.extend.json:/properties/name: "account.name" already belongs to crm; '
            "choose another name",
        ),
        (
            {"objects/acount.extend.json": {"properties": {"x": {"type": "string"}}}},
            'objects/acount.extend.json: no object "acount"; did you mean account?; there are: '
            "account",
        ),
        (
            {"demo/student.csv": "name,grade,fee\nLi,three,5\n"},
            'demo/student.csv:2/grade: "three" is not an option; there are: one, two',
        ),
        (
            {"demo/student.csv": "name,grad\n,one\n"},
            'demo/student.csv:2/grad: student has no field "grad"; did you mean grade?',
        ),
        (
            {"manifest.json": {**MANIFEST, "requires": {"crm": ">=2.0", "hr": ">=1"}}},
            "manifest.json:/requires/crm: needs crm >=2.0; 1.4.0 is installed; "
            "install one that fits",
        ),
        (
            {"object/student.json": {}},
            "object/student.json: nobody reads this file; did you mean objects?; folders are: "
            "objects, rules, views, layouts, roles, translations, tests, demo, dashboards, "
            "reports, templates",
        ),
    ],
)
def test_problems_name_file_place_and_way_out(
    tmp_path: Path, installed: Catalog, changes: dict[str, Any], expected: str
) -> None:
    assert expected in lines(write(tmp_path, {**GOOD, **changes}), installed)


def test_rules_and_expressions_are_checked(tmp_path: Path, installed: Catalog) -> None:
    files = {
        **GOOD,
        "rules/checks.rules": 'validate v on student {\n  require fe > 0 CNY message "no"\n}',
        "views/student/all.json": {"title": "All", "columns": ["name"], "filter": "grade = 5"},
    }
    found = lines(write(tmp_path, files), installed)
    assert [line.partition(": ")[0] for line in found] == [
        "rules/checks.rules:2:11",
        "views/student/all.json:/filter:1:9",
    ]


def test_all_problems_of_all_files_are_shown(tmp_path: Path, installed: Catalog) -> None:
    broken = {
        "objects/student.json": {"properties": {"a": {"typ": "string"}, "b": {"type": "x"}}},
        "views/student/all.json": {"title": "All", "type": "lst"},
        "roles/teacher.json": "[]",
        "rules/checks.rules": "validate",
    }
    found = lines(write(tmp_path, {**GOOD, **broken}), installed)
    files = {line.partition(":")[0] for line in found}
    assert {*broken, "layouts/account/record.json"} >= files >= set(broken)


@pytest.mark.parametrize(
    ("field", "crm", "told"),
    [
        ("fee", {"field": "mony"}, "fee/crm/field: unknown_type"),
        ("account", {"field": "reference", "to": "acount"}, "account/crm/to: unknown_object"),
        ("account", {"field": "reference"}, "account/crm/to: reference_target_missing"),
    ],
)
def test_a_broken_field_is_told_of_once(
    tmp_path: Path, installed: Catalog, field: str, crm: Any, told: str
) -> None:
    properties = {**STUDENT["properties"], field: {"type": "string", "crm": crm}}
    more = 'validate w on account { require count(students where grade = "one") > 0 message "no" }'
    files = {
        **GOOD,
        "objects/student.json": {**STUDENT, "properties": properties},
        "rules/more.rules": more,
    }
    found = check_package(read_package(write(tmp_path, files)), installed)
    assert [f"{one.path}: {one.code}" for one in found] == [
        f"objects/student.json:/properties/{told}"
    ]


def test_a_translation_of_what_nothing_says_is_told(tmp_path: Path, installed: Catalog) -> None:
    texts = {"objects": {"student": {"title": "学生"}}, "messages": {"no": "否", "gone": "无"}}
    package = read_package(write(tmp_path, {**GOOD, "translations/zh.json": texts}))
    (told,) = [one for one in package_warnings(package, installed) if one.code == "text_not_said"]
    assert (line_of(told), sentence(told, "zh")) == (
        'translations/zh.json:/messages/gone: nothing says "gone"; '
        "remove the translation or correct the text",
        "没有任何内容使用“gone”；请删除此翻译或更正原文",
    )


def test_what_service_levels_and_assignments_say_is_to_be_translated(
    tmp_path: Path, installed: Catalog
) -> None:
    rules = """
    sla s "Promise" on student {
        target answer "Answer" { met when fee is not empty otherwise within 1 hour }
    }
    assign a "Turns" on student after create { when fee > 5 CNY assign to owner because "Rich" }
    """
    package = read_package(write(tmp_path, {**GOOD, "rules/checks.rules": rules}))
    found = package_warnings(package, installed)
    texts = [one.values["text"] for one in found if one.code == "text_not_translated"]
    assert sorted(map(str, texts)) == ["Answer", "Promise", "Rich", "Turns"]


def refused(files: Mapping[str, Any] | io.BytesIO | Path) -> set[str]:
    source = zipped(files) if isinstance(files, Mapping) else files
    with pytest.raises(PackageError) as error:
        read_package(source)
    for problem in error.value.problems:
        assert all(sentence(problem, language) for language in LANGUAGES)
    return {f"{problem.path}: {problem.code}" for problem in error.value.problems}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../evil.json", "file_name"),
        ("/etc/passwd.json", "file_name"),
        ("objects\\x.json", "file_name"),
        ("objects/a\u202eb.json", "file_name"),
        ("rules/run.py", "file_python"),
        ("logo.exe", "file_kind"),
    ],
)
def test_dangerous_names(name: str, code: str) -> None:
    found = refused({"manifest.json": MANIFEST, name: "x"})
    assert {line.rpartition(": ")[2] for line in found} == {code}


def test_zip_bomb_and_crowd() -> None:
    assert refused({"manifest.json": MANIFEST, "a.txt": "0" * 4_000_000}) == {"a.txt: file_ratio"}
    crowd = {f"demo/{n}.csv": "" for n in range(1_001)}
    assert refused({"manifest.json": MANIFEST, **crowd}) == {": too_many_files"}


def test_lying_zip(tmp_path: Path) -> None:
    data = bytearray(zipped({"manifest.json": MANIFEST, "a.txt": "b" * 5_000}).getvalue())
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (10).to_bytes(4, "little")
    path = tmp_path / "lying.zip"
    path.write_bytes(data)
    with pytest.raises(PackageError):
        read_package(path)


def test_links_are_refused(tmp_path: Path) -> None:
    stream = zipped({"manifest.json": MANIFEST})
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("objects/x.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    stream.seek(0)
    assert refused(stream) == {"objects/x.json: file_link"}
    folder = write(tmp_path / "p", {"manifest.json": MANIFEST})
    (folder / "objects").symlink_to("/etc")
    assert refused(folder) == {"objects: file_link"}


def test_twice_in_a_zip() -> None:
    files = {"manifest.json": MANIFEST, "demo/A.csv": "", "demo/a.csv": ""}
    assert refused(files) == {"demo/a.csv: file_twice"}


def test_no_package(tmp_path: Path) -> None:
    assert refused({"objects/x.json": {}}) == {"manifest.json: no_manifest"}
    assert refused(io.BytesIO(b"hello")) == {": not_a_zip"}
    assert refused(tmp_path / "nowhere") == {f"{tmp_path / 'nowhere'}: no_such_package"}
    assert refused({"manifest.json": {"name": "X", "version": "1"}}) == {
        "manifest.json: missing_key",
        "manifest.json:/name: bad_name",
        "manifest.json:/version: bad_version",
    }


@pytest.mark.parametrize(
    ("conditions", "met"),
    [(">=1.0", True), (">=1.4.0,<2", True), ("<1.4", False), ("==1.4", True), (">1.4.0", False),
     ("~=1.2", True), ("!=1.4.0", False), ("", True), ("1.4", None), ("~1", None)],
)  # fmt: skip
def test_versions(conditions: str, met: bool | None) -> None:
    assert satisfies("1.4.0", conditions) is met
