"""`count=estimate`: quick where statistics tell nothing new, else a count that stops at 1,001."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from metadata.access import EVERYTHING, SYSTEM, Principal, Rows
from metadata.catalog import Catalog
from metadata.query import Records
from tests.metadata.databases import engine_for
from tests.metadata.worlds import MOMENT, NOW, Record, insert, make_catalog, principal

SIZE = 3_000
READER = principal(reads={"account": EVERYTHING, "deal": EVERYTHING})
OWNER = principal(reads={"account": Rows(owners=frozenset({"u1", "u2", "u3"}))})


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        yield made


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    made = make_catalog(connection)
    rows: list[Record] = [
        {
            "id": f"a{number:04}",
            "name": f"Name {number}",
            "region": "n" if number % 2 else "s",
            "owner": f"u{number % 4}",
            "created_at": NOW,
            "updated_at": NOW,
            "version": 1,
        }
        for number in range(SIZE)
    ]
    insert(connection, made, "account", rows)
    connection.exec_driver_sql("ANALYZE")
    return made


@pytest.mark.parametrize("person", [SYSTEM, READER], ids=["system", "reader"])
@pytest.mark.parametrize(("text", "true"), [(None, SIZE), ('region = "n"', SIZE // 2)])
def test_who_reads_all_rows_gets_an_estimate(
    connection: sa.Connection, catalog: Catalog, person: Principal, text: str | None, true: int
) -> None:
    page = Records(catalog, connection, person, MOMENT).list(
        "account", fields=[], filter=text, limit=1, count="estimate"
    )
    if connection.dialect.name == "sqlite":
        assert (page.count, page.count_is) == (1_001, "capped")
        return
    assert page.count_is == "estimate"
    assert abs((page.count or 0) - true) < true / 5


def test_few_rows_are_counted(connection: sa.Connection, catalog: Catalog) -> None:
    records = Records(catalog, connection, READER, MOMENT)
    page = records.list("account", fields=[], filter='name = "Name 7"', count="estimate")
    assert (page.count, page.count_is) == (1, "exact")


@pytest.mark.parametrize(
    ("person", "text"),
    [
        (OWNER, None),
        (READER, "parent is empty and parent.name is empty"),
        (READER, "count(deals) = 0"),
    ],
    ids=["row rule", "reference", "total"],
)
def test_sec_03_statistics_tell_nothing_of_rows_out_of_reach(
    connection: sa.Connection, catalog: Catalog, person: Principal, text: str | None
) -> None:
    records = Records(catalog, connection, person, MOMENT)
    page = records.list("account", fields=[], filter=text, limit=1, count="estimate")
    assert (page.count, page.count_is) == (1_001, "capped")
