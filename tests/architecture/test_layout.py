"""The layout keeps its promises: what must not exist, who may import whom, how long files are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("rule_engine", "metadata", "platform/trellis")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "node_modules" not in path.parts
]


def test_platform_is_no_package() -> None:
    """`platform/__init__.py` would shadow the standard library's module."""
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_the_standard_librarys_platform_wins() -> None:
    code = "import platform; print(platform.system())"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip(), result.stderr


def test_nothing_in_the_repository_points_to_the_machine_it_was_made_on() -> None:
    """A link that is kept leads nowhere, or into somebody else's folder, wherever it is cloned."""
    kept = subprocess.run(
        ["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [line for line in kept.stdout.splitlines() if line.startswith("120000")] == []


def test_import_contracts_hold() -> None:
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_foreign_rule_engine_is_named(tmp_path: Path) -> None:
    """PyPI's `rule-engine` overwrites ours when both are installed."""
    foreign = tmp_path / "rule_engine"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("__version__ = '5.1.0'\n")
    code = "import sys; sys.path[:0] = sys.argv[1:]; import trellis"
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(ROOT / "platform")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "ImportError: the package rule_engine at" in result.stderr
    assert "Run `pip uninstall rule-engine`, then install Trellis again." in result.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_readable(path: Path) -> None:
    """A file over 400 lines usually holds two subjects."""
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=str)
def test_tests_can_be_read_whole(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 450


def test_names_that_say_nothing_are_not_used() -> None:
    empty = {"utils", "util", "helpers", "common", "misc"}
    assert [path for path in SOURCES if path.stem in empty] == []


def test_packages_carry_no_python() -> None:
    assert list((ROOT / "plugins").rglob("*.py")) == []


LOCKED = re.compile(r"[\w.\[\],-]+==\S+( ; .+)?( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?|    #.*")


@pytest.mark.parametrize("lock", sorted(ROOT.glob("*.lock")), ids=lambda lock: lock.name)
def test_lock_files_hold_versions_and_hashes_only(lock: Path) -> None:
    lines = lock.read_text("utf-8").splitlines()
    assert [line for line in lines if not LOCKED.fullmatch(line)] == []


def test_the_front_end_is_locked_without_places() -> None:
    text = (ROOT / "platform/trellis/frontend/package-lock.json").read_text("utf-8")
    assert '"integrity"' in text
    assert '"resolved"' not in text
