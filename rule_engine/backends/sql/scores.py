"""Scores as SQL: what `services.score` gives, for a whole table at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.arithmetic import ONE, ZERO
from rule_engine.backends.chains import balance
from rule_engine.backends.dialects.numbers import Condition
from rule_engine.backends.dialects.values import Element, Number, literal, verbatim
from rule_engine.backends.sql.compiler import Compiler
from rule_engine.backends.sql.frames import TEXT, Frame
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.text import fold
from rule_engine.types import SqlSchema

Entry = ScoreItem | ScoreGroup


@dataclass(frozen=True, slots=True)
class Reached:
    """The exact points, and the least points of each grade, where columns are made of them."""

    points: Number
    limits: tuple[Number, ...]


#: Makes a column out of the points.
Finish = Callable[[Reached], Element]


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """What a score gives to each row of its table.

    `points` are exact; `grade` is NULL where no grade is reached or none is defined. Both mean
    nothing where `applies`, the score's guard, is not true: what is stored is kept there.
    """

    points: sa.ColumnElement[Decimal]
    grade: sa.ColumnElement[str]
    applies: Condition


def compile_score_sql(score: Score, sql_schema: SqlSchema, root: sa.FromClause) -> ScoreColumns:
    """Gives a score as columns on `root`, a table (or alias) of the score's object.

    Raises NotTranslatableError for what SQL cannot say.
    """
    scores = Scores(score, sql_schema, Frame(root))
    points = scores.compiler.numbers.result(scores.points)
    return ScoreColumns(points, scores.finished(scores.grade), scores.applies())


class Scores:
    """Compiles one score."""

    def __init__(self, score: Score, sql_schema: SqlSchema, frame: Frame) -> None:
        self.score = score
        self.frame = frame
        self.compiler = Compiler(sql_schema)
        self.numbers = self.compiler.numbers
        self.points = self._points()
        self.most = range_of(score)
        self.limits = tuple(self._number(grade.least, ZERO) for grade in score.grades)

    def applies(self) -> Condition:
        """Gives whether the score has a say about a row."""
        guard = self.score.guard
        return sa.true() if guard is None else self.compiler.whole_condition(guard, self.frame)

    # ------------------------------------------------------------ points

    def _points(self) -> Number:
        score = self.score
        total = self._total(score.entries, self._number(score.base, ZERO))
        return self._limited("max", self._limited("min", total, score.most), score.least)

    def _number(self, node: core.Node | None, default: Decimal) -> Number:
        """Gives a number; the default where nothing was written or the value is empty."""
        value = None if node is None else self.compiler.value(node, self.frame)
        if not isinstance(value, Number):
            return self.numbers.constant(default)
        if not value.nullable:
            return value
        return self.numbers.first([value, self.numbers.constant(default)])

    def _total(self, entries: Sequence[Entry], start: Number | None) -> Number:
        """Gives the sum of items and groups, then times the factors in written order."""
        terms = [self._term(entry) for entry in entries if not _is_factor(entry)]
        terms = terms if start is None else [start, *terms]
        # Whole numbers first, so that as much as can be is computed with small types.
        terms.sort(key=lambda term: term.constant is None and term.scale != 0)
        total = balance(terms or [self.numbers.constant(ZERO)], self.compiler.bracketed_sum)
        for entry in entries:
            if isinstance(entry, ScoreItem) and entry.kind == "multiply":
                total = self.compiler.number("*", total, self._item(entry, ONE))
        return total

    def _term(self, entry: Entry) -> Number:
        if isinstance(entry, ScoreItem):
            return self._item(entry, ZERO)
        return self._limited("min", self._total(entry.entries, None), entry.at_most)

    def _item(self, item: ScoreItem, neutral: Decimal) -> Number:
        amount = self._number(item.amount, neutral)
        amount = self.numbers.negate(amount) if item.kind == "subtract" else amount
        if item.guard is None:
            return amount
        holds = self.compiler.whole_condition(item.guard, self.frame)
        return self.numbers.choose([(holds, amount)], self.numbers.constant(neutral))

    def _limited(self, function: str, total: Number, limit: core.Node | None) -> Number:
        """Gives the total within a limit; an empty limit is none."""
        value = None if limit is None else self.compiler.value(limit, self.frame)
        if not isinstance(value, Number):
            return total
        limited = self.numbers.extreme(function, [total, value])
        if not value.nullable:
            return limited
        return self.numbers.choose([(self.numbers.is_empty(value), total)], limited)

    # ------------------------------------------------------------ what is made of them

    def grade(self, reached: Reached) -> Element:
        """Gives the name of the highest grade that is reached."""
        return self._graded(reached, [grade.name for grade in self.score.grades])

    def folded_grade(self, reached: Reached) -> Element:
        """Gives the grade in the form that texts are searched by."""
        return self._graded(reached, [fold(grade.name) for grade in self.score.grades])

    def _graded(self, reached: Reached, names: Sequence[str]) -> Element:
        grades = [
            (self.numbers.compare(">=", reached.points, least), literal(name, TEXT))
            for least, name in zip(reached.limits, names, strict=True)
        ]
        return sa.case(*grades, else_=None) if grades else sa.null()

    def exists(self, test: Callable[[Reached], Condition]) -> Condition:
        """Gives whether something holds of the points."""
        row, reached = self._single_row()
        select = sa.select(literal(1, sa.Integer())).select_from(row).where(test(reached))
        return select.correlate(self.frame.table).exists()

    def finished(self, *finishes: Finish) -> Element:
        """Gives columns made of the points, which are computed once for all."""
        row, reached = self._single_row()
        select = sa.select(*(finish(reached) for finish in finishes)).select_from(row)
        return select.correlate(self.frame.table).scalar_subquery()

    def _single_row(self) -> tuple[sa.Subquery, Reached]:
        """Gives a table of one row with the points; its offset keeps databases from opening it."""
        carried = self.numbers.carried(self.points, self.most).label("points")
        select = sa.select(carried).correlate(self.frame.table)
        row = select.offset(verbatim(0)).subquery()
        points = self.numbers.taken(row.c.points, self.points, self.most)
        return row, Reached(points, self.limits)

    def rows(
        self, identifier: sa.ColumnElement[Any], conditions: Sequence[Condition]
    ) -> tuple[sa.Subquery, Reached]:
        """Gives a table of all rows with their ids and points; it is not opened either.

        Limits of grades that are computed stand beside the points.
        """
        limits = {f"limit{place}": least for place, least in enumerate(self.limits)}
        computed = {name: least for name, least in limits.items() if least.constant is None}
        points = self.numbers.carried(self.points, self.most).label("points")
        labels = [self.numbers.carried(least).label(name) for name, least in computed.items()]
        select = sa.select(identifier.label("id"), points, *labels)
        select = select.select_from(self.frame.source)
        rows = select.where(*conditions).offset(verbatim(0)).subquery("scored")

        found = tuple(
            self.numbers.taken(rows.c[name], least) if name in computed else least
            for name, least in limits.items()
        )
        return rows, Reached(self.numbers.taken(rows.c.points, self.points, self.most), found)


def range_of(score: Score) -> int | None:
    """Gives the size that a score's range keeps its points to; None without constant ends."""
    ends = [score.least, score.most]
    known = [end.value for end in ends if isinstance(end, core.Constant)]
    numbers = [value for value in known if isinstance(value, Decimal)]
    return max(ceil(abs(value)) for value in numbers) if len(numbers) == len(ends) else None


def _is_factor(entry: Entry) -> bool:
    return isinstance(entry, ScoreItem) and entry.kind == "multiply"
