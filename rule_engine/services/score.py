"""Scores: points with the facts that made them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from rule_engine.backends.python.scores import (
    Amount,
    Capped,
    Fired,
    compile_points,
    compile_reasons,
)
from rule_engine.errors import Span
from rule_engine.program import Score
from rule_engine.services.evaluate import Record
from rule_engine.types import Environment


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


class ScoreResult(NamedTuple):
    """A score's whole arithmetic: (base + items + groups) times the factors, then the range.

    `now` is the moment it was computed for. Members after `grade` are as the compiled function
    wrote them down; they are made readable when somebody asks: most scores are only stored.
    """

    points: Decimal
    grade: str | None
    told_base: Amount | None
    told_total: Amount
    told_least: Amount | None
    told_most: Amount | None
    fired: Sequence[Fired]
    capped: Sequence[Capped]
    definition: Score
    now: datetime

    @property
    def name(self) -> str:
        """The score's name."""
        return self.definition.name

    @property
    def label(self) -> str:
        """The score's label."""
        return self.definition.label

    @property
    def version(self) -> str:
        """The version of the ruleset."""
        return self.definition.version

    @property
    def base(self) -> Decimal:
        """What the sum starts from; 0 where nothing was written or it is empty."""
        return Decimal(self.told_base or 0)

    @property
    def total(self) -> Decimal:
        """The value before the range."""
        return Decimal(self.told_total)

    @property
    def least(self) -> Decimal | None:
        """The lower end of the range; None for an open one."""
        return _decimal(self.told_least)

    @property
    def most(self) -> Decimal | None:
        """The upper end of the range; None for an open one."""
        return _decimal(self.told_most)

    @property
    def items(self) -> tuple[ScoredItem, ...]:
        """The items that counted, in the order of their counting."""
        return tuple(
            ScoredItem(item.kind, Decimal(amount), item.because, item.text, group, item.span)
            for item, amount, group in self.fired
        )

    @property
    def groups(self) -> tuple[ScoredGroup, ...]:
        """All groups, inner ones before those around them."""
        return tuple(
            ScoredGroup(group.label, Decimal(total), _decimal(at_most), Decimal(points))
            for group, total, at_most, points in self.capped
        )

    def with_items(self, places: Collection[Span]) -> ScoreResult:
        """Gives the same score that tells only of the items written at these places."""
        return self._replace(fired=[told for told in self.fired if told[0].span in places])


def score(definition: Score, record: Record, environment: Environment) -> ScoreResult | None:
    """Evaluates a score; None when its guard does not hold, so that it does not apply."""
    told = compile_reasons(definition)(record, environment)
    return None if told is None else tuple.__new__(ScoreResult, told)


def score_all(
    definition: Score, records: Sequence[Record], environment: Environment
) -> list[tuple[Decimal, str | None] | None]:
    """Gives points and grade of many records without reasons; None where the guard is false."""
    judge = compile_points(definition)
    return [judge(record, environment) for record in records]


def _decimal(amount: Amount | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)
