"""Uninstalling, coming back, side by side, and writing packages out again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from metadata.changes.purge import purge
from metadata.elements import LOCAL
from metadata.packages.export import (
    Export,
    export_local,
    export_package,
    write_folder,
    zipped,
)
from metadata.packages.files import load_bases
from metadata.packages.install import install, uninstall
from metadata.packages.read import package_of, read_package
from metadata.problems import DefinitionError, PackageError
from metadata.store import create_store, load_catalog, load_elements
from tests.metadata.databases import engine_for
from tests.metadata.package_world import (
    CRM,
    SCHOOL,
    TEXT,
    add_row,
    body_of,
    changed,
    checksum,
    edit,
    edit_at,
    in_force,
    install_school,
    package,
    version_two,
)


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        yield made


def fill(connection: sa.Connection, lead: str = "l1") -> None:
    """Makes records of everything."""
    add_row(connection, "lead", id=lead, name="Acme", school="North")
    add_row(connection, "student", id="s1", name="Li", grade="one")


def test_install_then_uninstall_is_the_start(connection: sa.Connection) -> None:
    install(connection, package(CRM), by="ann")
    add_row(connection, "lead", id="l1", name="Acme", channel="web")
    edit_at(connection, "view", "lead/all", "title", to="Everyone")
    start = checksum(connection)
    install(connection, package(SCHOOL), by="ann")
    assert checksum(connection) != start
    uninstall(connection, "school", by="ann", confirm=["school"])
    assert checksum(connection) == start
    assert load_catalog(connection).packages == {"crm": "1.0.0"}


def test_coming_back_is_as_if_it_had_never_gone(connection: sa.Connection) -> None:
    install_school(connection)
    fill(connection)
    edit_at(connection, "object", "student", "properties", "fee", "title", to="Price")
    edit_at(connection, "view", "student/all", "columns", to=["grade", "name"])
    edit(connection, "view", "student/mine", {"title": "Mine", "columns": ["name"]})
    edit_at(connection, "object", "student", "properties", "nick", to=TEXT)
    edit_at(connection, "object", "lead", "required", to=["name", "school"])
    edit(connection, "role", "clerk", {"grants": {"student": {"read": "all"}, "lead": {}}})
    texts = {"student": {"title": "孩子"}, "lead": {"fields": {"school": {"title": "学校"}}}}
    edit(connection, "translations", "local/zh", {"objects": texts})
    edit(connection, "view", "student/open", None)
    before, named = checksum(connection), in_force(connection)
    uninstall(connection, "school", by="ann", confirm=["school"])
    catalog = load_catalog(connection)
    assert (list(catalog.objects), list(catalog.roles)) == (["lead"], ["clerk"])
    assert body_of(connection, "role", "clerk")["grants"] == {"lead": {}}
    assert body_of(connection, "translations", "local/zh") == {"objects": {"lead": {"fields": {}}}}
    add_row(connection, "lead", id="l2", name="Beta")
    connection.execute(catalog.tables["lead"].delete().where(sa.text("id = 'l2'")))
    install(connection, package(SCHOOL), by="ann")
    assert in_force(connection) == named
    assert checksum(connection) == before
    uninstall(connection, "school", by="ann", confirm=["school"])
    all_two = changed("views/student/all.json", "title", to="Everybody")
    install(connection, version_two({"views/student/all.json": all_two}), by="ann")
    view = body_of(connection, "view", "student/all")
    assert (view["title"], view["columns"]) == ("Everybody", ["grade", "name"])


def test_an_edit_is_not_lost_to_what_took_its_name_meanwhile(connection: sa.Connection) -> None:
    install_school(connection)
    edit_at(connection, "role", "teacher", "title", to="Our teacher")
    uninstall(connection, "school", by="ann", confirm=["school"])
    mine = {"title": "Mine", "grants": {"lead": {"read": "all"}}}
    edit(connection, "role", "teacher", mine)
    before = checksum(connection)
    with pytest.raises(PackageError) as refused:
        install(connection, package(SCHOOL), by="ann")
    assert str(refused.value) == (
        'roles/teacher.json: the role "teacher" was made while school was away, and an edited one '
        "of the same name is kept with it; rename the new one or delete it"
    )
    assert checksum(connection) == before
    edit(connection, "role", "teacher", None)
    install(connection, package(SCHOOL), by="ann")
    assert body_of(connection, "role", "teacher")["title"] == "Our teacher"


def tables_of(connection: sa.Connection) -> dict[str, list[str]]:
    """Gives the columns of objects' tables, as the database has them."""
    inspector = sa.inspect(connection)
    return {
        table: sorted(str(column["name"]) for column in inspector.get_columns(table))
        for table in inspector.get_table_names()
        if table.startswith("o_")
    }


