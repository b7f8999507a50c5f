"""Exchange rates at work: what amounts are worth, in saves, formulas, filters, orders and sums."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.computed.filling import fill
from metadata.computed.outside import outside
from metadata.converted import count_lacking, fill_lacking
from metadata.exchange import DatedRates
from rule_engine.values import Money
from tests.metadata.databases import element, object_body
from tests.platform.computed_world import (
    MONEY,
    NOW,
    NUMBER,
    TEXT,
    ZONE,
    World,
    computed,
    reference,
    world_of,
)
from trellis.bundled import SYSTEM
from trellis.db import Database

RATES = json.loads((SYSTEM / "objects" / "exchange_rate.json").read_text("utf-8"))
DEALS = [
    element("exchange_rate", RATES, package="system"),
    element("cost", object_body({"name": TEXT, "price": MONEY})),
    element("firm", object_body({"name": TEXT, "won": computed(MONEY, rollup="sum(deals.price)")})),
    element(
        "deal",
        object_body(
            {
                "name": TEXT,
                "price": {**MONEY, "crm": {**MONEY["crm"], "index": True}},
                "more": computed(MONEY, formula="price + 1 CNY"),
                "double": computed(MONEY, formula="price * 2"),
                "length": computed(NUMBER, formula="length(name)"),
                "twice": computed(MONEY, formula="price * 2", stored=False),
                "firm": reference("firm", reverse="deals"),
                "effort": {"type": "string", "format": "duration"},
            }
        ),
    ),
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with world_of(database, DEALS) as world:
        rate(world, "USD", "2026-02-01", "7")
        rate(world, "USD", "2026-03-01", "7.2")
        rate(world, "USD", "2026-03-02", "9")
        yield world


def rate(world: World, currency: str, date: str, worth: str) -> str:
    return world.save("exchange_rate", currency=currency, date=date, rate=worth)


def usd(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def worth(world: World, record_id: str, field: str = "price") -> Decimal | None:
    """Gives what is stored of an amount in the base currency."""
    definition = world.catalog.objects["deal"]
    table = world.catalog.tables["deal"]
    column = table.c[f"{definition.fields[field].column}$base"]
    return world.connection.scalar(sa.select(column).where(table.c.id == record_id))


def around(world: World) -> Any:
    rates = DatedRates(world.connection, world.catalog, NOW.astimezone(ZONE).date())
    return outside(ZONE, rates)


def test_a_saved_amount_keeps_the_worth_of_its_day(world: World) -> None:
    dollars = world.save("deal", price=usd("100"))
    yuan = world.save("deal", price="12.50")
    assert (worth(world, dollars), worth(world, yuan)) == (Decimal(720), Decimal("12.5"))
    world.connection.execute(
        sa.update(world.catalog.tables["exchange_rate"]).values(rate=Decimal(8))
    )
    world.save("deal", dollars, name="renamed")
    assert worth(world, dollars) == Decimal(720)
    world.save("deal", dollars, price=usd("101"))
    assert worth(world, dollars) == Decimal(808)
    world.save("deal", dollars, price=None)
    assert worth(world, dollars) is None


def test_what_had_no_rate_is_filled_and_nothing_else(world: World) -> None:
    euros, dollars = world.save("deal", price=usd("10", "EUR")), world.save("deal", price=usd("1"))
    assert worth(world, euros) is None
    assert count_lacking(world.connection, world.catalog, around(world)) == {}
    rate(world, "EUR", "2026-01-01", "8.12345678")
    table = world.catalog.tables["exchange_rate"]
    world.connection.execute(
        sa.update(table).where(table.c.currency == "USD").values(rate=Decimal(1))
    )
    expected = {("deal", "price"): 1, ("deal", "double"): 1}
    assert count_lacking(world.connection, world.catalog, around(world)) == expected
    assert fill_lacking(world.connection, world.catalog, around(world)) == expected
    assert count_lacking(world.connection, world.catalog, around(world)) == {}
    assert (worth(world, euros), worth(world, dollars)) == (Decimal("81.2346"), Decimal("7.2"))


def test_formulas_filters_and_roll_ups_meet_in_the_base_currency(world: World) -> None:
    firm = world.save("firm", name="f")
    dollars = world.save("deal", price=usd("100"), firm=firm)
    yuan = world.save("deal", price="700", firm=firm)
    world.save("deal", price=usd("100", "EUR"))
    assert world.get("deal", dollars)["more"] == Money(Decimal(721), "CNY")
    assert world.get("firm", firm)["won"] == Money(Decimal(1420), "CNY")
    assert worth(world, dollars, "more") == Decimal(721)
    assert world.drifted() == {}
    found = world.unit.records().list("deal", filter="price > 700 CNY", sort=["price"])
    assert [row["id"] for row in found.items] == [dollars]
    found = world.unit.records().list("deal", filter="price < 100 USD")
    assert [row["id"] for row in found.items] == [yuan]


def test_filling_a_group_leaves_what_its_amounts_were_worth(world: World) -> None:
    dollars = world.save("deal", price=usd("100"))
    table, rates = (world.catalog.tables[name] for name in ("deal", "exchange_rate"))
    world.connection.execute(sa.update(rates).values(rate=Decimal(8)))
    fields = world.catalog.objects["deal"].fields
    world.connection.execute(sa.update(table).values({fields["length"].column: Decimal(7)}))
    changed = fill(
        world.connection, world.catalog, set(world.catalog.computed.fields), around(world)
    )
    assert (changed, worth(world, dollars, "double")) == (1, Decimal(1440))


@pytest.mark.parametrize("key", ["price", "-price", "twice", "-twice"])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_amounts_are_in_the_order_of_their_worth(world: World, key: str, limit: int) -> None:
    given = [usd("1"), "5", usd("3"), None, "30", usd("9", "EUR"), usd("-1")]
    ids = [world.save("deal", price=price) for price in given]
    nothing = sorted((ids[3], ids[5]))
    expected = [*nothing, ids[6], ids[1], ids[0], ids[2], ids[4]]
    if key.startswith("-"):
        expected.reverse()
    assert pages(world, key, limit) == expected


@pytest.mark.parametrize("key", ["effort", "-effort"])
def test_durations_are_sorted(world: World, key: str) -> None:
    ids = [world.save("deal", effort=effort) for effort in ("PT2H", None, "PT90M", "-PT1S")]
    expected = [ids[1], ids[3], ids[2], ids[0]]
    assert pages(world, key, 1) == (expected[::-1] if key.startswith("-") else expected)


def pages(world: World, key: str, limit: int) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = world.unit.records().list("deal", sort=[key], limit=limit, after=after)
        found += [str(row["id"]) for row in page.items]
        after = page.next
        if after is None:
            return found


def test_rates_are_only_read_where_currencies_meet(world: World, database: Database) -> None:
    asked: list[str] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "exchange_rate" in statement:
            asked.append(statement)

    yuan = world.save("cost", name="a", price="1")
    world.save("cost", yuan, price="2")
    world.unit.records().list("cost", filter='name = "a"', sort=["price"])
    assert asked == []
    world.save("cost", price=usd("1"))
    assert len(asked) == 1
