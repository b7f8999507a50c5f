"""`docs/packages.md` is true: its files make a package, its records and commands answer so."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from metadata.fields.read import infer_type
from metadata.packages.install import install
from metadata.packages.read import read_package
from tests.platform.docs_script import (
    Command,
    File,
    JsonObject,
    Mistake,
    Page,
    Saving,
    write,
)
from tests.platform.test_api import Client, call
from tests.platform.world import PASSWORD
from tests.rule_engine.test_docs import slug
from trellis.cli import trellis
from trellis.config import Settings
from trellis.demo.load import load_demo
from trellis.runtime import Platform

__all__ = ["call"]

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "packages.md").read_text("utf-8")
PAGE = Page(TEXT)
NAME = "training"
FIRST = f"$ trellis package plan {NAME}"
"""Where the first version is complete: what stands before it is what gets installed."""
BESIDE = ("ours/", "order.schema")
"""Files of the page that are no part of the package."""


def first_version(folder: Path) -> Path:
    """Writes the package as it stands in the first part of the page."""
    folder = folder / NAME
    for step in Page(TEXT.partition(FIRST)[0]).steps:
        if isinstance(step, File):
            write(step, folder)
    return folder


def test_records_are_answered_as_the_tables_say(
    call: Client, platform: Platform, tmp_path: Path
) -> None:
    with platform.database.write() as connection:
        install(connection, read_package(first_version(tmp_path)), by="system")
    ids: dict[tuple[str, str], str] = {}
    found = [(saving, answer(call, saving, ids)) for saving in PAGE.savings]
    assert len(found) > 25
    assert [(one, told) for one, told in found if not fits(one.answer, told)] == []


def answer(call: Client, saving: Saving, ids: dict[tuple[str, str], str]) -> Any:
    """Saves a record through the API; gives it as it is then, or what is told instead."""
    if saving.key is None:
        done = call("admin", "POST", saving.object, saving.record)
    else:
        record_id = ids.get((saving.object, saving.key), "unknown")
        address = f"{saving.object}/{record_id}"
        tag = call("admin", "GET", address).headers.get("ETag", "")
        done = call("admin", "PATCH", address, saving.record, {"If-Match": tag})
    told = done.get_json()
    if done.status_code >= 400:
        return " · ".join(f"{one['path']}: {one['message']}" for one in told["errors"])
    titles = [value for value in told.values() if isinstance(value, str)]
    ids.update({(saving.object, title): told["id"] for title in titles})
    return told


def fits(wanted: str, told: Any) -> bool:
    """Says whether an answer is the one on the page, which may name some of the fields only."""
    if isinstance(told, str) or not wanted.startswith("{"):
        return wanted == (told if isinstance(told, str) else "saved")
    expected: JsonObject = json.loads(wanted)
    return {name: told.get(name) for name in expected} == expected


def test_commands_print_what_is_shown(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = play(PAGE, settings, tmp_path)
    assert len(found) > 15
    assert [(one, told) for one, told in found if not looks(one.output, told)] == []
    copy, original = tmp_path / "copy", tmp_path / NAME
    names = {path.relative_to(original) for path in original.rglob("*") if path.is_file()}
    assert {path: (copy / path).read_bytes() for path in names} == {
        path: (original / path).read_bytes() for path in names
    }


def play(page: Page, settings: Settings, folder: Path) -> list[tuple[Command, str]]:
    """Writes the files and runs the commands in their order; gives what they print."""
    done = []
    for step in page.steps:
        if isinstance(step, Command):
            done.append((step, run(step.arguments, settings)))
            continue
        write(step, folder if step.path.startswith(BESIDE) else folder / NAME)
    return done


def run(line: str, settings: Settings) -> str:
    """Runs `trellis …` in the instance and gives all it prints."""
    variables = {
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_DATABASE_URL": settings.database_url,
        "TRELLIS_SECRET_KEY": settings.secret_key,
        "TRELLIS_ENCRYPTION_KEYS": settings.encryption_keys[0],
    }
    command, *arguments = shlex.split(line)
    assert command == "trellis"
    done = CliRunner().invoke(trellis, arguments, env=variables)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def looks(shown: str, told: str) -> bool:
    """Says whether a text is the one on the page, where `…` stands for anything."""
    pattern = ".*".join(map(re.escape, shown.split("…")))
    return re.fullmatch(pattern, told, re.DOTALL) is not None


def test_mistakes_are_told_so(tmp_path: Path) -> None:
    folder = first_version(tmp_path)
    found = [(one, check_with(one, folder, tmp_path / "broken")) for one in PAGE.mistakes]
    assert len(found) > 15
    assert [(one, told) for one, told in found if not looks(one.answer, told)] == []


def check_with(mistake: Mistake, folder: Path, broken: Path) -> str:
    """Gives what the check says to a package with a mistake, without the folder's name."""
    shutil.rmtree(broken, ignore_errors=True)
    shutil.copytree(folder, broken)
    write(File(mistake.path, json.dumps(mistake.patch), more=True), broken)
    done = CliRunner().invoke(trellis, ["package", "check", str(broken)])
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note:")]
    return " · ".join(line.removeprefix(f"{broken}/") for line in lines)


def test_a_removal_without_confirmation_names_the_option(
    platform: Platform, settings: Settings, tmp_path: Path
) -> None:
    with platform.database.write() as connection:
        package = read_package(first_version(tmp_path))
        install(connection, package, by="system")
    name = package.manifest.name
    assert run(f"trellis package uninstall {name}", settings).splitlines()[-1] == (
        f"goes out of use: {name}; to do it, add --confirm {name}"
    )


def test_the_demo_is_played(platform: Platform, tmp_path: Path) -> None:
    folder = first_version(tmp_path)
    with platform.database.write() as connection:
        install(connection, read_package(folder), by="system")
    made = load_demo(platform, folder, password=PASSWORD)
    assert made["course"] == 2
    assert made["session"] == 7
    assert made["booking"] > 10


IMPLIED = re.compile(r"^\| `(?P<property>\{\"type.*\})` \| (?P<type>\w+) \|$", re.MULTILINE)


@pytest.mark.parametrize("row", list(IMPLIED.finditer(TEXT)), ids=lambda row: row["type"])
def test_the_standard_implies_the_type(row: re.Match[str]) -> None:
    assert infer_type(json.loads(row["property"])) == row["type"]


LINK = re.compile(r"\[[^\]]+\]\((?P<page>[\w.]*)#(?P<anchor>[^)]+)\)")


@pytest.mark.parametrize("name", ["packages.md", "fields.md", "keywords.md", "operations.md"])
def test_links_lead_somewhere(name: str) -> None:
    lost = []
    for link in LINK.finditer((DOCS / name).read_text("utf-8")):
        target = (DOCS / (link["page"] or name)).read_text("utf-8")
        if link["anchor"] not in {slug(one) for one in re.findall(r"^#+ (.+)$", target, re.M)}:
            lost.append(link[0])
    assert lost == []
