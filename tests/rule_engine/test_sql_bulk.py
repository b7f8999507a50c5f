"""Statements over many rows: what is joined once gives what is looked up for each row."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from rule_engine import core
from rule_engine.backends.sql import Bulk, compile_parts_sql, parameters
from rule_engine.expression import Expression
from rule_engine.types import Environment
from tests.rule_engine import law_texts
from tests.rule_engine.law_run import IS_SOAK, World, law, world
from tests.rule_engine.law_world import SCHEMA, Tables, make_tables

__all__ = ["world"]

MANY = 20 if IS_SOAK else 1
OBJECTS = ("deal", "account", "line")
FORMS = [law_texts.forms(number) for number in range(law_texts.count_forms())]


def nodes_of(texts: Sequence[str], object_name: str = "deal") -> list[core.Node]:
    return [Expression.parse(text).resolve(SCHEMA, object_name) for text in texts]


def demand_alike(
    world: World, nodes: Sequence[core.Node], environment: Environment, object_name: str = "deal"
) -> None:
    """Demands of each row the same values from both forms."""
    root = world.tables.tables[object_name]
    bulk = Bulk(world.tables, root, ids=lambda each: each > f"{object_name}-010")
    joined = [part for node in nodes for part in bulk.parts(node).values()]
    looked_up = [
        part for node in nodes for part in compile_parts_sql(node, world.tables, root).values()
    ]
    found = [
        world.connection.execute(statement, parameters(statement, environment)).all()
        for statement in (
            selected(root, joined).select_from(bulk.source),
            selected(root, looked_up).select_from(root),
        )
    ]
    assert found[0] == found[1]


def selected(
    root: sa.Table, columns: Sequence[sa.ColumnElement[object]]
) -> sa.Select[tuple[object, ...]]:
    labels = [column.label(f"part{number}") for number, column in enumerate(columns)]
    chosen = sa.select(root.c.id, *labels).where(root.c.id > f"{root.name[2:]}-010")
    return chosen.order_by(root.c.id)


def test_all_agree(world: World) -> None:
    several = st.lists(st.one_of(law_texts.values(), law_texts.conditions()), max_size=4)

    @law(60 * MANY)
    @given(texts=several, place=st.integers(0, 2))
    def agree(texts: list[str], place: int) -> None:
        demand_alike(world, nodes_of(texts), world.environments[place])

    agree()


@pytest.mark.parametrize("object_name", OBJECTS)
def test_other_objects_agree(world: World, object_name: str) -> None:
    texts = st.lists(law_texts.conditions(object_name), min_size=1, max_size=3)

    @law(15 * MANY)
    @given(texts=texts)
    def agree(texts: list[str]) -> None:
        nodes = nodes_of(texts, object_name)
        demand_alike(world, nodes, world.environments[0], object_name)

    agree()


def test_each_form_agrees(world: World) -> None:
    for form in FORMS:

        @law(2 * MANY)
        @given(text=form)
        def agree(text: str) -> None:
            demand_alike(world, nodes_of([text]), world.environments[0])

        agree()


NESTED = [
    "count(deals where count(lines where done) > 0)",
    "sum(deals.quantity where any(lines where quantity > this.quantity))",
    "count(deals where account.parent.size > 1 and count(lines where done) = 0)",
    "max(deals.budget where account.name is not empty)",
    "count(parent.deals where count(lines where done) > 0)",
    'join(deals.name, "; " where count(lines) > 0)',
    "latest(deals.quantity where quantity > this.size)",
    "sum(parent.deals.amount) - sum(deals.amount)",
    "avg(deals.talked) + sum(deals.talked)",
    "all(deals where any(lines)) and none(deals where all(lines where done)) and all(deals)",
]


def test_links_in_links_agree(world: World) -> None:
    for text in NESTED:
        demand_alike(world, nodes_of([text], "account"), world.environments[0], "account")
    demand_alike(world, nodes_of(NESTED, "account"), world.environments[0], "account")


SHARED = [
    "count(lines where done and quantity > 1) > 0 and sum(lines.quantity where done and"
    " quantity > 1) > 2",
    "any(lines where done and quantity > 1)",
    "account.parent.size > 1 and account.parent.name is empty and account.size > 2",
    "count(account.deals) > 1",
]


def test_what_is_said_twice_is_joined_once() -> None:
    root = make_tables()[1]["deal"]
    bulk = Bulk(Tables("sqlite", make_tables()[1]), root)
    conditions = [bulk.condition(node) for node in nodes_of(SHARED)]
    text = str(sa.select(root.c.id).select_from(bulk.source).where(*conditions))
    assert (text.count("JOIN"), text.count("SELECT"), text.count("GROUP BY")) == (4, 3, 2)
