"""Aggregates on both databases against a slow reference on random data, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.access import EVERYTHING, SYSTEM, FieldRight, Principal, Rows
from metadata.catalog import Catalog
from metadata.problems import sentence
from metadata.query import QueryProblem, Records, UnknownObject
from metadata.query import aggregate as aggregates
from rule_engine.text import fold
from rule_engine.values import Money
from tests.metadata.databases import engine_for
from tests.metadata.worlds import MOMENT, Record, World, fill, make_catalog, principal, store

HIDDEN = FieldRight.HIDDEN
SECRETS = {
    "deal": {"secret": HIDDEN, "phone": FieldRight.MASKED},
    "account": {"secret": HIDDEN},
}
REP = principal(
    reads={"deal": Rows(owners=frozenset({"u1", "u2"})), "account": Rows(teams=frozenset({"t1"}))},
    fields=SECRETS,
)
CLERK = principal(reads={"deal": EVERYTHING}, fields=SECRETS)
PERSONS = {"system": SYSTEM, "rep": REP, "clerk": CLERK}


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        yield made


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    return make_catalog(connection)


@pytest.fixture(scope="module")
def world(connection: sa.Connection, catalog: Catalog) -> World:
    randoms = random.Random(23)
    made = fill(connection, catalog, randoms, 220)
    for deal in made.records["deal"]:
        deal["close"] = spread_day(randoms)
        deal["met"] = spread_instant(randoms)
        if randoms.random() < 0.05:
            deal["count"] = Decimal(randoms.choice([10**18 - 1, 1 - 10**18]))
        if isinstance(deal["amount"], Money) and deal["stage"] == "won":
            deal["amount"] = Money(deal["amount"].amount, randoms.choice(["CNY", "USD"]))
        if isinstance(deal["amount"], Money) and deal["stage"] == "lost":
            deal["amount"] = Money(deal["amount"].amount, "USD")
    store(connection, made)
    return made


def spread_day(randoms: random.Random) -> date | None:
    """Gives a day: often at the end of a year, sometimes at an end of the calendar."""
    if randoms.random() < 0.1:
        return randoms.choice([None, date(1, 1, 1), date(9999, 12, 31), date(1900, 2, 28)])
    return date(2024, 12, 20) + timedelta(days=randoms.randrange(30))


def spread_instant(randoms: random.Random) -> datetime | None:
    """Gives an instant around midnight in Shanghai, sometimes one whose day there is none."""
    if randoms.random() < 0.1:
        return randoms.choice([None, datetime(9999, 12, 31, 23, tzinfo=UTC)])
    minutes = randoms.randrange(60 * 24 * 40)
    return datetime(2025, 12, 10, tzinfo=UTC) + timedelta(minutes=minutes)


# --- the slow reference --------------------------------------------------------------------------


def readable(world: World, person: Principal, target: str) -> list[Record]:
    rows = person.access(target).reach("read")
    return [
        row
        for row in world.records[target]
        if not row.get("deleted_at")
        and (rows.all or row["owner"] in rows.owners or row["owner_team"] in rows.teams)
    ]


def follow(world: World, person: Principal, record: Record | None, path: str) -> object:
    first, _, rest = path.partition(".")
    value = record.get(first) if record else None
    if not rest:
        return value
    behind = {row["id"]: row for row in readable(world, person, "account")}
    return follow(world, person, behind.get(value), rest)


def period(value: object, unit: str) -> object:
    if isinstance(value, datetime):
        if value.year == 9999:
            return None
        value = value.astimezone(MOMENT.zone).date()
    if not isinstance(value, date):
        return None
    year, week, _ = value.isocalendar()
    return {
        "year": f"{value.year:04}",
        "quarter": f"{value.year:04}-Q{(value.month + 2) // 3}",
        "month": f"{value.year:04}-{value.month:02}",
        "week": f"{year:04}-W{week:02}",
        "day": value.isoformat(),
    }[unit]


def grouped(world: World, person: Principal, text: str, record: Record) -> object:
    unit, _, inside = text.rstrip(")").rpartition("(")
    value = follow(world, person, record, inside)
    return period(value, unit) if unit else value


def measured(world: World, person: Principal, text: str, records: Sequence[Record]) -> object:
    function, _, path = text.rstrip(")").partition("(")
    if not path:
        return len(records)
    found: list[Any] = [follow(world, person, record, path) for record in records]
    values = [value for value in found if value is not None]
    if function == "count":
        return len(values)
    if any(isinstance(value, Money) for value in values) or path == "amount":
        return amount(function, values)
    return folded(function, values)


def amount(function: str, values: Sequence[Money]) -> Money | None:
    currencies = {value.currency for value in values}
    if len(currencies) > 1:
        return None  # nobody said what a USD is worth
    number = folded(function, [value.amount for value in values])
    if number is None:
        return None
    return Money(number.quantize(Decimal("0.01"), ROUND_HALF_UP), (currencies or {"CNY"}).pop())


def folded(function: str, values: Sequence[Any]) -> Any:
    if function == "sum":
        return sum(values, Decimal(0))
    if not values:
        return None
    if function == "avg":
        with localcontext(prec=80):
            mean = sum(values, Decimal(0)) / len(values)
            return mean.quantize(Decimal("1e-12"), ROUND_HALF_UP)
    return min(values) if function == "min" else max(values)


def expected(
    world: World, person: Principal, groups: Sequence[str], measures: Sequence[str], keep: Any
) -> dict[tuple[object, ...], list[object]]:
    found: dict[tuple[object, ...], list[Record]] = {} if groups else {(): []}
    for record in readable(world, person, "deal"):
        if keep(record):
            key = tuple(grouped(world, person, text, record) for text in groups)
            found.setdefault(key, []).append(record)
    return {
        key: [measured(world, person, text, records) for text in measures]
        for key, records in found.items()
    }


GROUPS = (
    *("stage", "hot", "account", "owner", "count", "name", "close", "met", "discount"),
    *("account.name", "account.rating", "account.parent.name", "account.owner"),
    *("year(close)", "quarter(close)", "month(close)", "week(close)", "day(close)"),
    *("year(met)", "quarter(met)", "month(met)", "week(met)", "day(met)"),
)
MEASURES = (
    *("count()", "count(name)", "count(account)", "count(account.name)", "count(met)"),
    *("sum(count)", "avg(count)", "min(count)", "max(count)", "sum(discount)", "avg(discount)"),
    *("sum(amount)", "avg(amount)", "min(amount)", "max(amount)", "min(close)", "max(met)"),
    *("sum(account.rating)", "avg(account.rating)", "max(account.rating)", "count(amount)"),
)
FILTERS: Mapping[str | None, Callable[[Record], bool]] = {
    None: lambda record: True,
    "hot": lambda record: record["hot"] is True,
    'stage = "won"': lambda record: record["stage"] == "won",
    "close > 2025-01-01": lambda record: (
        isinstance(record["close"], date) and record["close"] > date(2025, 1, 1)
    ),
    'name = "nobody"': lambda record: False,
}


@pytest.mark.parametrize("person", PERSONS)
def test_aggregates_are_those_of_the_reference(
    connection: sa.Connection, world: World, person: str
) -> None:
    randoms = random.Random(f"aggregates {person}")
    known = person != "clerk"
    groups = [one for one in GROUPS if known or "." not in one]
    measures = [one for one in MEASURES if known or "." not in one]
    records = Records(world.catalog, connection, PERSONS[person], MOMENT)
    for _ in range(60):
        chosen = randoms.sample(groups, randoms.choice([0, 1, 1, 1, 2, 3]))
        asked = randoms.sample(measures, randoms.randint(1, 4))
        text = randoms.choice(list(FILTERS))
        found = records.aggregate("deal", group=chosen, measure=asked, filter=text)
        told = {
            tuple(item[key] for key in chosen): [item[key] for key in asked] for item in found.items
        }
        assert len(told) == len(found.items), chosen
        wanted = expected(world, PERSONS[person], chosen, asked, FILTERS[text])
        assert told == wanted, (chosen, asked, text)


def test_every_group_and_measure_is_what_the_reference_says(
    connection: sa.Connection, world: World
) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    for place, group in enumerate(GROUPS):
        asked = [*MEASURES, *MEASURES][place : place + 12]
        found = records.aggregate("deal", group=[group], measure=asked)
        told = {(item[group],): [item[key] for key in asked] for item in found.items}
        assert told == expected(world, SYSTEM, [group], asked, FILTERS[None]), group


def test_unlike_currencies_are_added_by_what_they_were_worth(
    connection: sa.Connection, world: World, catalog: Catalog
) -> None:
    table = catalog.tables["deal"]
    mixed = [one for one in world.records["deal"] if one["stage"] == "won" and one["amount"]]
    living = [one for one in mixed if not one["deleted_at"]]
    assert {one["amount"].currency for one in living} == {"CNY", "USD"}  # type: ignore[attr-defined]  # Money
    with connection.begin_nested() as inner:
        for place, one in enumerate(living):
            worth = Decimal(place) + Decimal("0.005")
            change = table.update().where(table.c.id == one["id"])
            connection.execute(change.values({"amount$base": worth}))
        records = Records(catalog, connection, SYSTEM, MOMENT)
        asked = ["sum(amount)", "avg(amount)", "min(amount)", "max(amount)"]
        found = records.aggregate("deal", measure=asked, filter='stage = "won"')
        inner.rollback()
    number = len(living)
    total = Decimal(number * (number - 1) // 2) + Decimal("0.005") * number
    cent = Decimal("0.01")
    wanted = [total, total / number, Decimal("0.005"), Decimal(number) - Decimal("0.995")]
    assert [found.items[0][key] for key in asked] == [
        Money(one.quantize(cent, ROUND_HALF_UP), "CNY") for one in wanted
    ]


@pytest.mark.parametrize(
    "sort",
    [[], ["-count()"], ["stage", "-count()"], ["-month(close)"], ["sum(discount)", "-stage"]],
    ids=str,
)
def test_groups_are_in_order(connection: sa.Connection, world: World, sort: list[str]) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    group, measure = ["stage", "month(close)"], ["count()", "sum(discount)"]
    found = records.aggregate("deal", group=group, measure=measure, sort=sort)
    wanted = list(found.items)
    random.Random(1).shuffle(wanted)
    places = {None: -1, "new": 0, "won": 1, "lost": 2, "gone": 3}
    for text in reversed([*sort, *group]):
        key = text.removeprefix("-")
        wanted.sort(
            key=lambda one, key=key: (  # type: ignore[misc]  # the loop's value
                places[one[key]] if key == "stage" else (one[key] is not None, one[key] or 0)
            ),
            reverse=text.startswith("-"),
        )
    assert list(found.items) == wanted
    few = records.aggregate("deal", group=group, measure=measure, sort=sort, limit=3)
    assert list(few.items) == wanted[:3]


KEPT: dict[str, Callable[[dict[str, Any]], bool]] = {
    "count() > 12": lambda one: one["count()"] > 12,
    "sum(discount)<=0.5": lambda one: one["sum(discount)"] <= Decimal("0.5"),
    "avg(count) != 7": lambda one: one["avg(count)"] is not None and one["avg(count)"] != 7,
    "min(close) >= 2024-12-22": lambda one: (
        one["min(close)"] is not None and one["min(close)"] >= date(2024, 12, 22)
    ),
    "max(met) < 2026-01-17T00:00:00Z": lambda one: (
        one["max(met)"] is not None and one["max(met)"] < datetime(2026, 1, 17, tzinfo=UTC)
    ),
    "count(name) = 0": lambda one: one["count(name)"] == 0,
}


def test_groups_are_kept_that_fulfil_all(connection: sa.Connection, world: World) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    asked = ["count()", "sum(discount)", "avg(count)", "min(close)", "max(met)", "count(name)"]
    group = ["stage", "month(close)"]
    every = records.aggregate("deal", group=group, measure=asked).items
    for texts in [[], *([one] for one in KEPT), list(KEPT)[:2], list(KEPT)[1:5]]:
        wanted = [one for one in every if all(KEPT[text](one) for text in texts)]
        found = records.aggregate("deal", group=group, measure=asked, having=texts)
        assert list(found.items) == wanted, texts
        if len(texts) == 1 and texts[0] != "count(name) = 0":
            assert 0 < len(wanted) < len(every), texts
    few = records.aggregate("deal", group=group, measure=asked, having=["count()>1"], limit=2)
    assert [one["count()"] > 1 for one in few.items] == [True, True]  # type: ignore[operator]


def test_amounts_are_kept_by_what_they_are_worth(connection: sa.Connection, world: World) -> None:
    table = world.catalog.tables["deal"]
    with connection.begin_nested() as inner:
        connection.execute(table.update().values({"amount$base": None}))
        for place, one in enumerate(one for one in world.records["deal"] if one["amount"]):
            change = table.update().where(table.c.id == one["id"])
            connection.execute(change.values({"amount$base": Decimal(place)}))
        records = Records(world.catalog, connection, SYSTEM, MOMENT)
        kept, every = (
            records.aggregate(
                "deal", group=["name"], measure=["sum(amount)"], sort=["-sum(amount)"], having=some
            ).items
            for some in (["sum(amount) > 400"], [])
        )
        inner.rollback()
    assert 0 < len(kept) < len(every)
    assert kept == every[: len(kept)]


def test_texts_are_in_the_order_of_lists(connection: sa.Connection, world: World) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    found = [item["name"] for item in records.aggregate("deal", group=["name"]).items]
    assert found[0] is None
    assert found[1:] == sorted(found[1:], key=lambda name: (fold(str(name)), str(name)))


def test_values_have_their_wire_forms(connection: sa.Connection, world: World) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    with connection.begin_nested() as inner:
        deals = world.records["deal"]
        kept = {**deals[0], "deleted_at": None, "count": Decimal(1), "discount": Decimal("0.1")}
        kept |= {"amount": Money(Decimal("12.5"), "USD"), "close": date(2026, 2, 1), "hot": True}
        other = {**kept, "id": "x", "count": Decimal(2), "discount": Decimal("0.3")}
        third = {**kept, "id": "y", "count": Decimal(2), "amount": None}
        store(connection, World(world.catalog, {"deal": [kept, other, third]}))
        found = records.aggregate(
            "deal",
            group=["hot", "close", "discount", "week(close)"],
            measure=["avg(count)", "sum(count)", "sum(amount)", "avg(amount)", "max(close)"],
        )
        told = found.wire()
        total = records.aggregate("deal", measure=["avg(count)", "avg(discount)"]).wire()
        inner.rollback()
    assert total == [{"avg(count)": "1.666666666667", "avg(discount)": "0.166666666667"}]
    money = {"amount": "12.50", "currency": "USD"}
    usual = {"hot": True, "close": "2026-02-01", "week(close)": "2026-W05"}
    assert told == [
        {
            **usual,
            "discount": "0.1",
            "avg(count)": "1.5",
            "sum(count)": 3,
            "sum(amount)": money,
            "avg(amount)": money,
            "max(close)": "2026-02-01",
        },
        {
            **usual,
            "discount": "0.3",
            "avg(count)": "2",
            "sum(count)": 2,
            "sum(amount)": money,
            "avg(amount)": money,
            "max(close)": "2026-02-01",
        },
    ]


REFUSED = [
    ({"group": ["stagee"]}, 'deal has no field "stagee"; did you mean stage?; there are: '),
    ({"group": ["monthly(close)"]}, "There is no monthly here; did you mean month?; there are: "),
    ({"group": ["month(stage)"]}, '"stage" is no date: only dates and times have a month'),
    ({"group": ["amount"]}, 'Records cannot be grouped by "amount"'),
    (
        {"group": ["stage", "hot", "name", "close", "met"]},
        "At most 4 fields to group by",
    ),
    (
        {"measure": ["total"]},
        '"total" is no measure; measures are written like count(), sum(amount), avg(amount), '
        "min(close_date)",
    ),
    ({"measure": ["summ(count)"]}, "There is no summ here; did you mean sum?; there are: "),
    ({"measure": ["sum()"]}, "sum() needs a field, as in sum(amount)"),
    ({"measure": ["sum(name)"]}, 'There is no sum of "name"'),
    ({"measure": ["avg(close)"]}, 'There is no avg of "close"'),
    ({"measure": [f"sum({'a' * n})" for n in range(21)]}, "At most 20 measures"),
    ({"sort": ["-sum(count)"]}, "There is no sum(count) here"),
    (
        {"having": ["sum(count) > 1"]},
        "There is no sum(count) here; did you mean count()?; there are: count()",
    ),
    ({"having": ["count()"]}, '"count()" is no condition on a group; write one like count() > 5'),
    ({"having": ["1 < count() < 5"]}, '"1 < count() < 5" is no condition on a group; '),
    ({"having": ["count() > many"]}, 'count() cannot be compared with "many"; give a number, or'),
    (
        {"measure": ["min(close)"], "having": ["min(close) > 5"]},
        'min(close) cannot be compared with "5"; give a number, or a date such as 2026-01-31',
    ),
    ({"having": ["count() > 1"] * 21}, "At most 20 conditions on groups"),
    ({"limit": 0}, "limit is a number from 1 to 10000"),
    ({"group": ["account.parent.parent.parent.name"]}, " follows more than 3 references"),
    ({"filter": "nothing > 1"}, "nothing"),
    ({"search": "x" * 201}, "200"),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED, ids=[str(row[1])[:30] for row in REFUSED])
def test_what_cannot_be_answered_is_told(
    connection: sa.Connection, world: World, asked: dict[str, Any], said: str
) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    with pytest.raises(QueryProblem) as caught:
        records.aggregate("deal", **asked)
    told = [sentence(problem, "en") for problem in caught.value.problems]
    assert any(said in one for one in told), told


def test_everything_is_told_at_once(connection: sa.Connection, world: World) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    with pytest.raises(QueryProblem) as caught:
        records.aggregate(
            "deal", group=["x"], measure=["y"], filter="z", having=["h"], sort=["q"], limit=-1
        )
    assert {one.path for one in caught.value.problems} == {
        *("group", "measure", "filter", "having", "sort", "limit")
    }
    with pytest.raises(UnknownObject):
        Records(world.catalog, connection, REP, MOMENT).aggregate("user")


def test_too_many_groups_are_refused(
    connection: sa.Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregates, "MAX_GROUPS", 5)
    person = principal("u9", reads={"deal": EVERYTHING})
    records = Records(world.catalog, connection, person, MOMENT)
    with pytest.raises(QueryProblem) as caught:
        records.aggregate("deal", group=["day(close)"], limit=2)
    assert [sentence(one, "en") for one in caught.value.problems] == [
        "There are more than 5 groups: narrow the filter, or group by something coarser"
    ]
