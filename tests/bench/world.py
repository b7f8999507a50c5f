"""An installation to measure on: the base package, a few people, a hundred thousand leads."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import sqlalchemy as sa
import uuid_utils
from flask import Flask

from metadata.columns import to_columns
from rule_engine.values import Money
from tests.bench.rules import NOW
from tests.conftest import find_postgresql, running_postgresql
from tests.platform.conftest import make_settings, populate
from tests.platform.world import PEOPLE, People
from trellis.app import create_app
from trellis.runtime import Platform, open_platform

LEADS = int(os.environ.get("TRELLIS_BENCH_LEADS", "100000"))
BATCH = 5_000


@dataclass(frozen=True)
class World:
    """A platform with its web application; `leads` are ids of Rita's leads."""

    platform: Platform
    app: Flask
    people: People
    leads: list[str]


@contextmanager
def world(database_url: str, folder: Path) -> Iterator[World]:
    """Sets a database up and fills it."""
    settings = make_settings(database_url, folder)
    people = populate(settings)
    platform = open_platform(settings)
    app = create_app(settings, platform=platform)
    try:
        yield World(platform, app, people, fill(platform, people))
    finally:
        app.extensions["trellis_fab_engine"].dispose()
        platform.close()


def fill(platform: Platform, people: People) -> list[str]:
    """Adds leads straight into the table; gives the ids of Rita's."""
    draw, mine = random.Random(11), []
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        definition, table = catalog.objects["lead"], catalog.tables["lead"]
        for _ in range(0, LEADS, BATCH):
            rows = []
            for _ in range(min(BATCH, LEADS)):
                owner = people[draw.choice(list(PEOPLE))]
                values = lead(draw, owner)
                mine += [str(values["id"])] if owner == people["rita"] else []
                rows.append(to_columns(connection, definition, str(values["id"]), values))
            connection.execute(sa.insert(table), rows)
    with platform.database.autocommit() as connection:
        connection.exec_driver_sql("ANALYZE")
    return mine


def lead(draw: random.Random, owner: str) -> Mapping[str, object]:
    """Gives a lead with some of everything."""
    made = NOW - timedelta(minutes=draw.randint(1, 400_000))
    number = draw.randint(0, 999_999)
    return {
        "id": str(uuid_utils.uuid7()),
        "version": 1,
        "created_at": made,
        "created_by": owner,
        "updated_at": made,
        "updated_by": owner,
        "owner": owner,
        "owner_team": None,
        "deleted_at": None,
        "name": f"Lead {number}",
        "company": f"Company {number % 5_000}",
        "title": draw.choice([None, "VP Sales", "Buyer", "Head of IT", "Director"]),
        "status": draw.choice(["new", "working", "qualified"]),
        "email": draw.choice([None, f"a{number}@acme.cn", f"b{number}@gmail.com", "c@qq.com"]),
        "phone": draw.choice([None, "+8613800000000"]),
        "industry": draw.choice([None, "software", "manufacturing", "other"]),
        "lead_source": draw.choice(["web", "referral", "partner"]),
        "employees": draw.choice([None, Decimal(draw.randint(1, 3000))]),
        "budget": draw.choice([None, Money(Decimal(draw.randint(1, 1_000_000)), "CNY")]),
        "emails_opened": draw.choice([None, Decimal(draw.randint(0, 30))]),
        "demo_requested": draw.choice([True, False]),
        "do_not_contact": draw.random() < 0.05,
        "last_contacted_at": draw.choice([None, NOW - timedelta(days=draw.randint(0, 120))]),
        "score": Decimal(draw.randint(0, 100)),
        "score_grade": "c",
    }


@contextmanager
def worlds() -> Iterator[Iterator[tuple[str, World]]]:
    """Gives a world per database, one after the other."""
    with tempfile.TemporaryDirectory(prefix="trellis-bench-") as name:
        yield each_world(Path(name))


def each_world(folder: Path) -> Iterator[tuple[str, World]]:
    """Gives SQLite, and PostgreSQL when its binaries are there."""
    (folder / "sqlite").mkdir()
    with world(f"sqlite:///{folder / 'sqlite' / 'trellis.db'}", folder / "sqlite") as made:
        yield "SQLite", made
    binaries = find_postgresql()
    if binaries is None:
        return
    with running_postgresql(binaries) as server:
        with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        (folder / "postgresql").mkdir()
        address = f"postgresql+psycopg://{server}/bench"
        with world(address, folder / "postgresql") as made:
            yield "PostgreSQL", made
