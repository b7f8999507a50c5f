"""Scores: points with the facts that made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from rule_engine import core
from rule_engine.arithmetic import add, multiply
from rule_engine.errors import Span
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.services.evaluate import Record, evaluate, holds, number
from rule_engine.types import Environment

ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """An item that counted. `amount` is signed; for `multiply` it is the factor.

    `group` is the label of the innermost group, None outside of groups.
    """

    kind: Literal["add", "subtract", "multiply"]
    amount: Decimal
    because: str
    text: str
    group: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """What a group came to: `total` of its items, `points` after its factors and its cap."""

    label: str
    total: Decimal
    at_most: Decimal | None
    points: Decimal


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """A score's whole arithmetic: (base + items + groups) times the factors, then the range.

    `total` is the value before the range; `least` and `most` are None for an open end. `version`
    is the ruleset's, `now` the moment it was computed for.
    """

    name: str
    label: str
    points: Decimal
    grade: str | None
    base: Decimal
    items: tuple[ScoredItem, ...]
    groups: tuple[ScoredGroup, ...]
    total: Decimal
    least: Decimal | None
    most: Decimal | None
    version: str
    now: datetime


def score(definition: Score, record: Record, environment: Environment) -> ScoreResult | None:
    """Evaluates a score; None when its guard does not hold, so that it does not apply."""
    if not holds(definition.guard, record, environment):
        return None
    tally = _Tally(record, environment)
    base = number(definition.base, record, environment, ZERO)
    total = tally.sum(definition.entries, base, None)
    least = tally.limit(definition.least)
    most = tally.limit(definition.most)
    points = total if most is None else min(total, most)
    points = points if least is None else max(points, least)
    return ScoreResult(
        definition.name,
        definition.label,
        points,
        _grade(definition, points, record, environment),
        base,
        tuple(tally.items),
        tuple(tally.groups),
        total,
        least,
        most,
        definition.version,
        environment.now,
    )


def _grade(
    definition: Score, points: Decimal, record: Record, environment: Environment
) -> str | None:
    reached = (
        grade.name
        for grade in definition.grades
        if points >= number(grade.least, record, environment, ZERO)
    )
    return next(reached, None)


class _Tally:
    """Collects the items that count while it sums."""

    def __init__(self, record: Record, environment: Environment) -> None:
        self.record = record
        self.environment = environment
        self.items: list[ScoredItem] = []
        self.groups: list[ScoredGroup] = []

    def limit(self, node: core.Node | None) -> Decimal | None:
        """Gives a bound's value; None where none was written or it is empty."""
        value = None if node is None else evaluate(node, self.record, self.environment)
        return value if isinstance(value, Decimal) else None

    def sum(
        self, entries: Sequence[ScoreItem | ScoreGroup], start: Decimal, group: str | None
    ) -> Decimal:
        """Adds items and groups to `start`, then applies the factors in written order."""
        total = start
        for entry in entries:
            if isinstance(entry, ScoreGroup):
                total = add(total, self.group(entry))
            elif entry.kind != "multiply":
                total = add(total, self.item(entry, group))
        for entry in entries:
            if isinstance(entry, ScoreItem) and entry.kind == "multiply":
                total = multiply(total, self.item(entry, group))
        return total

    def item(self, item: ScoreItem, group: str | None) -> Decimal:
        """Gives what an item adds, or its factor, and notes it when it changes anything."""
        neutral = ONE if item.kind == "multiply" else ZERO
        if not holds(item.guard, self.record, self.environment):
            return neutral
        amount = number(item.amount, self.record, self.environment, neutral)
        amount = -amount if item.kind == "subtract" else amount
        if amount != neutral:
            noted = ScoredItem(item.kind, amount, item.because, item.text, group, item.span)
            self.items.append(noted)
        return amount

    def group(self, group: ScoreGroup) -> Decimal:
        """Gives what a group adds after its cap."""
        total = self.sum(group.entries, ZERO, group.label)
        at_most = self.limit(group.at_most)
        points = total if at_most is None else min(total, at_most)
        self.groups.append(ScoredGroup(group.label, total, at_most, points))
        return points
