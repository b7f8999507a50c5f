"""Searching tells nobody of what she may not see (SEC-01)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

import pytest
import sqlalchemy as sa

from metadata.query import Records
from tests.metadata.databases import engine_for
from tests.metadata.test_leaks import ABSENT, PERSONAS, answer, without
from tests.metadata.worlds import MOMENT, World, fill, make_catalog


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        yield made


@pytest.fixture(scope="module")
def world(connection: sa.Connection) -> World:
    return fill(connection, make_catalog(connection), random.Random(11), 120)


SEARCHES: Mapping[str, Callable[[Records, str], object]] = {
    "list": lambda records, text: records.list("deal", fields=[], search=text, count="exact"),
    "everywhere": lambda records, text: records.search(text),
    "objects": lambda records, text: records.search(text, ["deal", "account", "user"]),
    "lookup": lambda records, text: records.lookup("account", text),
}


@pytest.mark.parametrize("persona", PERSONAS)
def test_sec_01_searching_answers_as_if_hidden_things_were_not_there(
    connection: sa.Connection, world: World, persona: str
) -> None:
    records = Records(world.catalog, connection, PERSONAS[persona], MOMENT)
    bare_catalog = without(world.catalog, [*ABSENT[persona], "deal.phone"])
    bare = Records(bare_catalog, connection, PERSONAS[persona], MOMENT)
    for ask in SEARCHES.values():
        # Values of hidden and masked fields, of related records, and names.
        for text in ("x", "y z", "1390001", "0001", "acme", "acme x", "n"):
            told = answer(lambda: ask(records, text))  # noqa: B023  # called at once
            assert told == answer(lambda: ask(bare, text)), text  # noqa: B023  # called at once
