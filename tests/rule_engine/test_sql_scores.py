"""Scores in SQL: on every row what the score service gives, and the UPDATE that stores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from hypothesis import given, reject
from hypothesis import strategies as st

from rule_engine import compile_program, parse
from rule_engine.arithmetic import round_places
from rule_engine.backends.sql import (
    Rescoring,
    compile_rescoring_sql,
    compile_score_sql,
    parameters,
)
from rule_engine.errors import RuleCheckError
from rule_engine.program import Score
from rule_engine.services.score import ScoreResult, score
from rule_engine.types import Kind
from tests.rule_engine.law_run import IS_SOAK, World, law, world
from tests.rule_engine.law_texts import Place, Writer
from tests.rule_engine.law_world import SCHEMA, Record

__all__ = ["world"]

Draw = Callable[[st.SearchStrategy[str]], str]
PLACES = {"quantity": 4, "pieces": 0}
#: Rows up to here are not to be rescored.
FIRST = "deal-010"


class Scores(Writer):
    """Writes scores over the law's world."""

    place = Place("deal", depth=2)

    def score(self) -> str:
        guard = [f"when {self.condition(self.place)}"] if self.pick("abc") == "a" else []
        into = self.pick(("quantity, name", "quantity", "pieces, stage"))
        grades = ("offer", "won") if "stage" in into else ("low", "high")
        entries = [self.entry(2) for _ in range(1 + len(self.pick(("", "x", "xx", "xxxx"))))]
        if self.pick("ab") == "a":
            entries.append(f"base {self.number()}")
        if self.pick("ab") == "a":
            entries.append(f"range {self.pick(('0', '-5', 'rate'))} to {self.limit()}")
        if "," in into:
            entries += [f'grade "{grades[0]}" from -99', f'grade "{grades[1]}" from {self.limit()}']
        return "\n".join([f'score s "S" on deal into {into} {{', *guard, *entries, "}"])

    def entry(self, depth: int) -> str:
        if depth and self.pick("iig") == "g":
            capped = f" at most {self.limit()}" if self.pick("ab") == "a" else ""
            inner = "\n".join(self.entry(depth - 1) for _ in range(1 + len(self.pick(("", "x")))))
            return f'group "G"{capped} {{\n{inner}\n}}'
        word = self.pick(("add", "subtract", "multiply by"))
        guard = f" when {self.condition(self.place)}" if self.pick("aab") == "a" else ""
        return f"{word} {self.number()}{guard}"

    def number(self) -> str:
        if self.pick("cccv") == "c":
            return self.pick(("10", "2.5", "0.125", "0", "7", "1000000"))
        return self.value(Kind.NUMBER, self.place)

    def limit(self) -> str:
        return self.pick(("0", "50", "2.5", "100", "account.size", "rate * 100"))


@st.composite
def scores(draw: Draw) -> str:
    return Scores(draw).score()


def score_of(text: str) -> Score:
    (definition,) = compile_program([parse(text)], SCHEMA).scores
    return definition


@law(1200 if IS_SOAK else 30)
@given(text=scores())
def test_scores_agree(world: World, text: str) -> None:
    try:
        definition = score_of(text)
    except RuleCheckError:
        reject()
    root = world.tables.tables["deal"]
    columns = compile_score_sql(definition, world.tables, root)
    chosen = sa.select(root.c.id, columns.points, columns.grade).where(columns.applies)
    found = asked(world, chosen)
    right = {str(row["id"]): expected(definition, row, world) for row in world.store.rows["deal"]}
    assert found == {key: (one.points, one.grade) for key, one in right.items() if one}
    for bulk in (False, True):
        made = compile_rescoring_sql(definition, world.tables, root, ids=later, bulk=bulk)
        judge(world, definition, made, right)


def judge(
    world: World, definition: Score, made: Rescoring, right: Mapping[str, ScoreResult | None]
) -> None:
    """Demands that the statements find, refuse and change what they must."""
    root = world.tables.tables["deal"]
    places, kept = PLACES[definition.into], [definition.into, definition.grade_into]
    filled = [root.c[name] for name in kept if name is not None]
    select = sa.select(root.c.id, *filled)
    before = asked(world, select)
    wrong, refused = {}, set()
    for key, result in right.items():
        if result is None or key <= FIRST:
            continue
        points = round_places(result.points, places)
        outcome = (points, result.grade)
        if abs(points.scaleb(places)) >= 10**18:
            refused.add(key)
        elif outcome[: len(filled)] != before[key]:
            wrong[key] = outcome
    assert asked(world, made.wrong) == wrong
    found = {} if made.refused is None else asked(world, made.refused)
    assert set(found) == refused
    with world.connection.begin_nested() as undone:
        values = parameters(made.update, world.environments[0])
        assert world.connection.execute(made.update, values).rowcount == len(wrong)
        after = {key: outcome[: len(filled)] for key, outcome in wrong.items()}
        assert asked(world, select) == before | after
        if definition.grade_into == "name":
            folded = sa.select(root.c.id, root.c["name$fold"]).where(root.c.id.in_(wrong))
            assert asked(world, folded) == {key: (grade,) for key, (_, grade) in wrong.items()}
        undone.rollback()


def expected(definition: Score, record: Record, world: World) -> ScoreResult | None:
    return score(definition, record, world.environments[0])


def later(identifier: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return identifier > FIRST


def asked(world: World, statement: sa.Select[Any]) -> dict[str, tuple[object, ...]]:
    """Gives what a statement finds by id."""
    values = parameters(statement, world.environments[0])
    return {row[0]: tuple(row[1:]) for row in world.connection.execute(statement, values)}
