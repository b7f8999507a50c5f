"""Grades that no points reach, points that no grade takes, ranges upside down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rule_engine import core, program
from rule_engine.arithmetic import shorten
from rule_engine.check.session import Session

ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a number cannot be below or above; None where nothing is known."""

    low: Decimal | None
    high: Decimal | None

    def with_value(self, value: Decimal) -> Limits:
        """Gives limits that hold for one more value."""
        return either([self, Limits(value, value)])

    def plus(self, other: Limits) -> Limits:
        """Gives the limits of a sum."""
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Limits(low, high)

    def negated(self) -> Limits:
        """Gives the limits of the number with the other sign."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return Limits(low, high)

    def times(self, factor: Limits) -> Limits:
        """Gives the limits of a product; known only for factors from 0 on."""
        if factor.low is None or factor.low < 0:
            return ANY
        low = _product(self.low, factor.high if (self.low or ONE) < 0 else factor.low)
        high = _product(self.high, factor.low if (self.high or ONE) < 0 else factor.high)
        return Limits(low, high)

    def at_most(self, cap: Limits) -> Limits:
        """Gives the limits of a number that is cut at a cap."""
        low = None if self.low is None or cap.low is None else min(self.low, cap.low)
        tops = [top for top in (self.high, cap.high) if top is not None]
        return Limits(low, min(tops, default=None))


ANY = Limits(None, None)


def _product(amount: Decimal | None, factor: Decimal | None) -> Decimal | None:
    if amount == 0 or factor == 0:
        return ZERO
    return None if amount is None or factor is None else amount * factor


def either(several: Sequence[Limits]) -> Limits:
    """Gives limits that hold for a number within any of several limits."""
    lows = [one.low for one in several]
    highs = [one.high for one in several]
    known_lows = [low for low in lows if low is not None]
    known_highs = [high for high in highs if high is not None]
    return Limits(
        min(known_lows) if len(known_lows) == len(lows) else None,
        max(known_highs) if len(known_highs) == len(highs) else None,
    )


def limits_of(node: core.Node | None) -> Limits:
    """Gives what is known of a number without any record; an empty one has no limits."""
    match node:
        case core.Constant(value=Decimal() as value):
            return Limits(value, value)
        case core.Negate(operand=operand):
            return limits_of(operand).negated()
        case core.If(then=then, otherwise=otherwise):
            return either([limits_of(then), limits_of(otherwise)])
        case core.Case(arms=arms, otherwise=core.Constant(value=None)):
            return either([limits_of(value) for _, value in arms])
        case core.Call(function="min", arguments=arguments):
            known = [limits_of(argument) for argument in arguments]
            tops = [one.high for one in known if one.high is not None]
            return Limits(either(known).low, min(tops, default=None))
        case core.Aggregate(function="count") | core.Call(function="count" | "length"):
            return Limits(ZERO, None)
    return ANY


def points_of(score: program.Score) -> Limits:
    """Gives what is known of a score's points before its range."""
    base = ZERO_POINTS if score.base is None else limits_of(score.base)
    if score.base is not None and score.base.nullable:
        base = base.with_value(ZERO)
    return _total(base, score.entries)


ZERO_POINTS = Limits(ZERO, ZERO)


def _total(start: Limits, entries: Iterable[program.ScoreItem | program.ScoreGroup]) -> Limits:
    """Gives the limits of a start and all items, times all factors."""
    total, factors = start, []
    for entry in entries:
        if isinstance(entry, program.ScoreGroup):
            total = total.plus(_capped(_total(ZERO_POINTS, entry.entries), entry.at_most))
        elif entry.kind == "multiply":
            factors.append(_amount(entry, ONE))
        else:
            amount = _amount(entry, ZERO)
            total = total.plus(amount if entry.kind == "add" else amount.negated())
    for factor in factors:
        total = total.times(factor)
    return total


def _capped(points: Limits, cap: core.Node | None) -> Limits:
    """Gives the limits of points under a cap; an empty cap is none."""
    if cap is None:
        return points
    capped = points.at_most(limits_of(cap))
    return either([points, capped]) if cap.nullable else capped


def _amount(item: program.ScoreItem, nothing: Decimal) -> Limits:
    """Gives the limits of what an item counts, `nothing` when it does not count."""
    amount = limits_of(item.amount)
    always = item.guard is None and not item.amount.nullable
    return amount if always else amount.with_value(nothing)


def check_thresholds(session: Session, score: program.Score) -> None:
    """Reports a range upside down, grades that are never given, and points without a grade."""
    least, most = limits_of(score.least), limits_of(score.most)
    if score.most is not None and least.low is not None and most.high is not None:
        if most.high < least.low:
            message = "the range ends below its beginning"
            session.report("upside_down", message, score.most.span, "write the lower end first")
            return
        if most.high == least.low:
            message = "this range holds only one value"
            session.warn("upside_down", message, score.most.span)
    points = points_of(score)
    if score.least is not None:
        points = _from(points, least)
    points = _capped(points, score.most)
    _check_grades(session, score, points)


def _from(points: Limits, least: Limits) -> Limits:
    """Gives the limits of a number that is lifted to a least value."""
    return points.negated().at_most(least.negated()).negated()


def _check_grades(session: Session, score: program.Score, points: Limits) -> None:
    limits = [grade.least.value for grade in score.grades if isinstance(grade.least, core.Constant)]
    numbers = [one for one in limits if isinstance(one, Decimal)]
    if len(numbers) < len(score.grades) or not numbers:
        return
    for place, grade in enumerate(score.grades):
        if points.high is not None and numbers[place] > points.high:
            message = 'the grade "{grade}" is never given: there are at most {most} points'
            values = {"grade": grade.name, "most": _spell(points.high)}
            session.warn("never_reached", message, grade.least.span, **values)
        above = numbers[place - 1] if place else None
        if points.low is not None and above is not None and above <= points.low:
            message = 'the grade "{grade}" is never given: there are at least {least} points'
            values = {"grade": grade.name, "least": _spell(points.low)}
            session.warn("never_reached", message, grade.least.span, **values)
    lowest = ZERO if points.low is None else points.low  # nothing known: nothing added
    if lowest < numbers[-1]:
        message = "points below {limit} have no grade"
        hint = "the field of the grade is emptied then; let the lowest grade begin lower"
        span = score.grades[-1].least.span
        session.warn("grade_gap", message, span, hint, limit=_spell(numbers[-1]))


def _spell(number: Decimal) -> str:
    return f"{shorten(number):f}"
