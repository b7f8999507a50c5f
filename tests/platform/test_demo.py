"""The demo world of the base package, made smaller: coherent, repeatable, made once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import database_hash
from tests.platform.conftest import Template, make_settings
from tests.platform.world import PASSWORD
from trellis.automation.outbox import outbox
from trellis.automation.requests import OPEN, approval_approver, approval_request
from trellis.bundled import known_packages
from trellis.demo.load import load_demo
from trellis.demo.world import plan_world
from trellis.records.history import record_history
from trellis.runtime import Platform, open_platform

SHARE = 8
AT_LEAST = 12
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


def smaller(recipe: dict[str, Any]) -> dict[str, Any]:
    """Gives a recipe with fewer records; quotes stay many enough for an open approval."""
    for group in recipe["objects"]:
        share = SHARE // 4 if group["object"] == "quote" else SHARE
        group["count"] = max(AT_LEAST, group["count"] // share)
    return recipe


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base package with a small demo world."""
    folder = tmp_path_factory.mktemp("package") / "crm"
    shutil.copytree(known_packages()["crm"], folder)
    file = folder / "demo" / "generate.json"
    file.write_text(json.dumps(smaller(json.loads(file.read_text("utf-8")))), "utf-8")
    return folder


@dataclass(frozen=True)
class Demo:
    """A platform with the small world; `made` is the number of records by object."""

    platform: Platform
    made: Mapping[str, int]


@contextmanager
def loaded(template: Template, package: Path, folder: Path) -> Iterator[Demo]:
    """Makes the world in a fresh platform."""
    with template.copy(folder) as database_url:
        platform = open_platform(make_settings(database_url, folder))
        yield Demo(platform, load_demo(platform, package, password=PASSWORD))
        platform.close()


@pytest.fixture(scope="session")
def demo(
    template: Template, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """The world, made once for all tests: they only look at it."""
    with loaded(template, package, tmp_path_factory.mktemp("demo")) as demo:
        yield demo


def rows(platform: Platform, statement: sa.Select[Any]) -> list[Any]:
    """Gives the rows of a statement."""
    with platform.database.read() as connection:
        return list(connection.execute(statement).all())


def tables(platform: Platform) -> Mapping[str, sa.Table]:
    """Gives the tables of objects."""
    with platform.database.read() as connection:
        return platform.catalogs.current(connection).tables


def named_and_owned(demo: Demo) -> dict[str, list[Any]]:
    """Gives names and owners' user names of all demo records, by object."""
    known = tables(demo.platform)
    users = known["user"]
    found = {}
    for name in demo.made:
        table = known[name]
        title = next(table.c[key] for key in ("name", "subject", "product") if key in table.c)
        owned = table.outerjoin(users, users.c.id == table.c.owner)
        listed = rows(demo.platform, sa.select(title, users.c.username).select_from(owned))
        found[name] = sorted(map(tuple, listed))
    return found


def test_the_world_is_there_once(package: Path, demo: Demo) -> None:
    platform = demo.platform
    known = tables(platform)
    for name, number in demo.made.items():
        assert number >= AT_LEAST, name
        counted = rows(platform, sa.select(sa.func.count()).select_from(known[name]))
        assert counted[0][0] == number, name
    before = database_hash(platform)
    assert load_demo(platform, package, password=PASSWORD) == {}
    assert database_hash(platform) == before


def test_a_seed_gives_one_world(package: Path) -> None:
    recipe = json.loads((package / "demo" / "generate.json").read_text("utf-8"))

    def drawn(seed: int | None) -> list[Any]:
        return [
            (event.at, event.act, event.record.kind, event.record.owner, event.values)
            for event in plan_world(recipe, NOW, seed).events
        ]

    assert drawn(None) == drawn(recipe["seed"])
    assert drawn(1) != drawn(2)
    assert all(event[0] < NOW for event in drawn(3))


def test_the_same_seed_gives_the_same_records(
    demo: Demo, template: Template, package: Path, tmp_path: Path
) -> None:
    with loaded(template, package, tmp_path) as second:
        assert second.made == demo.made
        assert named_and_owned(second) == named_and_owned(demo)


def test_histories_are_in_order_and_past(demo: Demo) -> None:
    platform, history = demo.platform, record_history
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
    of_demo = history.c.object.in_([catalog.objects[name].id for name in demo.made])
    found = rows(
        platform,
        sa.select(history.c.record_id, history.c.version, history.c.at, history.c.by)
        .where(of_demo)
        .order_by(history.c.record_id, history.c.version, history.c.id),
    )
    now = datetime.now(UTC)
    assert [row for row in found if row.at > now] == []
    backwards = [
        (earlier, later)
        for earlier, later in pairwise(found)
        if earlier.record_id == later.record_id and earlier.at > later.at
    ]
    assert backwards == []
    assert len({row.by for row in found}) > 3, "several people work here"
    written = rows(platform, sa.select(history.c.at).where(of_demo).order_by(history.c.id))
    assert written == sorted(written), "the log itself is in order of time"


def test_records_agree_with_their_histories(demo: Demo) -> None:
    known, now = tables(demo.platform), datetime.now(UTC)
    for name in demo.made:
        table = known[name]
        for row in rows(
            demo.platform, sa.select(table.c.id, table.c.created_at, table.c.updated_at)
        ):
            assert row.created_at <= row.updated_at <= now, (name, row.id)


def test_leads_are_scored(demo: Demo) -> None:
    lead = tables(demo.platform)["lead"]
    found = rows(demo.platform, sa.select(lead.c.score, lead.c.score_grade))
    assert all(score is not None and grade is not None for score, grade in found)
    assert len({score for score, _ in found}) > 5


def test_who_is_asked_for_an_approval_will_be_told(demo: Demo) -> None:
    platform = demo.platform
    waiting = rows(
        platform,
        sa.select(approval_request.c.id, approval_request.c.record_id, approval_approver.c.user)
        .join(approval_approver, approval_approver.c.request == approval_request.c.id)
        .where(approval_request.c.status == OPEN, approval_approver.c.open),
    )
    assert waiting, "nothing is waiting"
    messages = rows(platform, sa.select(outbox.c.record_id, outbox.c.payload))
    told = {
        (payload["values"]["request"], record_id, user)
        for record_id, payload in messages
        if payload["kind"] == "approval_waiting"
        for user in payload["recipients"]
    }
    assert {tuple(row) for row in waiting} <= told
