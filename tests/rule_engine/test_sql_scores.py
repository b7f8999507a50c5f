"""Scores in SQL: on every row what the score service gives, and the UPDATE that stores it."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from hypothesis import given, reject
from hypothesis import strategies as st

from rule_engine import compile_program, parse
from rule_engine.arithmetic import round_places
from rule_engine.backends.sql import compile_rescoring_sql, compile_score_sql, parameters
from rule_engine.errors import RuleCheckError
from rule_engine.program import Score
from rule_engine.services.score import score
from rule_engine.types import Kind
from tests.rule_engine.law_run import IS_SOAK, World, law, world
from tests.rule_engine.law_texts import Place, Writer
from tests.rule_engine.law_world import SCHEMA

__all__ = ["world"]

Draw = Callable[[st.SearchStrategy[str]], str]
PLACES = {"quantity": 4, "pieces": 0}


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
    environment = world.environments[0]
    root = world.tables.tables["deal"]
    columns = compile_score_sql(definition, world.tables, root)
    chosen = sa.select(root.c.id, columns.points, columns.grade).where(columns.applies)
    found = {row[0]: row[1:] for row in world.connection.execute(*asked(chosen, environment))}
    rescoring = compile_rescoring_sql(definition, world.tables, root)
    changed = sa.select(root.c.id, rescoring.points, rescoring.grade).where(rescoring.changes)
    changes = {row[0]: row[1:] for row in world.connection.execute(*asked(changed, environment))}
    into, grade_into = definition.into, definition.grade_into
    for record in world.store.rows["deal"]:
        result = score(definition, record, environment)
        expected = None if result is None else (result.points, result.grade)
        assert found.get(record["id"]) == expected, (text, record["id"])
        if result is None:
            continue
        points = round_places(result.points, PLACES[into])
        kept = points if abs(points.scaleb(PLACES[into])) < 10**18 else None
        is_right = kept == record[into]
        is_right &= grade_into is None or result.grade == record[grade_into]
        expected = None if is_right else (kept, result.grade)
        assert changes.get(record["id"]) == expected, (text, record["id"])


def asked(statement: sa.Select[object], environment: object) -> tuple[object, ...]:
    return statement, parameters(statement, environment)
