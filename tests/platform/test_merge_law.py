"""The law of merging: whatever leads to whatever among the records and around them, merges that
are undone in their order leave all as it was, and computed values are right all the time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metadata.encryption import Cipher
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.computed_world import NUMBER, TEXT, World, computed, reference, world_of
from trellis.db import Database
from trellis.duplicates.choice import Wish
from trellis.duplicates.merge import merge_records
from trellis.duplicates.unmerge import unmerge_records

WAYS: dict[str, JsonObject] = {
    "free": reference("part", reverse="freed", on_delete="set_null"),
    "held": reference("part", reverse="holding", on_delete="restrict"),
    "taken": reference("part", reverse="taking", on_delete="cascade"),
}
ALL_WAYS = [*WAYS, "about"]
PART = object_body(
    {
        "name": TEXT,
        "size": NUMBER,
        "code": {"type": "string", "crm": {"unique": True}},
        "about": {"type": "object", "crm": {"field": "any_reference", "to": ["part"]}},
        "friends": {
            "type": "array",
            "title": "Friends",
            "crm": {"field": "many_to_many", "to": "part", "reverse": "friend_of"},
        },
        "total": computed(NUMBER, rollup="sum(freed.size)"),
        "beside": computed(NUMBER, formula="held.size + taken.size", stored=True),
        "pieces": computed(NUMBER, rollup="count(items)"),
        **WAYS,
    }
)
ITEM = object_body({"name": TEXT, "part": reference("part", reverse="items", on_delete="cascade")})
ELEMENTS = [element("part", PART), element("item", ITEM)]
KEY = "2026:" + "k" * 43
STAMPS = {"version", "updated_at", "updated_by"}
PARTS = 7
MERGES = 3


def populate(world: World, randoms: random.Random) -> list[str]:
    """Makes parts that lead to one another at random, and items of them."""
    parts: list[str] = []
    for number in range(PARTS):
        code = f"c{number}" if randoms.random() < 0.5 else None
        parts.append(world.save("part", name=f"p{number}", size=str(2**number), code=code))
    for part in parts:
        ends = {way: randoms.choice([None, *parts]) for way in ALL_WAYS if randoms.random() < 0.6}
        about = ends.pop("about", None)
        values = {**ends, "about": about and {"object": "part", "id": about}}
        world.save("part", part, **values, friends=randoms.sample(parts, randoms.randrange(3)))
        world.save("item", name="i", part=part)
    return parts


def rows(world: World) -> list[str]:
    """Gives all that is stored of records, but for stamps."""
    return sorted(
        repr((name, {key: value for key, value in row.items() if key not in STAMPS}))
        for name, table in world.catalog.tables.items()
        for row in world.connection.execute(sa.select(table)).mappings()
    )


def merge(world: World, survivor: str, others: Sequence[str]) -> None:
    unit = world.unit
    merge_records(unit, "part", survivor, others, Wish({}), channel="api")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, cipher=Cipher([KEY]))
    yield database
    database.dispose()


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_merges_that_are_undone_leave_all_as_it_was(database: Database, seed: int) -> None:
    randoms = random.Random(seed)
    with world_of(database, ELEMENTS) as world:
        left = populate(world, randoms)
        states, merged = [], []
        for _ in range(MERGES):
            survivor, *others = randoms.sample(left, randoms.choice([2, 2, 3]))
            states.append(rows(world))
            merge(world, survivor, others)
            assert world.drifted() == {}
            merged.append((survivor, set(others)))
            left = [one for one in left if one not in others]
        for (survivor, gone), state in zip(reversed(merged), reversed(states), strict=True):
            done = unmerge_records(world.unit, "part", survivor, channel="api")
            assert (set(done.restored), done.kept) == (gone, ())
            assert world.drifted() == {}
            assert rows(world) == state
