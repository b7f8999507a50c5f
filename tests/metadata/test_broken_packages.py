"""Broken packages: each is refused with file, place, reason and way out, and nothing changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.packages.check import line_of
from metadata.packages.install import install
from metadata.packages.read import read_package
from metadata.packages.signing import read_signature
from metadata.problems import PackageError, Problem
from metadata.store import create_store
from tests.metadata.broken_packages import ROWS, Change, zip_with
from tests.metadata.databases import engine_for, snapshot
from tests.metadata.package_world import CRM, add_row, package

CHINESE = re.compile("[一-鿿]")
REST = "…"
SAID = Path(__file__).with_name("broken_packages.txt").read_text("utf-8").splitlines()
EXPECTED = dict(zip(SAID[::2], (line.strip() for line in SAID[1::2]), strict=True))


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.begin() as made:
        create_store(made)
        install(made, package(CRM), by="ann")
        add_row(made, "lead", id="l1", name="Acme")
        yield made


def refusal(connection: sa.Connection, mutation: Mapping[str, Any] | Change) -> list[Problem]:
    """Gives what is said about a package when it is installed; nothing when it is."""
    try:
        found = read_package(zip_with(mutation))
        if problems := read_signature(found.files, ()).problems:
            return list(problems)
        with connection.begin_nested() as attempt:
            install(connection, found, by="ann")
            attempt.rollback()
    except PackageError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(("name", "mutation"), ROWS, ids=[name for name, _ in ROWS])
def test_each_mistake_is_named(
    connection: sa.Connection, name: str, mutation: Mapping[str, Any] | Change
) -> None:
    before = snapshot(connection)
    problems = refusal(connection, mutation)
    said, expected = [line_of(problem) for problem in problems], EXPECTED[name]
    if expected.endswith(REST):
        assert any(line.startswith(expected.removesuffix(REST)) for line in said), said
    else:
        assert expected in said
    assert all(CHINESE.search(line_of(problem, "zh")) for problem in problems)
    assert snapshot(connection) == before


def test_the_good_one_is_good(connection: sa.Connection) -> None:
    assert refusal(connection, {}) == []
    assert len(ROWS) == len(EXPECTED) >= 60


def test_a_missing_translation_is_only_a_warning(connection: sa.Connection) -> None:
    assert refusal(connection, {"translations/zh.json": None}) == []
