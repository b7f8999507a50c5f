"""Each operator on each type of value, asked as lists, counts and groups of records are asked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import pytest

from metadata.access import SYSTEM
from metadata.query import Records
from rule_engine.backends.python import compile_node
from rule_engine.expression import Expression
from tests.metadata.databases import engine_for
from tests.metadata.worlds import MOMENT, fill, make_catalog
from tests.rule_engine.law_world import Store, Surroundings

#: Values, and three constants that each is compared with.
VALUES: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "number": (
        ("count", "version", "count + 1", "-count", "count / 7", "count * count"),
        ("1", "-2", "0.5"),
    ),
    "percent": (("discount", "abs(discount)", "discount + 1%"), ("3%", "0%", "2.5%")),
    "counted": (
        ("length(name)", "mod(count, 3)", "round(count / 2)", "month_of(close)", "abs(count)"),
        ("1", "2", "9007199254740993"),
    ),
    "money": (
        ("amount", "amount * 2", "coalesce(amount, 1 CNY)", "amount + 0.5 CNY"),
        ("1.5 CNY", "-2 CNY", "0 CNY"),
    ),
    "text": (
        ("name", "lower(name)", 'concat(name, "x")', "phone", 'replace(name, "a", "bb")'),
        ('"Acme"', '"ς"', '"acmex"'),
    ),
    "choice": (("stage",), ('"new"', '"won"', '"lost"')),
    "date": (
        ("close", "date_of(met)", "close + 1 day", 'start_of(close, "month")'),
        ("today", "2026-01-03", "2026-01-01"),
    ),
    "instant": (("met", "met + 1 hour"), ("now", "2026-03-01T08:00:00Z", "2026-03-01")),
}
EQUAL = ("{0} = {1}", "{0} != {1}", "{0} in [{1}]", "{0} in [{1}, {2}, {3}]", "{0} not in [{3}]")
ASKED = ("{0} is empty", "{0} is not empty", "not ({0} in [{2}])")
ORDER = ("{0} < {1}", "{0} <= {2}", "{0} > {3}", "{0} >= {1}", "{0} between {2} and {3}")
LOOKED_INTO = ('{0} contains "c"', '{0} starts with "a"', '{0} ends with "e"')
WINDOWS = ("{0} in last 3 months", "{0} older than 3 days", "{0} in next 2 weeks")
OPERATORS = {
    **dict.fromkeys(("number", "percent", "counted", "money"), (*EQUAL, *ASKED, *ORDER)),
    "text": (*EQUAL, *ASKED, *LOOKED_INTO),
    "choice": (*EQUAL, *ASKED),
    **dict.fromkeys(("date", "instant"), (*EQUAL, *ASKED, *ORDER, *WINDOWS)),
}


@pytest.fixture(scope="module")
def records(module_database_url: str) -> Iterator[Records]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        world = fill(made, make_catalog(made), random.Random(3), 60)
        yield Records(world.catalog, made, SYSTEM, MOMENT)


@pytest.mark.parametrize("kind", VALUES)
def test_lists_counts_and_groups_find_what_holds(records: Records, kind: str) -> None:
    fields = list(records.catalog.objects["deal"].fields)
    every = records.list("deal", fields=fields, limit=200).items
    around = Surroundings(Store({}), None, MOMENT.now, MOMENT.zone)
    values, constants = VALUES[kind]
    for text in (form.format(value, *constants) for value in values for form in OPERATORS[kind]):
        node = Expression.parse(text).resolve(records.catalog.schema, "deal")
        holds = compile_node(node)
        expected = [one["id"] for one in every if holds(one, around, None, None) is True]
        page = records.list("deal", fields=[], filter=text, limit=200, count="exact")
        assert [one["id"] for one in page.items] == expected, text
        assert page.count == len(expected), text
        assert records.aggregate("deal", filter=text).items[0]["count()"] == len(expected), text
