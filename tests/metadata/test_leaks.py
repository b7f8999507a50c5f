"""Nobody learns through any read path what she may not see (SEC-01, SEC-02, SEC-03).

Two yardsticks. A hidden thing must answer exactly as in a catalog that does not have it. And when
only hidden values change, every answer stays the same to the byte.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.access import EVERYTHING, FieldRight, Principal, Rows
from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from metadata.query import Missing, QueryProblem, Records, This
from rule_engine.text import fold
from tests.metadata.databases import engine_for
from tests.metadata.worlds import (
    MOMENT,
    NAMES,
    PEOPLE,
    TEAMS,
    Record,
    World,
    fill,
    make_catalog,
    principal,
    store,
)

HIDDEN = FieldRight.HIDDEN
OWN = Rows(owners=frozenset({"u1", "u2"}))
TEAM = Rows(teams=frozenset({"t1"}))
MY_REGION = Rows(conditions=("region = user.region",))
NORTH = Rows(conditions=('account.region = "n"',))
BROKEN = Rows(conditions=('region matches "(', "nothing > 1"))
Rights = Mapping[str, Mapping[str, FieldRight]]
SECRETS: Rights = {
    "deal": {"secret": HIDDEN, "phone": FieldRight.MASKED},
    "account": {"secret": HIDDEN},
}
NO_ACCOUNT: Rights = {**SECRETS, "deal": {**SECRETS["deal"], "account": HIDDEN}}

PERSONAS: Mapping[str, Principal] = {
    "rep": principal(reads={"deal": OWN, "account": MY_REGION}, fields=SECRETS),
    "manager": principal(
        reads={"deal": TEAM | OWN, "account": OWN, "user": EVERYTHING}, fields=SECRETS
    ),
    "clerk": principal(reads={"deal": EVERYTHING}, fields=SECRETS),
    "territory": principal(reads={"deal": NORTH}, fields=SECRETS),
    "misruled": principal(reads={"deal": BROKEN | OWN, "account": BROKEN}, fields=SECRETS),
    "blindfolded": principal(reads={"deal": EVERYTHING, "account": OWN}, fields=NO_ACCOUNT),
}
#: What a catalog lacks that knows only what the persona may see; the rules of `territory` and
#: `misruled` count on what they hide.
ABSENT: Mapping[str, Sequence[str]] = {
    "rep": ["deal.secret", "account.secret"],
    "manager": ["deal.secret", "account.secret"],
    "clerk": ["deal.secret", "account"],
    "territory": ["deal.secret", "account.secret"],
    "misruled": ["deal.secret", "account.secret"],
    "blindfolded": ["deal.secret", "account.secret", "deal.account"],
}


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with (
        engine_for(module_database_url) as engine,
        engine.connect() as made,
        made.begin(),
    ):
        yield made


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    return make_catalog(connection)


@pytest.fixture(scope="module")
def world(connection: sa.Connection, catalog: Catalog) -> World:
    return fill(connection, catalog, random.Random(11), 120)


def without(catalog: Catalog, absent: Sequence[str]) -> Catalog:
    """Gives a catalog in which some objects and fields were never defined."""
    fields = {tuple(place.split(".")) for place in absent}
    kept = [
        replace(one, body={**one.body, "properties": lacking(one, fields)})
        if one.kind == "object"
        else one
        for one in catalog.elements
        if (one.name,) not in fields
    ]
    return build_catalog(catalog.version, kept)


def lacking(element: Element, absent: set[tuple[str, ...]]) -> dict[str, object]:
    properties: Mapping[str, object] = dict(element.body["properties"])  # type: ignore[call-overload]  # JSON
    return {name: it for name, it in properties.items() if (element.name, name) not in absent}


def answer(ask: Callable[[], object]) -> str:
    """Gives an answer, or what was said instead, as a text to compare."""
    try:
        found = ask()
    except QueryProblem as problem:
        found = [type(problem).__name__, *problem.problems]
    except Missing as missing:
        found = str(missing)
    return json.dumps(found, default=repr, ensure_ascii=False)


ReadPath = Callable[[Records, str], object]
READ_PATHS: Mapping[str, ReadPath] = {
    "get": lambda records, path: records.get("deal", "d000", [path]),
    "list": lambda records, path: records.list("deal", fields=[path]),
    "filter": lambda records, path: records.list("deal", filter=f"{path} is empty"),
    "filter, deep": lambda records, path: records.list(
        "deal", filter=f'not (name = "x" and ({path} = "x" or count > 1))'
    ),
    "filter, from behind": lambda records, path: records.list(
        "account", filter=f'any(deals where {path} = "x")'
    ),
    "count": lambda records, path: records.list("deal", filter=f"{path} is empty", count="exact"),
    "sort": lambda records, path: records.list("deal", sort=[path]),
    "sort descending": lambda records, path: records.list("deal", sort=["name", f"-{path}"]),
    "match": lambda records, path: records.list("deal", match={path: "x"}),
    "by ids": lambda records, path: records.by_ids("deal", ["d000"], [path]),
    "within": lambda records, path: (
        sorted(records.within("deal", ["d000", "d001"], "export")),
        records.by_ids("deal", ["d000"], ["id", path]),
    ),
    "children": lambda records, path: records.children("deal", path, ["a000"]),
    "holding": lambda records, path: records.holding("deal", path, ["x", "a000"], 2),
    "lookup": lambda records, path: records.lookup("deal", "a", filter=f"{path} is empty"),
    "group": lambda records, path: records.aggregate("deal", group=["stage", path]).items,
    "group by month": lambda records, path: records.aggregate("deal", group=[f"month({path})"]),
    "measure": lambda records, path: records.aggregate("deal", measure=[f"sum({path})"]).items,
    "measure, by sort": lambda records, path: (
        records.aggregate(
            "deal", group=["stage"], measure=[f"count({path})"], sort=[f"-count({path})"]
        ).items
    ),
    "having": lambda records, path: (
        records.aggregate("deal", group=["stage"], having=[f"max({path}) > 0"]).items
    ),
    "measure, having": lambda records, path: (
        records.aggregate(
            "deal", group=["stage"], measure=[f"count({path})"], having=[f"count({path}) > 0"]
        ).items
    ),
    "aggregate, filter": lambda records, path: (
        records.aggregate("deal", group=["stage"], filter=f"{path} is empty").items
    ),
    "this": lambda records, path: records.list(
        "account", filter=f"name = this.{path}", this=This("deal", {})
    ),
    "check": lambda records, path: records.check("deal", filter=f"{path} is empty", sort=[path]),
    "other object": lambda records, path: records.list(path.split(".", maxsplit=1)[0]),
}
HIDDEN_PATHS = (
    *("secret", "account.secret", "account.parent.secret", "account", "account.name"),
    *("account.parent.name", "phone", "owner.name", "secrets", "accounts.name"),
)


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("read_path", READ_PATHS)
def test_sec_01_hidden_things_answer_as_if_they_were_not_there(
    connection: sa.Connection, world: World, persona: str, read_path: str
) -> None:
    person, ask = PERSONAS[persona], READ_PATHS[read_path]
    records = Records(world.catalog, connection, person, MOMENT)
    bare = Records(without(world.catalog, ABSENT[persona]), connection, person, MOMENT)
    for path in HIDDEN_PATHS:
        told = answer(lambda path=path: ask(records, path))  # type: ignore[misc]  # the loop's value
        assert told == answer(lambda path=path: ask(bare, path)), path  # type: ignore[misc]  # as above
        if path in {"secret", "account.secret"} and read_path != "other object":
            assert "unknown" in told or "bad_filter" in told


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("sort", ["secret", "-secret", "phone", "-account.secret", "name,phone"])
def test_sec_02_hidden_and_masked_fields_give_no_order(
    connection: sa.Connection, world: World, persona: str, sort: str
) -> None:
    records = Records(world.catalog, connection, PERSONAS[persona], MOMENT)
    with pytest.raises(QueryProblem) as caught:
        records.list("deal", sort=sort.split(","))
    assert {problem.code for problem in caught.value.problems} == {"unknown_field"}


@pytest.mark.parametrize("persona", ["rep", "manager", "misruled"])
def test_sec_03_unreadable_related_rows_behave_as_absent(
    connection: sa.Connection, world: World, persona: str
) -> None:
    records = Records(world.catalog, connection, PERSONAS[persona], MOMENT)
    readable = {str(item["id"]) for item in records.list("account", limit=200).items}
    page = records.list("deal", fields=["account", "account.name", "account.id"], limit=200)
    for item in page.items:
        seen = world.by_id("account", item["account"]) if item["account"] in readable else None
        assert item["account.name"] == (seen and seen["name"])
        assert item["account.id"] == (seen and seen["id"])
    named = {item["id"] for item in page.items if item["account.name"] is not None}
    found = records.list("deal", filter="account.name is not empty", limit=200)
    assert {item["id"] for item in found.items} == named
    assert not readable or named or persona == "misruled"


def test_masked_values(connection: sa.Connection, world: World) -> None:
    records = Records(world.catalog, connection, PERSONAS["clerk"], MOMENT)
    for item in records.list("deal", fields=["phone"], limit=200).items:
        record = world.by_id("deal", item["id"])
        assert record is not None
        phone = record["phone"]
        assert item["phone"] == (f"•••{str(phone)[-4:]}" if phone else None)


# --- rights by SQL against a slow reference ------------------------------------------------------

CONDITIONS: Mapping[str, Callable[[World, Record], bool]] = {
    'stage = "won"': lambda world, deal: deal["stage"] == "won",
    "not (count > 0)": lambda world, deal: not (deal["count"] is not None and number(deal) > 0),
    "account.region = user.region": lambda world, deal: region(world, deal) == "n",
    "account.rating is empty": lambda world, deal: rating(world, deal) is None,
    'name contains "ss"': lambda world, deal: "ss" in fold(str(deal["name"] or "")),
    "owner = user": lambda world, deal: deal["owner"] == "u1",
}


def number(deal: Record) -> Decimal:
    return Decimal(str(deal["count"]))


def region(world: World, deal: Record) -> object:
    return (world.by_id("account", deal["account"]) or {}).get("region")


def rating(world: World, deal: Record) -> object:
    return (world.by_id("account", deal["account"]) or {}).get("rating")


def random_rows(randoms: random.Random) -> Rows:
    return Rows(
        all=randoms.random() < 0.1,
        owners=frozenset(randoms.sample(PEOPLE, randoms.choice([0, 0, 1, 2, 5]))),
        teams=frozenset(randoms.sample(TEAMS, randoms.choice([0, 0, 1, 2]))),
        conditions=tuple(randoms.sample(sorted(CONDITIONS), randoms.choice([0, 0, 1, 2]))),
    )


def reaches(world: World, rows: Rows, deal: Record) -> bool:
    """Says the slow way whether a row is within reach."""
    return not deal["deleted_at"] and (
        rows.all
        or deal["owner"] in rows.owners
        or deal["owner_team"] in rows.teams
        or any(CONDITIONS[text](world, deal) for text in rows.conditions)
    )


def test_rights_in_sql_are_those_of_the_reference(
    connection: sa.Connection, catalog: Catalog
) -> None:
    randoms = random.Random(3)
    with connection.begin_nested() as inner:
        for _ in range(25):
            world = fill(connection, catalog, randoms, 40)
            for _ in range(8):
                check_rights(connection, world, random_rows(randoms), random_rows(randoms))
        inner.rollback()


def check_rights(connection: sa.Connection, world: World, reads: Rows, updates: Rows) -> None:
    person = principal(reads={"deal": reads}, updates={"deal": updates})
    if not reads:
        return
    records = Records(world.catalog, connection, person, MOMENT)
    deals = world.records["deal"]
    expected = [str(deal["id"]) for deal in deals if reaches(world, reads, deal)]
    page = records.list("deal", fields=[], limit=200, count="exact")
    assert [item["id"] for item in page.items] == expected, reads
    assert page.count == len(expected)
    for deal in deals[:5]:
        record_id = str(deal["id"])
        assert (records.get("deal", record_id, []) is not None) == (record_id in expected)
        both = record_id in expected and reaches(world, updates, deal)
        assert records.reaches("deal", record_id, "update") == both


# --- non-interference ----------------------------------------------------------------------------

LEAVES = (
    *('secret = "x"', 'phone starts with "+8"', 'name contains "s"', "count >= 1"),
    *('stage = "won"', 'stage in ("new", "lost")', "hot", "amount > 0 CNY", "discount < 2%"),
    *("account is empty", "account.name is not empty", 'account.name = "Acme"'),
    *("account.rating > 1", 'account.secret = "x"', 'account.parent.name contains "a"'),
    *("account.parent.rating is empty", "close >= 2026-01-03", "met <= now", "owner = user"),
    *("account.region = user.region", "count(account.deals) > 2", "account.owner is empty"),
)
ACCOUNT_LEAVES = (
    *("count(deals) > 2", 'any(deals where secret = "x")', "sum(deals.count) > 1"),
    *('name contains "s"', "rating > 1", 'region = "n"', 'secret = "x"', "parent is empty"),
    *("parent.name is not empty", "any(deals where phone is empty)", "all(deals where hot)"),
)
FIELDS = (
    *("name", "account", "account.name", "account.rating", "account.parent.name", "phone"),
    *("amount", "stage", "count", "secret", "account.secret", "owner.name", "met", "hot"),
)
ACCOUNT_FIELDS = ("name", "rating", "region", "secret", "parent", "parent.name", "parent.rating")
FUNCTIONS = ("count", "count", "sum", "avg", "min", "max")
Request = Callable[[Records], object]


def random_filter(randoms: random.Random, leaves: Sequence[str], depth: int = 2) -> str:
    shape = randoms.choice(["leaf", "leaf", "not", "and", "or"]) if depth else "leaf"
    if shape == "leaf":
        return randoms.choice(leaves)
    if shape == "not":
        return f"not ({random_filter(randoms, leaves, depth - 1)})"
    parts = [random_filter(randoms, leaves, depth - 1) for _ in range(2)]
    return f"({parts[0]}) {shape} ({parts[1]})"


def random_request(randoms: random.Random) -> Request:
    """Gives a request of any kind; those with a cursor read two pages."""
    target = randoms.choice(["deal", "deal", "account"])
    fields = FIELDS if target == "deal" else ACCOUNT_FIELDS
    leaves = LEAVES if target == "deal" else ACCOUNT_LEAVES
    sort = [randoms.choice(["", "-"]) + randoms.choice(fields) for _ in range(randoms.randrange(3))]
    word = randoms.choice([*NAMES, "x", "1390001", "0002", "n"])
    ids = [f"{target[0]}{randoms.randrange(120):03}" for _ in range(5)]
    chosen = randoms.sample(fields, 3)
    asked: dict[str, Any] = {"fields": chosen, "limit": 7, "sort": sort}
    kind = randoms.choice(
        [
            "filter",
            "filter",
            "filter",
            "search",
            "plain",
            "get",
            "lookup",
            "ids",
            "everywhere",
            *["aggregate"] * 3,
        ]
    )
    if kind == "filter":
        asked |= {
            "filter": random_filter(randoms, leaves),
            "count": randoms.choice(["none", "exact"]),
        }
    if kind == "search":
        asked |= {"search": word, "count": "capped"}
    if kind == "everywhere":
        return lambda records: pages_of_hits(records, word)
    if kind == "get":
        return lambda records: [records.get(target, one) for one in ids]
    if kind == "lookup":
        wanted = random_filter(randoms, leaves) if randoms.random() < 0.5 else None
        return lambda records: records.lookup(target, word, filter=wanted)
    if kind == "aggregate":
        group = randoms.sample(fields, randoms.randrange(2))
        measure = [f"{randoms.choice(FUNCTIONS)}({one})" for one in randoms.sample(fields, 1)]
        wanted = random_filter(randoms, leaves) if randoms.random() < 0.5 else None
        having = [f"{randoms.choice(['count()', *measure])} > {randoms.randrange(3)}"]
        return lambda records: (
            records.aggregate(
                target,
                group=group,
                measure=["count()", *measure],
                filter=wanted,
                having=having[: len(word) % 2],
            ).items
        )
    if kind == "ids":
        return lambda records: [
            records.names(target, ids),
            records.children("deal", "account", ids),
            records.holding("deal", "account", ids, 2),
        ]
    return lambda records: two_pages(records, target, asked)


def pages_of_hits(records: Records, word: str) -> object:
    first = records.search(word, limit=7)
    return [first, records.search(word, limit=7, after=first.next) if first.next else None]


def two_pages(records: Records, target: str, asked: dict[str, Any]) -> object:
    first = records.list(target, **asked)
    if first.next is None:
        return [first]
    return [first, records.list(target, **asked, after=first.next)]


def change_hidden_values(
    world: World, person: Principal, readable: Mapping[str, set[str]], randoms: random.Random
) -> None:
    """Changes every value that a person may not see, but for those her rights depend on."""
    for target in ("deal", "account"):
        access = person.access(target)
        for record in world.records[target]:
            seen = str(record["id"]) in readable[target]
            for name in record.keys() & {"secret", "phone", "name", "rating", "count", "amount"}:
                if seen and access.reads(name):
                    continue
                if seen and name == "phone" and record[name]:
                    record[name] = f"+86{randoms.randrange(10**6)}{str(record[name])[-4:]}"
                elif not seen or name == "secret":
                    others = world.records[target]
                    record[name] = randoms.choice([other[name] for other in others])


REQUESTS = 5_040 // len(PERSONAS)


@pytest.mark.parametrize("persona", PERSONAS)
def test_sec_01_changing_hidden_values_changes_no_answer(
    connection: sa.Connection, catalog: Catalog, persona: str
) -> None:
    randoms = random.Random(f"interference {persona}")
    person = PERSONAS[persona]
    requests = [random_request(randoms) for _ in range(REQUESTS)]
    with connection.begin_nested() as inner:
        world = fill(connection, catalog, randoms, 120)
        records = Records(catalog, connection, person, MOMENT)
        readable = {
            target: {str(item["id"]) for item in records.list(target, limit=200).items}
            if person.access(target).exists
            else set()
            for target in ("deal", "account")
        }
        before = [answer(lambda ask=ask: ask(records)) for ask in requests]  # type: ignore[misc]  # the loop's value
        change_hidden_values(world, person, readable, randoms)
        store(connection, world)
        after = [answer(lambda ask=ask: ask(records)) for ask in requests]  # type: ignore[misc]  # as above
        inner.rollback()
    assert before == after
    assert sum("Problem" not in text for text in before) > REQUESTS // 5
