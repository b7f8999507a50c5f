"""Filters nested deeper than SQLite reads: refused in the same words by both databases."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from metadata.access import SYSTEM, Rows
from metadata.checks import check_elements
from metadata.prepared import Prepared
from metadata.problems import sentence
from metadata.query import QueryProblem, Records
from tests.metadata.databases import element, engine_for
from tests.metadata.worlds import MOMENT, World, definitions, fill, make_catalog, principal

#: What opens, stands in the middle of, and closes what is nested; and the condition it stands in.
NESTED = {
    "brackets": ("(count > 1 or (count < 5 and ", "hot", "))", "{}"),
    "paths": ('(account.parent.name = name or (account.name = "a" and ', "hot", "))", "{}"),
    "not": ("not (", "hot", ")", "{}"),
    "sums": ("1 + 2 * (", "count", ")", "{} > 1"),
    "quotients": ("1 / (", "count", ")", "{} > 1"),
    "branches": ("if hot then 1 else (", "count", ")", "({}) > 1"),
    "coalesce": ("coalesce(count, ", "count", ")", "{} > 1"),
    "max": ("max(count, ", "count", ")", "{} > 1"),
    "lower": ("lower(", "name", ")", '{} = "a"'),
    "concat": ('concat("a", ', "name", ")", '{} = "a"'),
    "replace": ("replace(", "name", ', "a", "aaa")', '{} = "a"'),
    "sums of money": ("1 CNY + (", "amount", ")", "{} > 1 CNY"),
}
WIDE = {
    "coalesce": f"coalesce({', '.join(['count'] * 200)}) > 1",
    "max": f"max({', '.join(['count'] * 200)}) > 1",
}
SAID = (
    "This is nested so deeply, or so long, that a database cannot read it: take it apart, or keep "
    "a part of it in a computed field"
)


@pytest.fixture(scope="module")
def world(connection: sa.Connection) -> World:
    return fill(connection, make_catalog(connection), random.Random(5), 30)


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        yield made


def refusal(connection: sa.Connection, ask: Callable[[], object]) -> str | None:
    """Gives why a question is refused, None when it is answered; its database stays of use."""
    try:
        with connection.begin_nested():
            ask()
    except QueryProblem as error:
        (found,) = error.problems
        return sentence(found)
    return None


def questions(records: Records, text: str) -> tuple[Callable[[], object], ...]:
    """Gives all that a filter may stand in."""
    return (
        lambda: records.list("deal", filter=text, limit=2),
        lambda: records.list("deal", filter=text, count="exact", sort=["account.name", "-amount"]),
        lambda: records.list("deal", filter=text, count="capped", search="a"),
        lambda: records.aggregate(
            "deal", filter=text, group=["account.name"], measure=["sum(amount)"], having=[]
        ),
        lambda: records.lookup("deal", "a", filter=text),
    )


def nested(form: str, depth: int) -> str:
    before, middle, behind, condition = NESTED[form]
    return condition.format(before * depth + middle + behind * depth)


def deepest(records: Records, connection: sa.Connection, form: str) -> int:
    """Gives the depth up to which lists are answered."""
    answered, refused = 1, 30
    while refused - answered > 1:
        depth = (answered + refused) // 2
        said = refusal(connection, questions(records, nested(form, depth))[0])
        assert said in (None, SAID)
        answered, refused = (answered, depth) if said else (depth, refused)
    return answered


@pytest.mark.parametrize("form", NESTED)
def test_what_is_answered_anywhere_is_answered_everywhere(
    world: World, connection: sa.Connection, form: str
) -> None:
    """Of a list, with a count or a search, in groups and for a lookup, by both databases."""
    shared = Rows(conditions=("count > 1 or (count < 5 and account.region = user.region)",))
    person = principal(reads={"deal": shared, "account": Rows(all=True)})
    with engine_for("sqlite://") as engine, engine.connect() as other, other.begin():
        on_sqlite = Records(make_catalog(other), other, person, MOMENT)
        records = Records(world.catalog, connection, person, MOMENT)
        depth = deepest(records, connection, form)
        assert depth == deepest(on_sqlite, other, form) >= 8
        asked = questions(records, nested(form, depth))
        assert [refusal(connection, ask) for ask in asked] == [None] * len(asked)


@pytest.mark.parametrize("form", NESTED)
def test_the_deepest_brackets_are_no_crash(
    world: World, connection: sa.Connection, form: str
) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    for depth in (30, 45, 59):
        said = refusal(connection, questions(records, nested(form, depth))[0])
        assert (
            said is None or said == SAID or "than 60 deep" in said or "than 100 operators" in said
        )


@pytest.mark.parametrize("form", WIDE)
def test_more_arguments_than_sqlite_takes(
    world: World, connection: sa.Connection, form: str
) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    assert [refusal(connection, ask) for ask in questions(records, WIDE[form])] == [SAID] * 5


def test_what_a_database_cannot_take_while_it_answers_is_no_crash(
    world: World, connection: sa.Connection
) -> None:
    run = Records(world.catalog, connection, SYSTEM, MOMENT)._run
    deep = sa.literal_column("(" * 200 + "1" + ")" * 200)
    large = sa.func.repeat("a", 2**31 - 1)
    statement = sa.select(deep if connection.dialect.name == "sqlite" else large)
    assert refusal(connection, lambda: run(statement, {})) == SAID
    assert refusal(connection, lambda: run(Prepared(statement), {})) == SAID


@pytest.mark.parametrize("form", ["brackets", "sums"])
def test_a_role_is_not_published_with_a_condition_that_cannot_be_read(form: str) -> None:
    def told(depth: int) -> list[tuple[str, str]]:
        share = [{"read": nested(form, depth), "because": "so"}]
        role = element("clerk", {"title": "Clerk", "grants": {"deal": {"share": share}}}, "role")
        found = check_elements([*definitions(), role])
        return [(one.path, sentence(one)) for flaws in found.values() for one in flaws]

    assert told(3) == []
    assert told(25) == [("/grants/deal/share/0/read", SAID)]
