"""`docs/operations.md` is true: it names every setting, its commands print what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.docs_script import Command, Page
from tests.platform.test_docs_packages import looks, run
from tests.platform.world import People
from trellis.config import Settings
from trellis.runtime import Platform

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text("utf-8")
VARIABLE = re.compile(r"\bTRELLIS_[A-Z_]*[A-Z]\b")
ANSWER = re.compile(
    r"^\| `(?P<method>GET) (?P<address>/\S+)` \| (?P<status>\d+) \| `(?P<body>.*)` \|", re.M
)


def test_every_setting_is_explained_and_none_is_made_up() -> None:
    sources = (ROOT / "platform" / "trellis").rglob("*.py")
    known = {name for path in sources for name in VARIABLE.findall(path.read_text("utf-8"))}
    explained = {row for row in re.findall(r"^\| `(TRELLIS_[A-Z_]+)` \|", TEXT, re.MULTILINE)}
    assert explained == known
    assert set(VARIABLE.findall(TEXT)) <= known


def test_every_command_is_named() -> None:
    folder = ROOT / "platform" / "trellis" / "cli"
    names = {path.stem.rstrip("_") for path in folder.iterdir() if not path.name.startswith("__")}
    assert {name for name in names if f"trellis {name}" not in TEXT} == set()


def test_commands_print_what_is_shown(
    settings: Settings, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.close()
    monkeypatch.chdir(tmp_path)
    commands = [step for step in Page(TEXT).steps if isinstance(step, Command)]
    found = [(one, run(one.arguments, settings)) for one in commands]
    assert len(found) >= 5
    assert [(one, told) for one, told in found if not looks(one.output, told)] == []


def test_health_is_told_as_shown(app: Flask, people: People) -> None:
    client: FlaskClient = app.test_client()
    rows = [(row, client.get(row["address"])) for row in ANSWER.finditer(TEXT)]
    assert len(rows) == 2
    for row, answer in rows:
        assert (answer.status_code, answer.get_data(as_text=True).strip()) == (
            int(row["status"]),
            row["body"],
        )
