"""Where SQL gets tight: numbers near 64 bits, thousands of items, unlike currencies, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from rule_engine import compile_program, core, parse
from rule_engine.backends.python import compile_node
from rule_engine.backends.sql import (
    compile_node_sql,
    compile_parts_sql,
    compile_rescoring_sql,
    parameters,
    rescoring,
)
from rule_engine.errors import NotTranslatableError
from rule_engine.expression import Expression
from rule_engine.functions import functions
from rule_engine.program import Score
from rule_engine.types import Kind
from rule_engine.values import Money
from tests.rule_engine.law_world import (
    SCHEMA,
    Record,
    Store,
    Surroundings,
    Tables,
    make_tables,
    to_row,
)

METADATA, TABLES = make_tables()
DEAL = TABLES["deal"]
EMPTY: Record = dict.fromkeys(SCHEMA.objects["deal"].fields)


@dataclass(frozen=True)
class Rates:
    base: str = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        return Decimal("7.25") if currency == "USD" else None


@pytest.fixture(scope="module")
def tables(dialect: str, connection: sa.Connection) -> Tables:
    METADATA.create_all(connection)
    connection.commit()
    return Tables(dialect, TABLES)


@pytest.fixture
def undone(connection: sa.Connection, tables: Tables) -> Iterator[None]:
    yield
    connection.rollback()


def agree(expression: str, rows: list[Record], connection: sa.Connection, tables: Tables) -> None:
    """Demands the same value of every row from Python and the database."""
    node = Expression.parse(expression).resolve(SCHEMA, "deal")
    environment = Surroundings(Store({"deal": rows, "line": []}), None, rates=Rates())
    parts = compile_parts_sql(node, tables, DEAL)
    columns = [element.label(f"part_{name}") for name, element in parts.items()]
    chosen = sa.select(*columns).select_from(DEAL).order_by(DEAL.c.id)
    found = [tuple(row) for row in connection.execute(chosen, parameters(chosen, environment))]
    evaluate = compile_node(node)
    for row, record in zip(found, rows, strict=True):
        expected = evaluate(record, environment, None, None)
        value = row[0]
        if node.type.kind is Kind.MONEY and value is not None:
            value = Money(value, row[1])
        assert value == expected, (expression, record)


#: Units of the last place, around all limits at which SQLite goes another way.
UNITS = [0, 5, 15, 24999, 25000, 25001, *(10**n + d for n in (7, 9, 11, 13, 17) for d in (-1, 1))]
NEAR = [
    *("quantity * pieces", "quantity * pieces * 0.25", "quantity * rate", "pieces * 123456789"),
    *("round(quantity, 0)", "round(quantity * 0.5, 1)", "round(quantity, -2)", "round(pieces, -3)"),
    *("floor(quantity * 1.5)", "ceiling(quantity * 1.5)", "ceiling(quantity)", "abs(quantity * 8)"),
    *("quantity / 8", "quantity / 3", "mod(quantity, 0.7)", "mod(quantity * 100, -3)"),
    *("min(quantity * 1000, pieces)", "coalesce(rate * 1000, quantity, 1)", "quantity - rate * 9"),
    "if quantity * 30 > pieces then quantity * 7 else pieces",
]


@pytest.mark.parametrize("expression", NEAR)
@pytest.mark.usefixtures("undone")
def test_numbers_near_the_limits(
    expression: str, connection: sa.Connection, tables: Tables
) -> None:
    signed = [None, *UNITS, *(-unit for unit in UNITS)]
    rows = [
        {
            **EMPTY,
            "id": f"d{place:04d}",
            "quantity": None if unit is None else Decimal(unit).scaleb(-4),
            "pieces": Decimal(signed[place * 7 % len(signed)] or 3),
            "rate": None if place % 3 == 0 else Decimal(unit or 0).scaleb(-4),
        }
        for place, unit in enumerate(signed)
    ]
    connection.execute(DEAL.insert(), [to_row("deal", row) for row in rows])
    agree(expression, rows, connection, tables)


MONEY = [
    *("amount > budget", "amount = budget", "amount != budget", "not amount >= budget"),
    *("amount + budget", "amount - budget * 2 + 1 CNY", "amount / budget", "min(amount, budget)"),
    *("max(budget, amount, 7 CNY)", "amount + budget is empty", "amount in [1 USD, 7.25 CNY]"),
    "(amount + budget) * 2 - (amount - (budget + 1 EUR))",
]


@pytest.mark.parametrize("expression", MONEY)
@pytest.mark.usefixtures("undone")
def test_unlike_currencies(expression: str, connection: sa.Connection, tables: Tables) -> None:
    known = [None, *(Money(Decimal(a), c) for c in ("CNY", "USD", "EUR") for a in ("1", "7.25"))]
    rows = [
        {**EMPTY, "id": f"d{one:02d}{two:02d}", "amount": left, "budget": right}
        for one, left in enumerate(known)
        for two, right in enumerate(known)
    ]
    connection.execute(DEAL.insert(), [to_row("deal", row) for row in rows])
    agree(expression, rows, connection, tables)


def score_of(items: str) -> Score:
    text = f'score s "S" on deal into quantity {{\n{items}\n}}'
    (rules,) = compile_program([parse(text)], SCHEMA).scores
    return rules


MANY = "\n".join(f"add 1 when pieces > {number}" for number in range(500))
FEW = "\n".join(f"add 1 when pieces in [7, 8, {number}]" for number in range(20))


def rescore(rules: Score, connection: sa.Connection, tables: Tables) -> object:
    connection.execute(DEAL.insert(), [to_row("deal", {**EMPTY, "id": "d", "pieces": Decimal(9)})])
    connection.execute(compile_rescoring_sql(rules, tables, DEAL).update)
    return connection.execute(sa.select(DEAL.c.quantity)).scalar_one()


@pytest.mark.usefixtures("undone")
def test_thousands_of_items(connection: sa.Connection, tables: Tables) -> None:
    rules = score_of(MANY)
    many = replace(rules, entries=rules.entries * 5)
    assert rescore(many, connection, tables) == 45


@pytest.mark.usefixtures("undone")
def test_what_is_too_long_to_be_said_twice(
    connection: sa.Connection, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each item takes five values: 20 fit once, 40 not at all."""
    monkeypatch.setattr(rescoring, "MOST_PARAMETERS", 150)
    rules = score_of(FEW)
    assert rescore(rules, connection, tables) == 1
    with pytest.raises(NotTranslatableError) as caught:
        compile_rescoring_sql(replace(rules, entries=rules.entries * 2), tables, DEAL)
    assert str(caught.value) == "1:1: the score s is too long for SQL"