def test_a_purge_takes_the_rest_and_it_can_begin_anew(connection: sa.Connection) -> None:
    install(connection, package(CRM), by="ann")
    add_row(connection, "lead", id="l1", name="Acme")
    start, tables = checksum(connection), tables_of(connection)
    install(connection, package(SCHOOL), by="ann")
    fresh = set(in_force(connection))
    fill(connection, lead="l2")
    connection.execute(sa.text("DELETE FROM o_lead WHERE id = 'l2'"))
    uninstall(connection, "school", by="ann", confirm=["school"])
    later = datetime.now(UTC) + timedelta(days=1)
    gone = ["student", "lead.school"]
    purge(connection, before=later, by="ann", at=later, confirm=gone)
    assert (checksum(connection), tables_of(connection)) == (start, tables)
    install(connection, package(SCHOOL), by="ann")
    assert set(in_force(connection)) == fresh
    assert "school" in load_catalog(connection).objects["lead"].fields
    rows = load_catalog(connection).tables["student"].select()
    assert connection.execute(rows).all() == []


def test_what_keeps_a_package_from_going(connection: sa.Connection) -> None:
    install_school(connection)
    before = checksum(connection)
    for name, expected in (
        ("crm", "school needs crm (>=1.0,<3); uninstall it first"),
        ("schol", 'There is no package "schol" installed; did you mean school?'),
    ):
        with pytest.raises(PackageError) as refused:
            uninstall(connection, name, by="ann", confirm=[name])
        assert str(refused.value).removeprefix(": ") == expected
    edit_at(connection, "view", "lead/all", "columns", to=["name", "school"])
    before = checksum(connection)
    with pytest.raises(DefinitionError) as mentioned:
        uninstall(connection, "school", by="ann", confirm=["school"])
    assert [one.path for one in mentioned.value.problems] == ["/views/lead/all/columns/1"]
    assert checksum(connection) == before


SPORT: Mapping[str, object] = {
    "manifest.json": {
        "name": "sport", "version": "1.0.0", "title": "Sport", "requires": {"crm": ">=1"}
    },
    "objects/lead.extend.json": {"properties": {"club": TEXT}},
    "objects/team_member.json": {"properties": {"name": TEXT}, "crm": {"plural": "Members"}},
    "views/team_member/all.json": {"title": "All", "columns": ["name"]},
    "views/lead/clubs.json": {"title": "Clubs", "columns": ["name", "club"]},
    "rules/c.rules": 'validate members on team_member { require name is not empty message "A" }',
}  # fmt: skip


def test_two_packages_side_by_side(connection: sa.Connection) -> None:
    install_school(connection)
    school_only = checksum(connection)
    install(connection, package(SPORT), by="ann")
    catalog = load_catalog(connection)
    owners = {field.name: field.package for field in catalog.objects["lead"].own_fields}
    assert owners == {"name": "crm", "channel": "crm", "school": "school", "club": "sport"}
    assert [one.name for one in catalog.program.validations] == ["fees", "names", "members"]
    for name in ("school", "sport"):
        again = package({"school": SCHOOL, "sport": SPORT}[name])
        assert install(connection, again, by="ann") == catalog.version
    edit_at(connection, "object", "lead", "properties", "club", "title", to="Our club")
    install(connection, version_two(), by="ann")
    assert body_of(connection, "object", "lead")["properties"]["club"]["title"] == "Our club"
    install(connection, package(SCHOOL), by="ann")
    uninstall(connection, "sport", by="ann", confirm=["sport"])
    assert checksum(connection) == school_only


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"objects/lead.extend.json": {"properties": {"school": TEXT}}},
            'objects/lead.extend.json:/properties/school: "lead.school" already belongs to school; '
            "choose another name",
        ),
        (
            {"objects/student.json": {"properties": {"name": TEXT}}},
            'objects/student.json: "student" already belongs to school; choose another name',
        ),
        (
            {"views/student/all.json": {"title": "All", "columns": ["name"]}},
            'views/student/all.json: "student/all" already belongs to school; choose another name',
        ),
    ],
)
@pytest.mark.parametrize("is_gone", [False, True])
def test_names_that_another_package_has(
    connection: sa.Connection, files: Mapping[str, object], expected: str, is_gone: bool
) -> None:
    install_school(connection)
    if is_gone:
        uninstall(connection, "school", by="ann", confirm=["school"])
        expected = expected.replace(
            "already belongs to school; choose another name",
            "belongs to school, which was uninstalled and keeps its data; choose another name, or "
            "purge what it left",
        )
    before = checksum(connection)
    if is_gone and "views" in str(files):
        expected = 'views/student/all.json: no object "student"; there are: lead, team_member'
    with pytest.raises(PackageError) as refused:
        install(connection, package(SPORT, files), by="ann")
    assert expected in str(refused.value).splitlines()
    assert checksum(connection) == before


