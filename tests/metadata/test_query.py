"""Queries on both databases: order and paging, search, related records, rights."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from metadata.access import EVERYTHING, SYSTEM, Principal, Rows
from metadata.catalog import Catalog
from metadata.query import Missing, QueryProblem, Records, UnknownObject
from rule_engine.text import fold
from rule_engine.values import Money
from tests.metadata.databases import engine_for
from tests.metadata.worlds import MOMENT, STAGES, Record, World, fill, make_catalog, principal

SORTS = ("name", "stage", "amount", "discount", "count", "hot", "close", "met", "account", "id")
PATHS = (*SORTS, "account.name", "account.rating", "account.parent.name", "created_at")


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made:
        with made.begin():
            yield made


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    return make_catalog(connection)


@pytest.fixture(scope="module")
def world(connection: sa.Connection, catalog: Catalog) -> World:
    return fill(connection, catalog, random.Random(7), 90)


@pytest.fixture
def records(connection: sa.Connection, world: World) -> Records:
    return Records(world.catalog, connection, SYSTEM, MOMENT)


def follow(world: World, record: Record | None, path: str) -> object:
    """Gives a path's value as the slow reference reads it."""
    first, _, rest = path.partition(".")
    value = record.get(first) if record else None
    return follow(world, world.by_id("account", value), rest) if rest else value


def rank(world: World, record: Record, path: str) -> tuple[bool, object]:
    """Gives what the reference sorts by: empties lowest."""
    value = follow(world, record, f"{path}.name" if path == "account" else path)
    if isinstance(value, Money):
        value = value.amount
    if path == "stage" and value is not None:
        value = (*STAGES, value).index(str(value))
    elif isinstance(value, str) and path != "id":
        value = fold(value)
    return (value is not None, value or 0 if value is None else value)


def in_order(world: World, rows: list[Record], sort: list[str]) -> list[str]:
    """Gives the ids in the order that the reference finds."""
    last = sort[-1].startswith("-") if sort else False
    ordered = sorted(rows, key=lambda row: str(row["id"]), reverse=last)
    for key in reversed(sort):
        path, down = key.removeprefix("-"), key.startswith("-")
        values = {str(row["id"]): rank(world, row, path) for row in rows}
        ordered.sort(key=lambda row, found=values: found[str(row["id"])], reverse=down)  # type: ignore[misc]  # a default fixes the loop's value
    return [str(row["id"]) for row in ordered]


def living(world: World, object_name: str = "deal") -> list[Record]:
    return [row for row in world.records[object_name] if not row["deleted_at"]]


def all_pages(records: Records, limit: int, sort: list[str], **asked: object) -> list[str]:
    """Gives the ids of a list read page by page."""
    found: list[str] = []
    after = None
    while True:
        page = records.list(
            "deal", fields=["name"], sort=sort, limit=limit, after=after, **asked
        )  # type: ignore[arg-type]  # by name
        found.extend(str(item["id"]) for item in page.items)
        assert len(found) <= 1_000
        if page.next is None:
            return found
        assert len(page.items) == limit
        after = page.next


sort_keys = st.builds(
    lambda sign, path: sign + path, st.sampled_from(["", "-"]), st.sampled_from(PATHS)
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.lists(sort_keys, max_size=3), st.integers(1, 20))
def test_pages_together_are_the_whole_list_in_order(
    records: Records, world: World, sort: list[str], limit: int
) -> None:
    assert all_pages(records, limit, sort) == in_order(world, living(world), sort)


@pytest.mark.parametrize("path", SORTS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_each_order_page_by_page(records: Records, world: World, sign: str, path: str) -> None:
    expected = in_order(world, living(world), [sign + path])
    for limit in (1, 7, 200):
        assert all_pages(records, limit, [sign + path]) == expected
