"""The law: Python, SQLite, PostgreSQL and JavaScript decide every condition alike on every row.

`make soak` (TRELLIS_SOAK=1) takes twenty times as many conditions, and other rows each time that
TRELLIS_LAW_SEED is another.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given

from rule_engine import core
from rule_engine.backends.javascript.compiler import compile_node_javascript
from rule_engine.backends.python import compile_node
from rule_engine.backends.sql import compile_node_sql, compile_parts_sql, parameters
from rule_engine.expression import Expression
from rule_engine.functions import functions
from rule_engine.types import Kind, Type
from rule_engine.values import CalendarLength, Money
from tests.rule_engine import law_texts
from tests.rule_engine.law_run import COUNTS, IS_SOAK, SEED, fill, law
from tests.rule_engine.law_world import (
    SCHEMA,
    RandomRows,
    Record,
    Store,
    Surroundings,
    Tables,
    surroundings_of,
)
from trellis.evaluation.javascript import Answers, environment_of, from_wire, wire_record

pytestmark = pytest.mark.soak

MANY = 20 if IS_SOAK else 1
VALUES, TABLES, CHANGES = (count * MANY for count in (200, 24, 60))
#: Random decisions that are compared, each of a condition on a deal.
DECISIONS = 100_000 * MANY
CONDITIONS = math.ceil(DECISIONS / COUNTS["deal"])
#: Each operator, function and aggregate, for those that chance takes seldom.
FORMS = tuple(map(law_texts.forms, range(law_texts.count_forms())))

WORLDS: Mapping[str, Mapping[str, Decimal]] = {"no rates": {}, "rates": {"USD": Decimal("7.2")}}


@dataclass(frozen=True)
class BackEnds:
    """One store of records, in Python, in Node's wire form and in the tables of the databases."""

    store: Store
    environments: tuple[Surroundings, ...]
    rates: Mapping[str, Decimal]
    connections: Mapping[str, sa.Connection]
    tables: Mapping[str, sa.Table]
    node: Answers

    @property
    def deals(self) -> Sequence[Record]:
        return self.store.rows["deal"]

    def environment(self, text: str) -> int:
        return len(text) % len(self.environments)

    @cached_property
    def wire_deals(self) -> str:
        return json.dumps([wire_record(row) for row in self.deals])

    @cached_property
    def wire_environments(self) -> list[str]:
        return [
            json.dumps(environment_of(environment, self.rates, self.store.rows))
            for environment in self.environments
        ]

    def in_python(self, node: core.Node, chosen: int) -> list[object]:
        evaluate = compile_node(node)
        return [evaluate(row, self.environments[chosen]) for row in self.deals]

    def in_javascript(self, node: core.Node, chosen: int) -> list[object]:
        source = compile_node_javascript(node)
        (found,) = self.node.ask_text([source], self.wire_deals, self.wire_environments[chosen])
        return [from_wire(node.type.kind, value) for value in found]

    def holding(self, dialect: str, node: core.Node, chosen: int) -> set[str]:
        """Gives the ids of the deals that a database finds by a condition."""
        root = self.tables["deal"]
        condition = compile_node_sql(node, Tables(dialect, self.tables), root)
        statement = sa.select(root.c.id).where(condition)
        bound = parameters(statement, self.environments[chosen])
        return {str(row[0]) for row in self.ask(dialect, statement, bound)}

    def ask(
        self, dialect: str, statement: sa.Select[Any], bound: Mapping[str, object]
    ) -> Sequence[sa.Row[Any]]:
        connection = self.connections[dialect]
        try:
            return connection.execute(statement, bound).all()
        except sa.exc.DBAPIError:
            connection.rollback()  # or PostgreSQL would answer nothing any more
            raise

    def in_sql(self, dialect: str, node: core.Node, chosen: int) -> list[object]:
        root = self.tables["deal"]
        parts = compile_parts_sql(node, Tables(dialect, self.tables), root)
        labels = [part.label(f"part_{name}") for name, part in parts.items()]
        statement = sa.select(root.c.id, *labels)
        bound = parameters(statement, self.environments[chosen])
        rows = self.ask(dialect, statement, bound)
        by_id = {row[0]: dict(zip(parts, row[1:], strict=True)) for row in rows}
        return [from_parts(by_id[row["id"]], node.type.kind) for row in self.deals]


@pytest.fixture(scope="module")
def stored(connections: Mapping[str, sa.Connection]) -> tuple[Store, Mapping[str, sa.Table]]:
    store = RandomRows(SEED).store(COUNTS)
    tables = [fill(connection, store) for connection in connections.values()]
    for connection in connections.values():
        connection.commit()
    return store, tables[0]


@pytest.fixture(scope="module", params=WORLDS)
def everywhere(
    request: pytest.FixtureRequest,
    connections: Mapping[str, sa.Connection],
    stored: tuple[Store, Mapping[str, sa.Table]],
    node: Answers,
) -> BackEnds:
    store, tables = stored
    rates = WORLDS[request.param]
    return BackEnds(store, surroundings_of(store, rates), rates, connections, tables, node)