@pytest.mark.usefixtures("undone")
def test_a_thousand_rows_of_a_table(connection: sa.Connection, tables: Tables) -> None:
    arms = [
        (node_of(f"pieces between {row * 10} and {row * 10 + 9}"), node_of(f"rate * {row} + 0.25"))
        for row in range(1_000)
    ]
    last = node_of("quantity")
    table = core.Case(last.type, True, last.span, tuple(arms), last)
    known = [(None, 7), (Decimal(3), 0), (Decimal("1.5"), 9_999), (Decimal(2), 5_005)]
    known += [(Decimal(2), 10_000)]
    rows = [
        {**EMPTY, "id": f"d{place}", "rate": rate, "pieces": Decimal(pieces)}
        for place, (rate, pieces) in enumerate(known)
    ]
    connection.execute(DEAL.insert(), [to_row("deal", row) for row in rows])
    value = compile_node_sql(table, tables, DEAL)
    found = connection.scalars(sa.select(value).order_by(DEAL.c.id)).all()
    assert found == [None, Decimal("0.25"), Decimal("1498.75"), Decimal("1000.25"), None]


def node_of(text: str) -> core.Node:
    return Expression.parse(text).resolve(SCHEMA, "deal")


NESTED = "amount"
for _ in range(8):
    NESTED = f"({NESTED} + budget) * 2"
REFUSED = [
    (f"{NESTED} > 1 CNY", "1:8: sums of money inside of each other are too long for SQL"),
    (
        "coalesce(closes - starts_on, 3 days) > 1 day",
        "1:1: SQL does not know the first calendar length",
    ),
]


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_refusals(expression: str, message: str) -> None:
    node = Expression.parse(expression).resolve(SCHEMA, "deal")
    with pytest.raises(NotTranslatableError) as caught:
        compile_node_sql(node, Tables("sqlite", TABLES), DEAL)
    assert str(caught.value) == message


def test_functions_without_sql_say_so() -> None:
    node = Expression.parse("length(name) > 1").resolve(SCHEMA, "deal")
    assert isinstance(node, core.Compare)
    for name in [name for name, function in functions().items() if function.sql is None]:
        call = replace(node, left=replace(node.left, function=name))  # type: ignore[call-arg]  # is a Call
        with pytest.raises(NotTranslatableError, match=f"^1:1: {name} is not for databases$"):
            compile_node_sql(call, Tables("sqlite", TABLES), DEAL)
