"""Scores that look at other records than those that refer to theirs: right when the worker has
done what a save left to it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import make, stored, system
from tests.platform.conditional_world import publish_more
from trellis.automation.outbox import outbox
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.scoring.rescoring import rescore
from trellis.scoring.watching import FAR
from trellis.unit import Unit
from trellis.worker import make_dispatcher

pytestmark = pytest.mark.usefixtures("people")

NUMBER = {"type": "integer"}
POINTS = {"type": "number", "readOnly": True, "crm": {"field": "decimal", "scale": 0}}


def to(target: str, reverse: str) -> dict[str, Any]:
    """Gives a reference that is emptied when its target goes."""
    kind = {"field": "reference", "to": target, "reverse": reverse, "on_delete": "set_null"}
    return {"type": "string", "crm": kind}


def thing(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": "Thing",
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, **properties},
        "crm": {"name_field": "name", "owner": True},
    }


FIRM = thing(
    size=NUMBER,
    above=to("firm", "below"),
    points=POINTS,
    heavy={"type": "integer", "crm": {"rollup": "count(parts where weight > 2)"}},
)
PART = thing(weight=NUMBER, firm=to("firm", "parts"), points=POINTS)
RULES = """
score part_points "Part" on part into points {
    base 1
    add 10 when firm.size > 100
    add 100 when firm.above.size > 100
    add count(firm.parts where weight > 1) * 1000
    add firm.heavy * 100000
}
score firm_points "Firm" on firm into points {
    base 1
    add sum(parts.points)
    add count(below where size > 100 or count(parts where weight > 1) > 1)
}
"""


@pytest.fixture
def world(platform: Platform) -> Platform:
    """Firms below firms, and parts of them, with scores that look all over."""
    publish_more(platform, {"firm": FIRM, "part": PART}, {"rules/far": {"text": RULES}})
    return platform


@contextmanager
def office(platform: Platform) -> Iterator[Unit]:
    """Gives a unit of work, after which the worker does what is left to it."""
    with system(platform) as unit:
        yield unit
    make_dispatcher(platform).drain()


def wrong(platform: Platform) -> dict[str, list[Any]]:
    """Gives the records whose points are not what they should be, by score."""
    runs = [
        one
        for name in ("part", "firm")
        for one in rescore(lambda: system(platform), name, dry_run=True)
    ]
    return {one.score: one.samples for one in runs if one.changed}


def points(platform: Platform, name: str, record_id: str) -> object:
    return stored(platform, name, record_id)["points"]


def test_what_a_score_looks_at_reaches_it(world: Platform) -> None:
    firm = make(world, "admin", "firm", name="F", size=5)
    first = make(world, "admin", "part", name="A", weight=1, firm=firm)
    second = make(world, "admin", "part", name="B", weight=2, firm=firm)
    make_dispatcher(world).drain()
    assert (points(world, "part", first), points(world, "part", second)) == (1001, 1001)
    assert points(world, "firm", firm) == 1 + 2002
    version = stored(world, "part", first)["version"]
    with office(world) as unit:
        save_record(unit, "firm", firm, {"size": 500}, channel="api")
    assert (points(world, "part", first), points(world, "firm", firm)) == (1011, 1 + 2022)
    assert stored(world, "part", first)["version"] == version
    with office(world) as unit:
        delete_record(unit, "firm", firm, channel="api")
    assert points(world, "part", first) == 1
    assert wrong(world) == {}


def test_whatever_happens_points_are_right(world: Platform) -> None:
    randoms = random.Random("scores from far off")
    ids: dict[str, list[str]] = {"firm": [], "part": []}
    gone: list[tuple[str, str]] = []

    def values(name: str) -> dict[str, object]:
        some = {"size": randoms.choice([None, 5, 500]), "weight": randoms.choice([None, 1, 2, 3])}
        firm = randoms.choice([None, *ids["firm"]])
        return (
            {"size": some["size"], "above": firm}
            if name == "firm"
            else {"weight": some["weight"], "firm": firm}
        )

    for number in range(60):
        name = randoms.choice(["firm", "part", "part"])
        deed = randoms.choice(["create", "change", "change", "delete", "restore"])
        with office(world) as unit:
            if deed == "create" or not ids[name]:
                given = {"name": f"{name} {number}", **values(name)}
                saved = save_record(unit, name, None, given, channel="api")
                ids[name].append(saved.id)
            elif deed == "change":
                one = randoms.choice(ids[name])
                given = {key: to for key, to in values(name).items() if to != one}
                save_record(unit, name, one, given, channel="api")
            elif deed == "delete":
                one = ids[name].pop(randoms.randrange(len(ids[name])))
                delete_record(unit, name, one, channel="api")
                gone.append((name, one))
            elif gone:
                kind, one = gone.pop()
                restore_record(unit, kind, one, channel="api")
                ids[kind].append(one)
        assert wrong(world) == {}, (number, deed, name)
    assert set(done(world)) == {"done"}


def done(platform: Platform) -> list[str]:
    """Gives the states of what was left to the worker."""
    with platform.database.read() as connection:
        mine = sa.select(outbox.c.state).where(outbox.c.action == FAR)
        return list(connection.scalars(mine))


def test_many_are_done_one_after_the_other(
    world: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trellis.scoring.far.AT_ONCE", 3)
    firm = make(world, "admin", "firm", name="F", size=5)
    for number in range(8):
        make(world, "admin", "part", name=f"P{number}", weight=0, firm=firm)
    make_dispatcher(world).drain()
    before = len(done(world))
    with office(world) as unit:
        save_record(unit, "firm", firm, {"size": 500}, channel="api")
    assert wrong(world) == {}
    # Three times some parts, and the firm after each of them.
    assert len(done(world)) - before == 6
