"""The SQL back end: its cases on both databases, the shape of what it writes, what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from rule_engine import core
from rule_engine.backends.sql import (
    compile_node_sql,
    compile_parts_sql,
    compile_sql,
    compile_stored_sql,
    parameters,
)
from rule_engine.errors import NotTranslatableError, Span
from rule_engine.expression import Expression
from rule_engine.types import Kind, Type
from tests.rule_engine.cases_world import CASES, Case, read_record
from tests.rule_engine.law_world import (
    SCHEMA,
    Record,
    Store,
    Surroundings,
    Tables,
    make_tables,
    to_row,
)
from tests.rule_engine.test_law import from_parts
from tests.rule_engine.test_python import shown

METADATA, TABLES = make_tables()
DEAL = TABLES["deal"]
BOOLEAN, NUMBER, HERE = Type(Kind.BOOLEAN), Type(Kind.NUMBER), Span(1, 1)
NOBODY = Surroundings(Store({name: [] for name in SCHEMA.objects}), None)


@pytest.fixture(scope="module")
def tables(dialect: str, connection: sa.Connection) -> Tables:
    METADATA.create_all(connection)
    return Tables(dialect, TABLES)


@pytest.fixture
def undone(connection: sa.Connection) -> Iterator[None]:
    with connection.begin_nested() as transaction:
        yield
        transaction.rollback()


def node_of(text: str, *, sees_changes: bool = False) -> core.Node:
    return Expression.parse(text).resolve(SCHEMA, "deal", sees_changes=sees_changes)


def insert(connection: sa.Connection, object_name: str, rows: list[Record]) -> None:
    if rows:
        connection.execute(TABLES[object_name].insert(), [to_row(object_name, r) for r in rows])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.expression} | {case.record}")
@pytest.mark.usefixtures("undone")
def test_cases(case: Case, connection: sa.Connection, tables: Tables) -> None:
    record, store, environment = read_record(case, "deal")
    for object_name, rows in store.rows.items():
        insert(connection, object_name, list(rows))
    node = node_of(case.expression)
    parts = compile_parts_sql(node, tables, DEAL)
    labels = [element.label(f"part{number}") for number, element in enumerate(parts.values())]
    chosen = sa.select(*labels).where(DEAL.c.id == record["id"]).select_from(DEAL)
    row = connection.execute(chosen, parameters(chosen, environment)).one()
    assert shown(from_parts(dict(zip(parts, row, strict=True)), node.type.kind)) == case.expected


def text_of(element: sa.ColumnElement[Any], dialect: str) -> str:
    made = sa.create_engine("sqlite://" if dialect == "sqlite" else "postgresql+psycopg://").dialect
    return " ".join(str(element.compile(dialect=made)).replace("o_deal.", "").split())


SQLITE = [
    ("pieces > 5", "pieces > ?"),
    ("not pieces > 5", "pieces <= ?"),
    ("quantity > 5", "quantity > ?"),
    ("not quantity > 5", "coalesce(quantity > ?, 0) = 0"),
    ("quantity != 5", "coalesce(quantity = ?, 0) = 0"),
    ("quantity is empty", "quantity IS NULL"),
    ("quantity is not empty", "quantity IS NOT NULL"),
    (
        "amount > 5 CNY",
        "amount > ? AND amount$currency = ? OR amount$currency != ? AND rule_compare("
        "rule_multiply(rule_decimal(amount, 2), rule_rate(?, amount$currency)), "
        "rule_multiply(rule_rate(?, ?), ?)) > ?",
    ),
    ('stage in ["new", "won"]', "stage IN (?, ?)"),
    ('name contains "x"', "instr(name$fold, ?) > 0"),
    (
        "quantity * 20 > 5",
        "CASE WHEN (abs(quantity) > 10000000000000) THEN rule_compare(rule_multiply("
        "rule_decimal(quantity, 4), ?), ?) > ? ELSE quantity * 20 > ? END",
    ),
    ("closes in last 7 days", "closes >= rule_shift_date(?, ?, ?) AND closes <= ?"),
]


@pytest.mark.parametrize(("expression", "sql"), SQLITE)
def test_shape(expression: str, sql: str) -> None:
    element = compile_node_sql(node_of(expression), Tables("sqlite", TABLES), DEAL)
    assert text_of(element, "sqlite") == sql


INDEXED = [
    "pieces >= 4990",
    "pieces = 7 and quantity is empty",
    "pieces in [1, 2, 3]",
    "pieces between 10 and 12",
]


@pytest.mark.parametrize("expression", INDEXED)
@pytest.mark.usefixtures("undone")
def test_positive_comparisons_use_the_index(
    expression: str, connection: sa.Connection, tables: Tables
) -> None:
    empty: Record = dict.fromkeys(SCHEMA.objects["deal"].fields)
    day = date(2020, 1, 1)
    rows = [
        {**empty, "id": f"d{n:05d}", "pieces": Decimal(n), "starts_on": day + timedelta(n % 900)}
        for n in range(5000)
    ]
    insert(connection, "deal", rows)
    connection.execute(sa.text("ANALYZE"))
    element = compile_node_sql(node_of(expression), tables, DEAL)
    chosen = sa.select(DEAL.c.id).where(element)
    compiled = chosen.compile(connection, compile_kwargs={"render_postcompile": True})
    explain = "EXPLAIN QUERY PLAN" if tables.dialect == "sqlite" else "EXPLAIN"
    bound = compiled.construct_params(parameters(chosen, NOBODY))
    values = tuple(bound[name] for name in compiled.positiontup or ()) or bound
    plan = connection.exec_driver_sql(f"{explain} {compiled}", values)
    assert "ix_o_deal_pieces" in "\n".join(str(row) for row in plan)


def condition(op: str, count: int) -> core.Node:
    test = node_of("pieces = 1")
    assert isinstance(test, core.Compare)
    items = tuple(
        replace(test, right=core.Constant(NUMBER, False, HERE, Decimal(number)))
        for number in range(count)
    )
    return (core.AllOf if op == "and" else core.AnyOf)(BOOLEAN, False, HERE, items)


@pytest.mark.usefixtures("undone")
def test_long_chains(connection: sa.Connection, tables: Tables) -> None:
    """SQLite allows a depth of 1,000, so that long chains have to be balanced trees."""
    empty: Record = dict.fromkeys(SCHEMA.objects["deal"].fields)
    insert(connection, "deal", [{**empty, "id": "d", "pieces": Decimal(1199)}])
    quantity = node_of("pieces")
    total = quantity
    for _ in range(1199):
        total = core.Arithmetic(NUMBER, True, HERE, "+", total, quantity)
    for node, expected in (
        (condition("or", 1200), True),
        (condition("and", 1200), False),
        (core.Not(BOOLEAN, False, HERE, condition("and", 1200)), True),
        (total, Decimal(1199 * 1200)),
    ):
        element = compile_node_sql(node, tables, DEAL)
        chosen = sa.select(element.label("value")).select_from(DEAL)
        assert connection.execute(chosen).scalar_one() == expected


REFUSED = [
    ("quantity changed", "1:1: changed asks for the record before, which is not stored"),
    ("old.quantity > 1", "1:1: the record before the change is not in the database"),
    ('name matches "a+"', "1:1: databases have other regular expressions than matches"),
    ("min(sum(lines.price), amount) > 1 CNY", "1:1: SQL does not know the order of sums of money"),
]


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_refusals(expression: str, message: str) -> None:
    node = node_of(expression, sees_changes=True)
    with pytest.raises(NotTranslatableError) as caught:
        compile_node_sql(node, Tables("sqlite", TABLES), DEAL)
    assert str(caught.value) == message


def test_money_is_two_columns() -> None:
    with pytest.raises(NotTranslatableError) as caught:
        compile_node_sql(node_of("amount"), Tables("sqlite", TABLES), DEAL)
    assert str(caught.value) == "1:1: a value of the kind money is more than one column"


@pytest.mark.parametrize("dialect_name", ["sqlite", "postgresql"])
def test_texts_of_people_are_always_bound(dialect_name: str) -> None:
    evil = "x'; DROP TABLE o_deal; --"
    for expression in (
        f'name = "{evil}"',
        f'name contains "{evil}"',
        f'name in ["{evil}", "b"]',
        f'join(lines.title, "{evil}") is empty',
        f'concat(name, "{evil}") = "b"',
    ):
        schema = Tables(dialect_name, TABLES)
        element = compile_sql(Expression.parse(expression), SCHEMA, "deal", schema)
        assert "DROP" not in text_of(element, dialect_name)


def test_parameters_of_the_person_and_of_this() -> None:
    node = Expression.parse(
        "owner = user and quantity > this.quantity and user.limit > 1 CNY"
    ).resolve(SCHEMA, "deal", this="line")
    element = compile_node_sql(node, Tables("sqlite", TABLES), DEAL)
    person = {"id": "u", "limit": None}
    environment = Surroundings(NOBODY.related, person)
    given = parameters(element, environment, {"quantity": Decimal(3)})
    rates = given.pop("rates")
    assert callable(rates)
    assert rates() == '{"CNY": "1"}'
    assert given == {
        "user_id": "u",
        "this_quantity": Decimal(3),
        "user_limit": None,
        "user_limit_currency": None,
    }


STORED = [
    ("quantity * 3 + account.size", "8.56"),
    ("quantity / 3", "0.6667"),
    ("-quantity / 3", "-0.6667"),
    ("pieces", "7"),
    ("sum(lines.quantity)", "0"),
    ("quantity * 99999999999999", None),
    ("pieces * 9999999", "69999993"),
    ("pieces / 0", None),
]


@pytest.mark.parametrize(("expression", "expected"), STORED)
@pytest.mark.usefixtures("undone")
def test_updates_store_rounded_numbers(
    expression: str, expected: str | None, connection: sa.Connection, tables: Tables
) -> None:
    empty: Record = dict.fromkeys(SCHEMA.objects["deal"].fields)
    account: Record = dict.fromkeys(SCHEMA.objects["account"].fields)
    insert(connection, "account", [{**account, "id": "a", "size": Decimal("2.5555")}])
    deal = {"id": "d", "pieces": Decimal(7), "quantity": Decimal("2.0000"), "account": "a"}
    insert(connection, "deal", [{**empty, **deal}])
    parts = compile_stored_sql(node_of(expression), tables, DEAL, DEAL.c.rate.type)
    only = compile_node_sql(node_of("account.size > 1"), tables, DEAL)
    connection.execute(sa.update(DEAL).where(only).values(rate=parts[""]))
    found = connection.execute(sa.select(DEAL.c.rate)).scalar_one()
    assert found == (None if expected is None else Decimal(expected))
