"""Explanations are the reason: what they cite makes the outcome, and without it the outcome falls.

1. Nothing matters but the facts that a condition's trace cites.
2. A condition that holds, made by `and` and `or` of tests that an empty field fails, stops holding
   when its reason is emptied: of an `and` any one part, of an `or` all parts that hold. Its
   negation turns over as well.
3. The items that a score cites make its points alone.
4. Without a cited item the total is less by its amount, where no factor and no cap comes after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from rule_engine import core
from rule_engine.backends.python import compile_node, trace_node
from rule_engine.backends.python.trace import parts_of
from rule_engine.errors import RuleCheckError, Span
from rule_engine.expression import Expression
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.services.score import score
from tests.rule_engine import law_texts
from tests.rule_engine.law_run import COUNTS, IS_SOAK, SEED, law
from tests.rule_engine.law_world import SCHEMA, RandomRows, Record, surroundings_of
from tests.rule_engine.test_sql_scores import score_of, scores

pytestmark = pytest.mark.soak

SOME = 100 * (20 if IS_SOAK else 1)

STORE = RandomRows(SEED).store(COUNTS)
SURROUNDINGS = surroundings_of(STORE)[0]
deals = st.sampled_from(STORE.rows["deal"])


def resolve(text: str) -> core.Node:
    return Expression.parse(text).resolve(SCHEMA, "deal")


# ---------------------------------------------------------------- 1: nothing else matters


def cited(node: core.Node, record: Record) -> set[str]:
    """Gives the record's fields that a trace's innermost parts read."""
    parts = parts_of(node, lambda part: compile_node(part)(record, SURROUNDINGS))
    if parts:
        return {name for part in parts for name in cited(part, record)}
    paths = (part for part in core.walk(node) if isinstance(part, core.Path | core.Aggregate))
    starts = (
        (path.scope, path.hops[0].field if path.hops else getattr(path, "field", ""))
        for path in paths
    )
    return {name for scope, name in starts if scope in (core.Scope.RECORD, core.Scope.OUTER)}


@law(SOME)
@given(text=law_texts.conditions(), rows=st.lists(deals, min_size=5, max_size=5))
def test_what_is_not_cited_does_not_matter(text: str, rows: list[Record]) -> None:
    node = resolve(text)
    for record in rows:
        facts = {"id", *cited(node, record)}
        alone = {name: value if name in facts else None for name, value in record.items()}
        trace = trace_node(node, record, SURROUNDINGS)
        assert (compile_node(node)(alone, SURROUNDINGS) is True) == trace.value


@law(SOME)
@given(texts=law_texts.tables(), rows=st.lists(deals, min_size=5, max_size=5))
def test_what_a_table_does_not_cite_does_not_matter(
    texts: tuple[list[tuple[str, str]], str], rows: list[Record]
) -> None:
    arms = [(resolve(condition), resolve(value)) for condition, value in texts[0]]
    last = resolve(texts[1])
    node = core.Case(last.type, True, last.span, tuple(arms), last)
    for record in rows:
        facts = {"id", *cited(node, record)}
        alone = {name: value if name in facts else None for name, value in record.items()}
        evaluate = compile_node(node)
        assert evaluate(alone, SURROUNDINGS) == evaluate(record, SURROUNDINGS)


ARMS = (
    ("quantity > 10 and pieces > 1", "1"),
    ("quantity > 5", "2"),
    ("quantity > 0 and name is empty and pieces > 2", "3"),
)
TOLD = [
    # The first arm fails by `pieces`, which nothing else cites; of the second, the first test.
    ({"quantity": 20, "pieces": 1}, ["pieces > 1", "quantity > 5"]),
    # The first arm fails by `quantity`, too, which the second cites.
    ({"quantity": 7, "pieces": 1}, ["quantity > 5"]),
    ({"quantity": 4, "pieces": 3}, ["quantity > 0 and name is empty and pieces > 2"]),
    # One fact tells why no arm holds.
    ({}, ["quantity > 10"]),
    ({"quantity": 1, "name": "x"}, ["quantity > 10", "name is empty"]),
]


@pytest.mark.parametrize(("held", "told"), TOLD)
def test_a_table_tells_why_earlier_rows_failed(held: dict[str, object], told: list[str]) -> None:
    arms = tuple((resolve(condition), resolve(value)) for condition, value in ARMS)
    node = core.Case(arms[0][1].type, True, arms[0][1].span, arms, resolve("0"))
    record = {name: Decimal(one) if isinstance(one, int) else one for name, one in held.items()}
    assert [child.text for child in trace_node(node, record, SURROUNDINGS).children] == told


# ---------------------------------------------------------------- 2: without it, it falls

TESTS = (
    *("quantity > 0", "quantity < 3", "pieces + quantity >= 2", "rate in [0%, 50%, 100%]"),
    *("amount > 0 CNY", "amount = 1 USD", "closes in last 30 days", "starts_on < closes"),
    *("seen older than 1 day", 'name contains "s"', "length(name) > 1 and name is not empty"),
    *('stage in ["won", "offer"]', 'stage >= "offer"', 'tags contains "vip"', "flag"),
    *("stage.probability > 20%", "opens >= 09:30", "talked * 2 < 40 hours", "account.size > 1"),
    *('account.parent.name starts with "a"', "owner.level >= 1", "month_of(closes) >= 3"),
)


joined = st.recursive(
    st.sampled_from(TESTS),
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
        lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
    ),
    max_leaves=6,
)


def reason(node: core.Node, record: Record, data: st.DataObject) -> set[str]:
    """Gives the facts on which a condition that holds rests; of several reasons any one."""
    holding = [
        part for part in core.children(node) if compile_node(part)(record, SURROUNDINGS) is True
    ]
    if isinstance(node, core.AllOf):
        return reason(data.draw(st.sampled_from(holding)), record, data)
    if isinstance(node, core.AnyOf):
        return {name for part in holding for name in reason(part, record, data)}
    return cited(node, record)


@law(SOME)
@given(text=joined, rows=st.lists(deals, min_size=10, max_size=10), data=st.data())
def test_without_its_reason_an_outcome_falls(
    text: str, rows: list[Record], data: st.DataObject
) -> None:
    node, opposite = resolve(text), resolve(f"not ({text})")
    for record in rows:
        if trace_node(node, record, SURROUNDINGS).value is not True:
            continue
        without = record | dict.fromkeys(reason(node, record, data) - {"id"})
        assert trace_node(node, without, SURROUNDINGS).value is False
        assert trace_node(opposite, record, SURROUNDINGS).value is False
        assert trace_node(opposite, without, SURROUNDINGS).value is True


# ---------------------------------------------------------------- 3 and 4: scores


@law(SOME)
@given(text=scores(), record=deals)
def test_cited_items_make_the_points(text: str, record: Record) -> None:
    definition = definition_of(text)
    found = score(definition, record, SURROUNDINGS)
    if found is None:
        return
    counted = {item.span for item in found.items}
    only = replace(definition, guard=None, entries=tuple(kept(definition.entries, counted)))
    again = score(only, record, SURROUNDINGS)
    assert again is not None
    assert (again.points, again.grade) == (found.points, found.grade)
    amounts = {item.span: item.amount for item in found.items}
    for span in apart(only.entries):
        rest = replace(only, entries=tuple(kept(only.entries, counted - {span})))
        less = score(rest, record, SURROUNDINGS)
        assert less is not None
        assert less.total == found.total - amounts[span]


def definition_of(text: str) -> Score:
    try:
        return score_of(text)
    except RuleCheckError:
        reject()


Entries = tuple[ScoreItem | ScoreGroup, ...]


def kept(entries: Entries, spans: set[Span]) -> Iterator[ScoreItem | ScoreGroup]:
    """Gives the items of some places, without their guards, in their groups."""
    for entry in entries:
        if isinstance(entry, ScoreGroup):
            yield replace(entry, entries=tuple(kept(entry.entries, spans)))
        elif entry.span in spans:
            yield replace(entry, guard=None)


def apart(entries: Entries) -> Iterator[Span]:
    """Gives the items that no factor and no cap changes afterwards."""
    if any(isinstance(entry, ScoreItem) and entry.kind == "multiply" for entry in entries):
        return
    for entry in entries:
        if isinstance(entry, ScoreItem):
            yield entry.span
        elif entry.at_most is None:
            yield from apart(entry.entries)
