"""Fetch plans are whole: evaluating a rule asks for no record that its plan does not name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given

from rule_engine import Expression, compile_program, parse
from rule_engine.backends.python import compile_node
from rule_engine.program.reads import Reads, reads_of
from tests.rule_engine import law_texts
from tests.rule_engine.law_run import law
from tests.rule_engine.law_world import SCHEMA, RandomRows, Record, Surroundings
from tests.rule_engine.schemas import SCHEMA as EXAMPLES

STORE = RandomRows(3).store({"deal": 25, "account": 8, "line": 40, "user": 4})
Row = Mapping[str, object]


class Planned:
    """A store that gives out only what a plan names, from one record on."""

    def __init__(self, plan: Reads, record: Row, old: Row, user: Row) -> None:
        self.allowed: set[tuple[str, ...]] = set()
        for start in (record, old):
            self._allow("deal", start, plan)
        steps = ("owner", "manager")  # from the acting person on, all is looked up once for a run
        self._allow(
            "user", user, Reads(frozenset((*way, "id") for way in product(steps, repeat=3)))
        )

    def _allow(self, object_name: str, record: Row, plan: Reads) -> None:
        for path in plan.paths:
            list(self._follow(object_name, record, path[:-1]))
        for (*way, link), inner in plan.within.items():
            for end_object, end in self._follow(object_name, record, tuple(way)):
                described = SCHEMA.objects[end_object].links[link]
                asked = described.target, described.field, str(end["id"])
                self.allowed.add(asked)
                for row in STORE.records(*asked):
                    self._allow(described.target, row, inner)

    def _follow(
        self, object_name: str, record: Row, way: tuple[str, ...]
    ) -> Iterator[tuple[str, Row]]:
        for step in way:
            target = SCHEMA.objects[object_name].fields[step].target or ""
            asked = target, str(record[step])
            self.allowed.add(asked)
            found = STORE.record(*asked)
            if found is None:
                return
            object_name, record = target, found
        yield object_name, record

    def record(self, object_name: str, record_id: str) -> Record | None:
        assert (object_name, record_id) in self.allowed
        return STORE.record(object_name, record_id)

    def records(self, object_name: str, field: str, record_id: str) -> Sequence[Record]:
        assert (object_name, field, record_id) in self.allowed
        return STORE.records(object_name, field, record_id)


def evaluate(text: str) -> None:
    node = Expression.parse(text).resolve(SCHEMA, "deal", sees_changes=True)
    run, plan = compile_node(node), reads_of([node])
    user = STORE.rows["user"][0]
    deals = STORE.rows["deal"]
    for record, old in pairwise(deals):
        around = Surroundings(STORE, user)
        run(record, replace(around, related=Planned(plan, record, old, user)), old, None)  # type: ignore[arg-type]  # a Related


@law(250)
@given(law_texts.conditions())
def test_conditions_ask_for_what_their_plan_names(text: str) -> None:
    evaluate(text)


@pytest.mark.parametrize(
    "text",
    [
        "account.parent.size > 1 or old.account.size > 1",
        "account changed and old.account.active",
        "any(account.deals where account.parent.size > this.account.size)",
        "count(lines where any(deal.account.deals where quantity > this.quantity)) > 1",
        "sum(old.account.deals.account.size) > 1",
        "any(lines where old.account.size > 1 and this.account.size > 1)",
        "user.manager.level > 1 and manager_of(user) = user",
        'latest(account.deals.account.name by account.size) = "x"',
        "all(lines where none(deal.lines where deal.account.size > this.deal.account.size))",
    ],
)
def test_paths_of_all_kinds_are_in_the_plan(text: str) -> None:
    evaluate(text)


def test_plans_name_people_and_conditions_of_processes() -> None:
    """Principals, triggers, assignments, service levels and approvals look around, too."""
    folder = Path(__file__).parent / "examples"
    texts = [parse(path.read_text("utf-8"), source=path.name) for path in folder.glob("*.rules")]
    made = compile_program(texts, EXAMPLES)
    reads = {name: made.reads(name) for name in EXAMPLES.objects}
    assert {("account", "owner"), ("account", "billing_contact")} <= reads["invoice"].paths
    assert ("account", "owner") in reads["lead"].paths
    assert {("account", "support_level"), ("owner",)} <= reads["ticket"].paths
    assert {("owner",), ("owner", "region"), ("account", "country")} <= reads["quote"].paths
    assert reads["lead"].within[("activities",)].paths == {("kind",), ("happened_at",)}
