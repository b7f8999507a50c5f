"""What is said never to hold holds for no row; what examples show is so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from rule_engine import core, parse, tree
from rule_engine.backends.python import compile_node
from rule_engine.check.cover import Cover, cover_of
from rule_engine.check.examples import Example
from rule_engine.check.expressions import new_session
from rule_engine.check.reachability import outcome_of
from rule_engine.check.session import place_on
from rule_engine.check.tables import row_conditions
from rule_engine.expression import Expression
from rule_engine.values import Money
from tests.rule_engine.law_world import NOW, SCHEMA, Record, Store, Surroundings

WORLD = Surroundings(Store({name: [] for name in SCHEMA.objects}), None)

NUMBERS = ("-1", "0", "0.5", "1", "2")
DAYS = ("2026-03-30", "2026-03-31", "2026-04-02")

#: Values on, between and beyond all that the conditions name.
VALUES: dict[str, list[object]] = {
    "quantity": [
        None,
        *map(Decimal, ("-2", "-1", "-.5", "0", ".2", ".5", ".7", "1", "1.5", "2", "3")),
    ],
    "pieces": [Decimal(number) for number in range(-2, 4)],
    "rate": [None, Decimal("-0.02"), Decimal("0.01"), Decimal("0.015"), Decimal("0.5"), Decimal(3)],
    "stage": [None, "new", "offer", "won"],
    "flag": [None, True, False],
    "name": [None, "a", "b", "other"],
    "closes": [None, *(date(2026, 3, 29) + timedelta(days=n) for n in range(7))],
    "seen": [None, *(NOW + timedelta(hours=n) for n in (-72, -30, -24, -3, 0, 2, 24, 50))],
    "amount": [
        None,
        *(Money(Decimal(n), "CNY") for n in (-2, -1, 0, 1, 2, 3)),
        *(Money(Decimal(n), "USD") for n in (0, 1)),
    ],
    "tags": [None, frozenset({"vip"}), frozenset({"press", "vip"})],
}

OPS = ("=", "!=", "<", "<=", ">", ">=")


def compared(field: str, *values: str) -> Iterator[str]:
    yield from (f"{field} {op} {value}" for op, value in product(OPS, values))
    yield f"{field} between {values[0]} and {values[-1]}"
    yield f"{values[1]} < {field}"
    yield f"{field} in [{values[0]}, {values[1]}]"
    yield f"{field} is empty"


ATOMS = (
    *compared("quantity", *NUMBERS),
    *compared("pieces", "0", "1", "2"),
    *compared("rate", "1%", "50%", "-1%"),
    *compared("amount", "-1 CNY", "1 CNY", "2 CNY", "1 USD"),
    *compared("closes", *DAYS, "today", "today - 1 day"),
    *(f"closes {window}" for window in ("in last 2 days", "older than 1 day", "in next 1 month")),
    *(f"seen {window}" for window in ("in last 2 days", "older than 1 day", "in next 3 hours")),
    *(f"seen {op} {value}" for op in OPS for value in ("closes", "2026-03-31", "now - 1 hour")),
    *(f'stage {op} "{value}"' for op in OPS for value in ("new", "offer", "won")),
    *('stage in ["new", "won"]', "stage is empty", "stage.probability > 20%", "flag"),
    *("flag = false", "flag is empty", 'name = "a"', 'name in ["a", "b"]', 'name contains "a"'),
    *("name is empty", 'tags contains "vip"', "tags is empty", 'tags = ["vip"]'),
    *("quantity + 1 > 1", "quantity + 1 < 0", "quantity > pieces", "1 > 2", "true", "false"),
    *("if flag then quantity > 1 else stage is empty", "now > seen", "today > today - 1 day"),
)


def join(parts: list[str], word: str) -> str:
    return f"({f' {word} '.join(parts)})"


conditions = st.recursive(
    st.sampled_from(ATOMS).map(lambda text: f"({text})"),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: join(parts, "and")),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: join(parts, "or")),
        inner.map(lambda text: f"(not {text})"),
    ),
    max_leaves=6,
)


def fields_of(*nodes: core.Node) -> list[str]:
    paths = (inner for node in nodes for inner in core.walk(node) if isinstance(inner, core.Path))
    return sorted({path.field for path in paths})


def rows_of(*nodes: core.Node, most: int = 2_000) -> Iterator[Record]:
    """Gives rows for all combinations of values of the fields that the conditions look at."""
    names = fields_of(*nodes)
    combinations = product(*(VALUES[name] for name in names))
    step = 0
    for step, values in enumerate(combinations):
        if step >= most:
            return
        yield dict(zip(names, values, strict=True))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(conditions)
def test_never_and_always_are_true(text: str) -> None:
    node = Expression.parse(text).resolve(SCHEMA, "deal")
    decide = compile_node(node)
    said = outcome_of(node)
    if said is not None:
        held = {decide(row, WORLD, None, None) is True for row in rows_of(node)}
        assert held == {said}, text


numbers = st.recursive(
    st.sampled_from([*compared("quantity", *NUMBERS), *ATOMS[-19:-15]]).map(
        lambda text: f"({text})"
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: join(parts, "and")),
        inner.map(lambda text: f"(not {text})"),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(numbers)
def test_conditions_on_one_number_are_seen_through(text: str) -> None:
    node = Expression.parse(text).resolve(SCHEMA, "deal")
    decide = compile_node(node)
    held = {decide(row, WORLD, None, None) is True for row in rows_of(node)}
    if fields_of(node) == ["quantity"]:
        assert outcome_of(node) is (held.pop() if len(held) == 1 else None), text


CELLS: dict[str, list[str]] = {
    "quantity": ["> 1", "<= 1", "between 0 and 2", "0.5", "in [1, 2]", "not in [1]", "!= 2"],
    "stage": ['"new"', 'in ["new", "won"]', 'not in ["won"]', '>= "offer"', '!= "new"'],
    "flag": ["true", "false", "!= true"],
    "closes": ["> 2026-03-31", "<= 2026-03-31", "between 2026-03-30 and 2026-04-02"],
    "rate": ["> 1%", "<= 1%", "50%"],
    "name": ['"a"', 'in ["a", "b"]', 'not in ["a"]'],
    "amount": ["> 1 CNY", "<= 1 CNY", "1 CNY", "> 1 USD"],
}


@st.composite
def tables(draw: st.DrawFn) -> str:
    columns = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=3, unique=True))
    cells = [st.sampled_from(["-", *CELLS[column]]) for column in columns]
    rows = draw(st.lists(st.tuples(*cells), min_size=1, max_size=6))
    lines = [f"    | {' | '.join(row)} => {place}" for place, row in enumerate(rows)]
    head = f"table t on deal unique {{\n    | {' | '.join(columns)} => points\n"
    return head + "\n".join(lines) + "\n}"


def cover(text: str) -> tuple[Cover, list[core.Node]]:
    (table,) = parse(text).statements
    assert isinstance(table, tree.Table)
    session = new_session(SCHEMA)
    asked = row_conditions(session, place_on(SCHEMA.objects["deal"]), table)
    nodes = [node for node in asked if node is not None]
    found = cover_of(session, nodes)
    assert found is not None
    assert len(nodes) == len(table.rows)
    assert not session.found
    return found, nodes


def row_of(examples: tuple[Example, ...], nodes: list[core.Node]) -> Record:
    filled = {name: VALUES[name][-1] for name in fields_of(*nodes)}
    return {**filled, **{one.path.field: one.value for one in examples}}


@settings(max_examples=400, deadline=None, derandomize=True)
@given(tables())
def test_examples_of_overlaps_and_gaps_show_them(text: str) -> None:
    found, nodes = cover(text)
    decide = [compile_node(node) for node in nodes]

    def matching(row: Record) -> list[int]:
        return [place for place, holds in enumerate(decide) if holds(row, WORLD, None, None)]

    for first, second, example in found.overlaps():
        assert {first, second} <= set(matching(row_of(example, nodes))), text
    gap = found.gap()
    if gap is not None:
        assert matching(row_of(gap, nodes)) == [], text
    told = set(found.never_reached()) | set(found.never_match())
    pairs = {pair[:2] for pair in found.overlaps()}
    for row in rows_of(*nodes):
        places = matching(row)
        assert not told & set(places[:1]), text
        if "USD" not in text and all(map(is_written_so, row.values())):
            assert places or gap is not None, (text, row)
            assert set(pairwise(places)) <= pairs, (text, row)


def is_written_so(value: object) -> bool:
    """Examples have the tables' currency and no more places than the tables' numbers."""
    if isinstance(value, Money):
        return False
    return not isinstance(value, Decimal) or value == int(value)
