"""The law: Python, SQLite and PostgreSQL give every expression the same value on every row.

`TRELLIS_LAW_EXAMPLES` and `TRELLIS_LAW_SEED` make longer runs and other rows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from rule_engine import core
from rule_engine.backends.python import compile_node
from rule_engine.backends.sql import (
    compile_node_sql,
    compile_parts_sql,
    parameters,
)
from rule_engine.expression import Expression
from rule_engine.types import Kind
from rule_engine.values import Money
from tests.rule_engine import law_texts
from tests.rule_engine.law_world import (
    SCHEMA,
    RandomRows,
    Store,
    Surroundings,
    Tables,
    make_tables,
    to_row,
)

EXAMPLES = int(os.environ.get("TRELLIS_LAW_EXAMPLES", "120"))
SEED = int(os.environ.get("TRELLIS_LAW_SEED", "1"))
COUNTS = {"deal": 60, "account": 15, "line": 120, "user": 6}

LAW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="TRELLIS_LAW_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class World:
    connection: sa.Connection
    tables: Tables
    store: Store
    environments: tuple[Surroundings, ...]

    def __repr__(self) -> str:
        """Stays short: hypothesis shows it with each failing example."""
        return "World()"


@pytest.fixture(scope="module")
def world(dialect: str, connection: sa.Connection) -> World:
    metadata, tables = make_tables()
    store = RandomRows(SEED).store(COUNTS)
    metadata.create_all(connection)
    for name, rows in store.rows.items():
        connection.execute(tables[name].insert(), [to_row(name, row) for row in rows])
    people = (store.rows["user"][0], store.rows["user"][1], None)
    environments = tuple(Surroundings(store, person) for person in people)
    return World(connection, Tables(dialect, tables), store, environments)


def resolve(text: str) -> core.Node:
    return Expression.parse(text).resolve(SCHEMA, "deal")


def environment_of(world: World, text: str) -> Surroundings:
    return world.environments[len(text) % len(world.environments)]


@LAW
@given(text=law_texts.conditions())
def test_conditions_agree(world: World, text: str) -> None:
    node = resolve(text)
    environment = environment_of(world, text)
    root = world.tables.tables["deal"]
    condition = compile_node_sql(node, world.tables, root)
    chosen = sa.select(root.c.id).where(condition)
    in_sql = set(world.connection.scalars(chosen, parameters(chosen, environment)))
    decide = compile_node(node)
    in_python = {row["id"] for row in world.store.rows["deal"] if decide(row, environment) is True}
    assert in_sql == in_python, text


@LAW
@given(text=law_texts.values())
def test_values_agree(world: World, text: str) -> None:
    node = resolve(text)
    environment = environment_of(world, text)
    root = world.tables.tables["deal"]
    parts = compile_parts_sql(node, world.tables, root)
    labels = [part.label(f"part_{name}") for name, part in parts.items()]
    chosen = sa.select(root.c.id, *labels)
    rows = world.connection.execute(chosen, parameters(chosen, environment))
    in_sql = {row[0]: dict(zip(parts, row[1:], strict=True)) for row in rows}
    evaluate = compile_node(node)
    for record in world.store.rows["deal"]:
        expected = evaluate(record, environment)
        found = from_parts(in_sql[record["id"]], node.type.kind)
        assert found == expected, (text, record["id"])


def from_parts(parts: dict[str, object], kind: Kind) -> object:
    match kind, parts[""]:
        case Kind.MONEY, Decimal() as amount:
            return Money(amount, str(parts["currency"]))
        case Kind.CLOCK_LENGTH, Decimal() as count:
            return timedelta(milliseconds=int(count))
        case _, value:
            return value