def resolve(text: str, *, sees_changes: bool = False) -> core.Node:
    return Expression.parse(text).resolve(SCHEMA, "deal", sees_changes=sees_changes)


def test_conditions_agree(everywhere: BackEnds) -> None:
    decisions = 0

    @law(CONDITIONS)
    @given(text=law_texts.conditions())
    def agree(text: str) -> None:
        nonlocal decisions
        node, chosen = resolve(text), everywhere.environment(text)
        decided = [found is True for found in everywhere.in_python(node, chosen)]
        in_node = [found is True for found in everywhere.in_javascript(node, chosen)]
        assert in_node == decided, ("javascript", text)
        found = {str(row["id"]) for row, yes in zip(everywhere.deals, decided, strict=True) if yes}
        for dialect in everywhere.connections:
            assert everywhere.holding(dialect, node, chosen) == found, (dialect, text)
        decisions += len(decided)

    agree()
    assert decisions >= DECISIONS


def agree_on_values(everywhere: BackEnds, node: core.Node, text: str) -> None:
    chosen = everywhere.environment(text)
    expected = everywhere.in_python(node, chosen)
    assert everywhere.in_javascript(node, chosen) == expected, ("javascript", text)
    for dialect in everywhere.connections:
        assert everywhere.in_sql(dialect, node, chosen) == expected, (dialect, text)


def test_values_agree(everywhere: BackEnds) -> None:
    @law(VALUES)
    @given(text=law_texts.values())
    def agree(text: str) -> None:
        agree_on_values(everywhere, resolve(text), text)

    agree()


def test_each_form_agrees(everywhere: BackEnds) -> None:
    for form in FORMS:

        @law(2 * MANY)
        @given(text=form)
        def agree(text: str) -> None:
            agree_on_values(everywhere, resolve(text), text)

        agree()


def test_tables_agree(everywhere: BackEnds) -> None:
    @law(TABLES)
    @given(texts=law_texts.tables())
    def agree(texts: tuple[list[tuple[str, str]], str]) -> None:
        arms, otherwise = texts
        agree_on_values(everywhere, make_case(arms, otherwise), str(texts))

    agree()


def make_case(arms: Sequence[tuple[str, str]], otherwise: str) -> core.Case:
    """Gives what a decision table becomes."""
    last = resolve(otherwise)
    made = tuple((resolve(condition), resolve(value)) for condition, value in arms)
    return core.Case(Type(last.type.kind), True, last.span, made, last)


def test_changes_agree(everywhere: BackEnds) -> None:
    """Conditions on the record before: databases have none."""
    deals = list(everywhere.deals)

    @law(CHANGES)
    @given(text=law_texts.changes())
    def agree(text: str) -> None:
        node, chosen = resolve(text, sees_changes=True), everywhere.environment(text)
        old = random.Random(text).choice([*deals, None])
        evaluate = compile_node(node)
        expected = [evaluate(row, everywhere.environments[chosen], old) for row in deals]
        environment = json.loads(everywhere.wire_environments[chosen])
        environment["old"] = None if old is None else wire_record(old)
        source = compile_node_javascript(node)
        asked = everywhere.wire_deals, json.dumps(environment)
        (found,) = everywhere.node.ask_text([source], *asked)
        assert found == expected, text

    agree()


#: What no text of the law holds: neither databases nor browsers have `matches`; tables and changes
#: have tests of their own, and what is given to a condition was a constant in its text.
LEFT_OUT = {core.Node, core.Matches, core.Changed, core.Case, core.Given}


def test_the_law_speaks_of_everything() -> None:
    texts: list[str] = []
    for strategy, examples in ((law_texts.conditions(), 200), *((one, 3) for one in FORMS)):
        law(examples)(given(text=strategy)(lambda text: texts.append(text)))()
    written = set(re.findall(r"\b(\w+)\(", " ".join(texts)))
    declared = {one.name for one in functions().values() if one.sql or one.javascript}
    assert declared - written == set()
    kinds = {type(part) for text in texts for part in core.walk(resolve(text))}
    known = {
        one for one in vars(core).values() if isinstance(one, type) and issubclass(one, core.Node)
    }
    assert known - kinds == LEFT_OUT


def from_parts(parts: Mapping[str, object], kind: Kind) -> object:
    match kind, parts.get(""):
        case Kind.CALENDAR_LENGTH, _:
            months, days = parts["months"], parts["days"]
            if months is None or days is None:
                return None
            return CalendarLength(int(str(months)), int(str(days)))
        case Kind.MONEY, Decimal() as amount:
            return Money(amount, str(parts["currency"]))
        case Kind.CLOCK_LENGTH, Decimal() as count:
            return timedelta(milliseconds=int(count))
        case _, value:
            return value
