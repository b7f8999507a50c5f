"""Packages through every door: the API, the pages and the command line."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from lxml.html import HtmlElement

from metadata.elements import Element
from metadata.packages.check import line_of
from metadata.packages.export import zipped
from metadata.packages.read import read_package
from metadata.packages.signing import SIGNATURE, make_key, public_key, sign
from tests.metadata.package_world import SCHOOL, changed, package
from tests.platform.pages import get, read, text, texts, value
from tests.platform.test_api import Client, call
from tests.platform.test_cli import run
from tests.platform.world import Bearer, Login
from trellis.config import Settings
from trellis.installing.plans import Desk, plan_packages
from trellis.runtime import Platform

__all__ = ["call"]

STUDENT, ALL = "objects/student.json", "views/student/all.json"
PLAN = "/api/v1/packages/plan"


def school(version: str = "1.0.0", **changes: Any) -> dict[str, Any]:
    """Gives the files of the school for the crm that comes with Trellis."""
    manifest = {**SCHOOL["manifest.json"], "version": version, "requires": {"crm": ">=0.1"}}
    return {**SCHOOL, "manifest.json": manifest, **changes}


def packed(files: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO(zipped(package(files).files))


@pytest.fixture
def send(app: Flask, bearer: Bearer) -> Any:
    """Gives a way to plan a zip through the API."""

    def plan(files: dict[str, Any], username: str = "admin") -> Any:
        data = {"file": (packed(files), "school.zip")}
        return app.test_client().post(PLAN, data=data, headers=bearer(username))

    return plan


def test_from_a_zip_over_conflicts_to_the_end(call: Client, send: Any, platform: Platform) -> None:
    plan = send(school()).get_json()
    assert [(one["name"], one["installed"], one["signature"]) for one in plan["packages"]] == [
        ("school", None, "unsigned")
    ]
    assert plan["problems"] == []
    assert "New object student" in [one["text"] for one in plan["operations"]]
    assert call("admin", "GET", "student").status_code == 404
    installed = call("admin", "POST", "packages/install", {"token": plan["token"]})
    assert installed.get_json() == {"version": plan["base_version"] + 1}
    student = {"name": "Li", "grade": "one", "fee": "5"}
    assert call("admin", "POST", "student", student).status_code == 201
    again = call("admin", "POST", "packages/install", {"token": plan["token"]})
    assert (again.status_code, again.get_json()["errors"][0]["code"]) == (409, "upload_expired")

    view = call("admin", "GET", "meta/views/student/all").get_json()
    call("admin", "PUT", "meta/views/student/all", {**view, "title": "Ours"})
    token = call("admin", "POST", "meta/plan").get_json()["token"]
    stale = send(school("2.0.0")).get_json()
    assert call("admin", "POST", "meta/publish", {"token": token}).status_code == 200
    moved = call("admin", "POST", "packages/install", {"token": stale["token"]})
    (problem,) = moved.get_json()["errors"]
    assert (moved.status_code, problem["code"]) == (409, "base_moved")
    assert "changed: view student/all by admin" in problem["message"]
    two = school("2.0.0", **{ALL: changed(ALL, "title", to="Theirs")})
    plan = send(two).get_json()
    place = f"{ALL}:/title"
    assert plan["conflicts"] == [
        {"place": place, "base": "All", "ours": "Ours", "theirs": "Theirs", "kept": "ours"}
    ]
    body = {"token": plan["token"], "resolutions": {place: "theirs"}}
    assert call("admin", "POST", "packages/install", body).status_code == 200
    assert call("admin", "GET", "meta/views/student/all").get_json()["title"] == "Theirs"

    removal = call("admin", "GET", "packages/school/removal").get_json()
    assert (removal["records"], removal["values"]) == ({"student": 1}, {"lead.school": 0})
    data = call("admin", "GET", "packages/school/data").get_data()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lines = archive.read("student.csv").decode().splitlines()
    assert (lines[0].split(",")[:3], len(lines)) == (["id", "name", "grade"], 2)
    unsure = call("admin", "DELETE", "packages/school")
    assert unsure.get_json()["errors"][0]["message"] == (
        "Goes out of use and must be confirmed by name: school"
    )
    gone = call("admin", "DELETE", "packages/school", {"confirm": ["school"]})
    assert gone.status_code == 200
    assert call("admin", "GET", "student").status_code == 404
    states = call("admin", "GET", "packages").get_json()["items"]
    assert {one["name"]: one["state"] for one in states}["school"] == "uninstalled"
    plan = send(two).get_json()
    call("admin", "POST", "packages/install", {"token": plan["token"]})
    assert len(call("admin", "GET", "student").get_json()["items"]) == 1


def test_what_is_refused(call: Client, send: Any, platform: Platform) -> None:
    elements = definitions(platform)
    broken = school(**{ALL: changed(ALL, "columns", to=["nmae"])})
    plan = send(broken).get_json()
    assert [(one["path"], one["code"]) for one in plan["problems"]] == [
        (f"{ALL}:/columns/0", "unknown_field")
    ]
    refused = call("admin", "POST", "packages/install", {"token": plan["token"]})
    assert refused.status_code == 422
    for body, code in (({}, "file_expected"), ({"name": "nope"}, "file_expected")):
        answer = call("admin", "POST", "packages/plan", body or None)
        assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, code)
    assert send(school(), "rita").status_code == 403
    for method, address in (
        ("GET", "packages"),
        ("POST", "packages/install"),
        ("DELETE", "packages/crm"),
        ("GET", "packages/crm/export"),
        ("GET", "packages/crm/data"),
    ):
        assert call("rita", method, address).status_code == 403, address
    assert call("admin", "DELETE", "packages/system").status_code == 422
    assert call("admin", "DELETE", "packages/nothing").status_code == 404
    assert definitions(platform) == elements


def definitions(platform: Platform) -> tuple[Element, ...]:
    with platform.database.read() as connection:
        return platform.catalogs.current(connection).elements


@pytest.mark.parametrize("name", ["Ours", "a%0Ab", "a%22b", "%F0%9F%98%80"])
def test_what_is_local_takes_no_impossible_name(call: Client, name: str) -> None:
    assert call("admin", "GET", "packages/ours/export?local=true").status_code == 200
    answer = call("admin", "GET", f"packages/{name}/export?local=true")
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["code"] == "bad_name"


def test_an_export_is_the_package(call: Client) -> None:
    folder = Path(__file__).parents[2] / "plugins" / "crm"
    given = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    answer = call("admin", "GET", "packages/crm/export")
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        assert set(archive.namelist()) == given
        assert archive.read("manifest.json") == (folder / "manifest.json").read_bytes()


def send_form(admin: Any, files: dict[str, Any]) -> Any:
    data = {"file": (packed(files), "school.zip")}
    return admin.post("/setup/packages/plan", data=data)


CLOCKS = "rules/clocks.rules"
WATCHED = """
calendar desk { timezone "UTC" hours monday to sunday from 00:00 to 00:00 }
sla care "Care" on student {
    calendar desk
    target call "Call" { met when grade = "two" otherwise within 8 business hours }
}
"""


def test_a_plan_shows_what_becomes_of_open_clocks(
    call: Client, send: Any, login: Login, settings: Settings, tmp_path: Path
) -> None:
    token = send(school(**{CLOCKS: WATCHED})).get_json()["token"]
    assert call("admin", "POST", "packages/install", {"token": token}).status_code == 200
    student = {"name": "Li", "grade": "one", "fee": "5"}
    assert call("admin", "POST", "student", student).status_code == 201
    shorter = WATCHED.replace("from 00:00 to 00:00", "from 08:00 to 09:00").replace("8 b", "9 b")
    two = school("2.0.0", **{CLOCKS: shorter})
    (told,) = send(two).get_json()["clocks"]
    assert (told["name"], told["change"], told["open"]) == ("student.care", "changed", 1)
    assert sum(told["calendar"]["moved"].values()) == 1
    assert told["rules"]["samples"][0]["name"] == "Li"
    admin = login("admin")
    page = read(admin.get(send_form(admin, two).headers["Location"]))
    shown = " ".join(text(page, "main").split())
    assert "In any case, since business time changes 1 later by a day or more" in shown
    assert "If you choose afterwards under “Publish”" in shown
    (tmp_path / "school.zip").write_bytes(packed(two).getvalue())
    variables = {
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_DATABASE_URL": settings.database_url,
        "TRELLIS_SECRET_KEY": settings.secret_key,
    }
    printed = run("package", "plan", str(tmp_path / "school.zip"), **variables)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert "clocks of student.care: 1 later by a day or more" in printed.stdout
    chosen = "clocks of student.care when chosen afterwards under Publish: 1 later by a day or more"
    assert chosen in printed.stdout
    same = send(school("2.0.0", **{CLOCKS: WATCHED})).get_json()
    assert (same["problems"], same["clocks"]) == ([], [])


def rows_of(page: HtmlElement) -> list[str]:
    return [" ".join(line.split()) for line in texts(page, "tbody tr")]


def test_the_pages(login: Login, platform: Platform) -> None:
    admin = login("admin")
    assert "CRM crm 0.2.0 Installed" in rows_of(get(admin, "/setup/packages"))[0]
    wrong = admin.post("/setup/packages/plan", data={"file": (io.BytesIO(b"no"), "a.zip")})
    assert wrong.status_code == 422
    assert "not a readable zip" in text(read(wrong), "[role=alert]")
    answer = send_form(admin, school())
    assert answer.status_code == 302
    page = get(admin, answer.headers["Location"])
    assert "unsigned" in texts(page, ".operations")[0]
    token = value(page, "[name=token]")
    assert admin.post("/setup/packages/install", data={"token": token}).status_code == 302
    assert any("School school 1.0.0" in row for row in rows_of(get(admin, "/setup/packages")))
    two = school("2.0.0", **{STUDENT: changed(STUDENT, "properties", "lead")})
    page = get(admin, send_form(admin, two).headers["Location"])
    assert "student.lead" in text(page, ".notice")
    token = value(page, "[name=token]")
    unconfirmed = admin.post("/setup/packages/install", data={"token": token})
    assert unconfirmed.status_code == 422
    assert "student.lead" in text(read(unconfirmed), "[role=alert]")
    page = get(admin, "/setup/packages/school/uninstall")
    assert "student" in text(page, "table")
    assert admin.post("/setup/packages/school/uninstall", data={"confirm": "x"}).status_code == 422
    gone = admin.post("/setup/packages/school/uninstall", data={"confirm": "school"})
    assert gone.status_code == 302
    assert get(admin, "/setup/packages/school/uninstall", 404) is not None
    assert login("rita").get("/setup/packages").status_code == 403


def test_signed_packages_through_the_command_line(tmp_path: Path) -> None:
    folder = tmp_path / "school"
    for path, content in package(school()).files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    made = run("package", "keygen", str(tmp_path / "key"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert run("package", "keygen", str(tmp_path / "key")).returncode == 1
    signed = run("package", "sign", str(folder), "--key", str(tmp_path / "key"))
    assert signed.returncode == 0, signed.stderr
    checked = run("package", "check", str(folder))
    assert f"note: {folder}: signed by an unknown key" in checked.stderr
    (folder / "README.md").write_text("# Other\n")
    broken = run("package", "check", str(folder))
    assert broken.returncode == 1
    assert broken.stderr == (
        f"{folder}/README.md: changed after the package was signed; get it anew, or have it "
        "signed again\n"
    )
    assert run("package", "check").returncode == 2


def test_where_signatures_are_demanded(platform: Platform) -> None:
    key = make_key()
    plain = package(school())
    signed = package({**school(), SIGNATURE: sign(plain.files, key)})
    crm = read_package(Path(__file__).parents[2] / "plugins" / "crm")
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        trusted = frozenset([public_key(key)])
        desk = Desk(connection, catalog, "ann", datetime.now(UTC), trusted, True)
        assert plan_packages(desk, [signed]).problems == ()
        assert plan_packages(desk, [crm]).problems == (), "it lies on this machine"
        refused = plan_packages(desk, [plain]).problems
        unknown = plan_packages(replace(desk, trusted=frozenset()), [signed]).problems
    assert [line_of(problem) for problem in (*refused, *unknown)] == [
        "signature.json: only packages signed with a trusted key may be installed here, and this "
        f"one is {state}; have it signed, or add its key to the trusted ones"
        for state in ("unsigned", "signed by an unknown key")
    ]
