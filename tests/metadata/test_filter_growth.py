"""Short filters that would make texts no memory holds: answered by both databases, with empties."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

import pytest

from metadata.access import SYSTEM
from metadata.query import Records
from tests.metadata.databases import engine_for
from tests.metadata.worlds import MOMENT, NOW, fill, insert, make_catalog

LETTERS = "a" * 54


@pytest.fixture(scope="module")
def records(module_database_url: str) -> Iterator[Records]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        world = fill(made, make_catalog(made), random.Random(5), 30)
        system = {"version": Decimal(1), "created_at": NOW, "updated_at": NOW}
        insert(made, world.catalog, "deal", [{"id": "long", "name": "a" * 255, **system}])
        yield Records(world.catalog, made, SYSTEM, MOMENT)


def grown(times: int) -> str:
    text = "name"
    for _ in range(times):
        text = f'replace({text}, "a", "{LETTERS}")'
    return text


#: A filter, and whether the record whose name is 255 letters long is found by it.
FILTERS = [
    (f"length({grown(1)}) = {255 * 54}", True),
    *((f"length({grown(times)}) > 5000000000", False) for times in (5, 6, 8)),
    *((f"{grown(times)} is empty", times > 1) for times in (1, 2, 5, 8)),
    (f'length(replace("{"a" * 400}", "a", {grown(1)})) > 0', False),
    (f"length(concat({', '.join(['name'] * 2_500)})) = {255 * 2_500}", True),
    (f"length(concat({', '.join([grown(1)] * 100)})) = {255 * 54 * 100}", True),
]


@pytest.mark.parametrize(("text", "holds"), FILTERS, ids=lambda value: str(value)[:50])
def test_texts_that_grow_too_long_are_empty(records: Records, text: str, *, holds: bool) -> None:
    found = {one["id"] for one in records.list("deal", filter=text, limit=200).items}
    assert ("long" in found) == holds
    assert records.aggregate("deal", filter=text).items[0]["count()"] == len(found)
