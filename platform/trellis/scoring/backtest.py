"""How well points tell what is won from what is lost: pure arithmetic over counted outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records there are of an outcome: `won`, `lost`, or neither yet (`open`)."""

    won: int = 0
    lost: int = 0
    open: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Gives both together."""
        return Tally(self.won + other.won, self.lost + other.lost, self.open + other.open)

    @property
    def records(self) -> int:
        """All of them."""
        return self.won + self.lost + self.open

    @property
    def won_rate(self) -> Fraction | None:
        """The won part of what was won or lost; None without any."""
        decided = self.won + self.lost
        return Fraction(self.won, decided) if decided else None


@dataclass(frozen=True, slots=True)
class GradeLine:
    """The records of one grade. `lift` is how much more often they are won than all of them."""

    grade: str | None
    tally: Tally
    lift: Fraction | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """What points and grades were worth: `auc` is None where nothing was won, or nothing lost."""

    tally: Tally
    auc: Fraction | None
    grades: tuple[GradeLine, ...]


Counted = tuple[Decimal, str | None, Tally]
"""Points and grade, with the outcomes of the records that have them."""


def backtest(counted: Iterable[Counted], grades: Sequence[str]) -> Backtest:
    """Gives what points and grades are worth; `grades` are in the order they are told in."""
    by_points: dict[Decimal, Tally] = {}
    by_grade: dict[str | None, Tally] = {}
    for points, grade, tally in counted:
        by_points[points] = by_points.get(points, Tally()) + tally
        by_grade[grade] = by_grade.get(grade, Tally()) + tally
    whole = sum(by_points.values(), Tally())
    known: list[str | None] = [grade for grade in grades if grade in by_grade]
    others = sorted(by_grade.keys() - set(known), key=str)
    lines = (
        GradeLine(grade, by_grade[grade], lift(by_grade[grade], whole))
        for grade in (*known, *others)
    )
    return Backtest(whole, auc(by_points), tuple(lines))


def auc(by_points: Mapping[Decimal, Tally]) -> Fraction | None:
    """Gives the area under the ROC curve: how often a won record has more points than a lost one,
    of all pairs of them, equal points counting half.

    The Mann-Whitney statistic U divided by the number of pairs (Hanley and McNeil: The meaning and
    use of the area under a receiver operating characteristic curve. Radiology 143, 1982, 29-36).
    """
    whole = sum(by_points.values(), Tally())
    if not whole.won or not whole.lost:
        return None
    below, twice = 0, 0
    for points in sorted(by_points):
        here = by_points[points]
        twice += here.won * (2 * below + here.lost)
        below += here.lost
    return Fraction(twice, 2 * whole.won * whole.lost)


def lift(part: Tally, whole: Tally) -> Fraction | None:
    """Gives the won rate of a part divided by that of all; None where one of them has none."""
    of_part, of_all = part.won_rate, whole.won_rate
    return of_part / of_all if of_part is not None and of_all else None
