"""Fixtures for the tests of metadata."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest


@pytest.fixture(scope="module")
def module_database_url(
    dialect: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Gives the URL of a database that the tests of one module share, once per dialect."""
    if dialect == "sqlite":
        folder: Path = tmp_path_factory.mktemp("module")
        yield f"sqlite:///{folder / 'trellis.db'}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"m{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield f"postgresql+psycopg://{server}/{name}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
