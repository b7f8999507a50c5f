"""Lists whose filters differ in their values alone share a statement, and still mean their own."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from metadata.access import SYSTEM
from metadata.query import QueryProblem, Records
from metadata.query.listing import Listing
from tests.metadata.databases import engine_for
from tests.metadata.worlds import MOMENT, STAGES, fill, make_catalog

ALWAYS, NEVER, ON_POSTGRESQL = "always", "never", "on postgresql"

PAIRS = [
    (f'stage = "{STAGES[0]}"', f'stage = "{STAGES[1]}"', ALWAYS),
    (f'stage != "{STAGES[0]}"', f'stage  !=  "{STAGES[1]}"', ALWAYS),
    ('name = "  Deal 1 "', 'name = "E\u0301clair"', ALWAYS),
    ('name != "a"', 'name != "Deal 2"', ALWAYS),
    ("2026-01-02 <= close", "2025-01-02 <= close", ALWAYS),
    ('name contains "DEAL"', 'name contains "1"', ALWAYS),
    ('name starts with "d"', 'name starts with "E\u0301"', ALWAYS),
    ('account.name contains "a"', 'account.name contains "1"', ALWAYS),
    (
        'account = "01a20335-e484-7279-890a-eca2ea7d7ae2"',
        'account = "01a20335-e484-7279-890a-eca2ea7d7ae3"',
        ALWAYS,
    ),
    ("close >= 2026-01-02", "close >= 2025-06-30", ALWAYS),
    ("close between 2025-01-01 and 2026-01-01", "close between 2026-01-01 and 2026-06-01", ALWAYS),
    ("met >= 2026-01-02", "met >= 2025-01-02", ALWAYS),
    ("met < 2026-01-02T10:00:00Z", "met < 2025-07-02T10:00:00Z", ALWAYS),
    ("not (close < 2026-01-02) or hot", "not (close < 2025-01-02) or hot", ALWAYS),
    ("count > 1", "count > 20.5", ON_POSTGRESQL),
    ("discount <= 5%", "discount <= 12.5%", ON_POSTGRESQL),
    ("count + 1 > 3", "count + 2 > 3", NEVER),
    ("amount > 5 USD", "amount > 5 EUR", NEVER),
    ("count = 5", "count != 5", NEVER),
    ('name contains ""', 'name contains "a"', NEVER),
    ("met >= 2026-01-02", "met >= 2026-01-02T10:00:00", NEVER),
    (f'stage in ["{STAGES[0]}"]', f'stage in ["{STAGES[0]}", "{STAGES[1]}"]', NEVER),
    ("close in last 3 days", "close in last 400 days", NEVER),
]


@pytest.fixture(scope="module")
def records(module_database_url: str) -> Iterator[Records]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        world = fill(made, make_catalog(made), random.Random(11), 60)
        yield Records(world.catalog, made, SYSTEM, MOMENT)


def listings(records: Records) -> int:
    """Gives how many lists are compiled."""
    return sum(isinstance(one, Listing) for one in records.catalog.queries._entries.values())


@pytest.mark.parametrize(("first", "second", "shared"), PAIRS)
def test_values_are_no_part_of_what_is_compiled(
    records: Records, connection_dialect: str, first: str, second: str, shared: str
) -> None:
    records.catalog.__dict__.pop("queries", None)
    for text in (first, second, first):
        page = records.list("deal", fields=["name"], filter=text, limit=100, count="exact")
        counted = records.aggregate("deal", filter=text).items[0]["count()"]
        assert (len(page.items), page.count) == (counted, counted)
    shares = shared == ALWAYS or (shared == ON_POSTGRESQL and connection_dialect == "postgresql")
    assert listings(records) == (1 if shares else 2)


@pytest.fixture
def connection_dialect(records: Records) -> str:
    return records._run.connection.dialect.name


def test_a_cursor_belongs_to_the_values_of_its_list(records: Records) -> None:
    page = records.list("deal", filter="close >= 2020-01-01", limit=1)
    again = records.list("deal", filter="close >= 2020-01-01", limit=1, after=page.next)
    assert page.next is not None
    assert again.items[0]["id"] != page.items[0]["id"]
    with pytest.raises(QueryProblem) as caught:
        records.list("deal", filter="close >= 2020-01-02", limit=1, after=page.next)
    assert [problem.code for problem in caught.value.problems] == ["bad_cursor"]


def test_all_that_is_wrong_is_said_together(records: Records) -> None:
    records.list("deal", filter=f'stage = "{STAGES[0]}"', limit=1)
    with pytest.raises(QueryProblem) as caught:
        records.list("deal", fields=["nonsense"], filter='stage = "nonsense"', limit=1)
    assert [problem.path for problem in caught.value.problems] == ["fields", "filter"]