def exported(connection: sa.Connection, name: str) -> Export:
    elements = load_elements(connection)
    return export_package(name, elements, load_bases(connection, elements).get(name))


def test_export_is_what_was_installed(connection: sa.Connection, tmp_path: Path) -> None:
    install_school(connection)
    given = package(SCHOOL)
    files = exported(connection, "school").files
    assert files == given.files
    write_folder(files, tmp_path / "out")
    assert read_package(tmp_path / "out").files == given.files
    assert zipped(files) == zipped(read_package(io.BytesIO(zipped(files))).files)
    with zipfile.ZipFile(io.BytesIO(zipped(files))) as archive:
        assert archive.namelist() == sorted(given.files)
    with pytest.raises(FileExistsError):
        write_folder(files, tmp_path / "out")


def test_export_of_what_was_edited_comes_back_the_same(connection: sa.Connection) -> None:
    install_school(connection)
    edit_at(connection, "object", "student", "properties", "fee", "title", to="Price")
    edit_at(connection, "object", "student", "properties", "nick", to=TEXT)
    edit_at(connection, "object", "lead", "properties", "school", "title", to="Our school")
    edit_at(connection, "rules", "school/tests/fees", "text", to="")
    edit_at(connection, "rules", "school/checks", "text", to="# nothing\n")
    edit(connection, "view", "student/open", None)
    files = exported(connection, "school").files
    given = package(SCHOOL).files
    assert {path for path in given if files.get(path) != given[path]} == {
        *("objects/student.json", "objects/lead.extend.json", "rules/checks.rules"),
        *("tests/fees.rules", "views/student/open.json"),
    }
    assert b"nick" not in files["objects/student.json"]
    assert b'"id"' not in files["objects/student.json"]
    install(connection, package_of(files), by="ann", confirm=["student.nick"])
    assert exported(connection, "school").files == files


def test_local_changes_as_a_package(connection: sa.Connection) -> None:
    install_school(connection)
    edit(connection, "object", "visit", {"properties": {"name": TEXT, "student": {
        "type": "string", "crm": {"field": "reference", "to": "student"}}}})  # fmt: skip
    edit(connection, "view", "lead/late", {"title": "Late", "columns": ["name"]})
    edit(connection, "rules", "local/house", {"text": "define late on visit as name is empty\n"})
    edit_at(connection, "object", "student", "properties", "nick", to={**TEXT, "title": "Nick"})
    edit_at(connection, "view", "student/all", "title", to="Ours")
    elements = load_elements(connection)
    found = export_local("ours", "Ours", elements, load_bases(connection, elements))
    assert list(found.files) == [
        *("manifest.json", "objects/student.extend.json", "objects/visit.json"),
        *("rules/house.rules", "views/lead/late.json"),
    ]
    assert found.left_out == ("school/views/student/all.json",)
    ours = package_of(found.files)
    assert ours.problems == ()
    assert dict(ours.manifest.requires) == {"crm": ">=1.0.0", "school": ">=1.0.0"}
    before = in_force(connection)
    install(connection, ours, by="ann")
    after = in_force(connection)
    adopted = {key for key in after if key in before and after[key][1] != before[key][1]}  # type: ignore[index]
    assert adopted == {"object/visit", "view/lead/late"}
    assert exported(connection, "ours").files == found.files
    left = [one.name for one in load_elements(connection) if one.package == LOCAL]
    assert left == ["local/house"], "rules of two packages may say the same"


def test_a_package_of_the_shop_goes_through(connection: sa.Connection) -> None:
    folder = Path(__file__).parents[2] / "plugins" / "crm"
    crm = read_package(folder)
    system = read_package(folder.parents[1] / "platform" / "trellis" / "system")
    install(connection, system, by="ann")
    start = checksum(connection)
    install(connection, crm, by="ann")
    assert exported(connection, "crm").files == crm.files
    assert install(connection, package_of(exported(connection, "crm").files), by="ann") == 2
    uninstall(connection, "crm", by="ann", confirm=["crm"])
    assert checksum(connection) == start
