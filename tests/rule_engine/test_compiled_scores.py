"""A score compiled to one function gives what its expressions give one by one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rule_engine import compile_program, core, parse
from rule_engine.arithmetic import add, multiply, negate
from rule_engine.backends.python import compile_node
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.services.score import score, score_all
from rule_engine.types import Environment
from tests.rule_engine import law_texts
from tests.rule_engine.law_world import SCHEMA, RandomRows, Record, Surroundings

STORE = RandomRows(3).store({"deal": 25, "account": 6, "line": 30, "user": 3})
NOBODY = Surroundings(STORE, None)
AMOUNTS = (
    *("0", "1", "5", "20", "0.1", "2.5", "12345678901.5", "999999999999999999", "pieces * 3"),
    *("account.size", "account.size / 3", "-account.size", "min(coalesce(account.size, 2), 7)"),
)
FACTORS = ("1", "2", "0.5", "0", "50%", "rate", "account.size")


@st.composite
def entries(draw: st.DrawFn, depth: int = 0) -> str:
    lines = []
    for number in range(draw(st.integers(0, 4))):
        guard = f" when {draw(law_texts.conditions())}" if draw(st.booleans()) else ""
        kind = draw(st.sampled_from(("add", "add", "subtract", "multiply by", "group")))
        if kind == "group" and depth < 2:
            cap = draw(st.sampled_from(("", " at most 4", " at most 2.5", " at most account.size")))
            lines.append(f'group "g{depth}{number}"{cap} {{\n{draw(entries(depth + 1))}\n}}')
        elif kind != "group":
            amounts = FACTORS if kind == "multiply by" else AMOUNTS
            lines.append(f"{kind} {draw(st.sampled_from(amounts))}{guard}")
    return "\n".join(lines)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    parts = [
        draw(st.sampled_from(("", "base 10", "base 0.5", "base account.size"))),
        draw(st.sampled_from(("", "range 0 to 100", "range -2.5 to 7", "range pieces to 50"))),
        draw(st.sampled_from(("", 'grade "A" from 20 grade "B" from 2.5'))),
        draw(entries()),
    ]
    guard = f"when {draw(law_texts.conditions())}\n" if draw(st.integers(0, 4)) == 0 else ""
    text = f's "S"\nscore s "S" on deal into quantity {{\n{guard}' + "\n".join(parts) + "\n}"
    return compile_program([parse("ruleset " + text)], SCHEMA).scores[0]


class Reference:
    """Sums as the language says, one expression after the other, decimals all the way."""

    def __init__(self, record: Record, environment: Environment) -> None:
        self.record = record
        self.environment = environment
        self.items: list[tuple[str, Decimal, str | None]] = []
        self.groups: list[tuple[str, Decimal, Decimal]] = []

    def value(self, node: core.Node | None) -> Decimal | None:
        found = None if node is None else compile_node(node)(self.record, self.environment)
        return found if isinstance(found, Decimal) else None

    def holds(self, node: core.Node | None) -> bool:
        return node is None or compile_node(node)(self.record, self.environment) is True

    def sum(
        self, parts: Sequence[ScoreItem | ScoreGroup], start: Decimal, group: str | None
    ) -> Decimal:
        total = start
        for part in parts:
            if isinstance(part, ScoreGroup):
                inner = self.sum(part.entries, Decimal(0), part.label)
                cap = self.value(part.at_most)
                points = inner if cap is None else min(inner, cap)
                self.groups.append((part.label, inner, points))
                total = add(total, points)
            elif part.kind != "multiply":
                total = add(total, self.amount(part, Decimal(0), group))
        for part in parts:
            if isinstance(part, ScoreItem) and part.kind == "multiply":
                total = multiply(total, self.amount(part, Decimal(1), group))
        return total

    def amount(self, item: ScoreItem, neutral: Decimal, group: str | None) -> Decimal:
        amount = self.value(item.amount)
        if not self.holds(item.guard) or amount is None or amount == neutral:
            return neutral
        amount = negate(amount) if item.kind == "subtract" else amount
        self.items.append((item.kind, amount, group))
        return amount

    def points(self, definition: Score, total: Decimal) -> Decimal:
        least, most = self.value(definition.least), self.value(definition.most)
        points = total if most is None else min(total, most)
        return points if least is None else max(points, least)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(definition=scores())
def test_one_function_gives_what_its_parts_give(definition: Score) -> None:
    rows = STORE.rows["deal"]
    shorts = score_all(definition, rows, NOBODY)
    for record, short in zip(rows, shorts, strict=True):
        result = score(definition, record, NOBODY)
        reference = Reference(record, NOBODY)
        if not reference.holds(definition.guard):
            assert result is None
            assert short is None
            continue
        assert result is not None
        base = reference.value(definition.base) or Decimal(0)
        total = reference.sum(definition.entries, base, None)
        points = reference.points(definition, total)
        reached = (g.name for g in definition.grades if points >= (reference.value(g.least) or 0))
        assert (result.base, result.total, result.points) == (base, total, points)
        assert (result.points, result.grade) == short == (points, next(reached, None))
        assert [(i.kind, i.amount, i.group) for i in result.items] == reference.items
        assert [(g.label, g.total, g.points) for g in result.groups] == reference.groups
