"""Scores as SQL: what `services.score` gives, for a whole table at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.arithmetic import ONE, ZERO
from rule_engine.backends.chains import balance
from rule_engine.backends.dialects.numbers import Condition
from rule_engine.backends.dialects.values import Element, Number, literal, retype, verbatim
from rule_engine.backends.sql.compiler import Compiler
from rule_engine.backends.sql.frames import TEXT, Frame
from rule_engine.columns import Scaled
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.types import SqlSchema

Entry = ScoreItem | ScoreGroup
#: Gives a column out of the exact points.
Finish = Callable[[Number], Element]


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """What a score gives to each row of its table.

    `points` are exact; `grade` is NULL where no grade is reached or none is defined. Both mean
    nothing where `applies`, the score's guard, is not true: what is stored is kept there.
    """

    points: sa.ColumnElement[Decimal]
    grade: sa.ColumnElement[str]
    applies: Condition


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What an UPDATE that brings stored scores up to date is made of.

    `values` go to `Update.values`; only rows of which `changes` is true need it. `points` is what
    would be stored. Points of more digits than a column takes become NULL.
    """

    changes: Condition
    values: dict[Any, Element]
    points: Element
    grade: Element


def compile_score_sql(score: Score, sql_schema: SqlSchema, root: sa.FromClause) -> ScoreColumns:
    """Gives a score as columns on `root`, a table (or alias) of the score's object.

    Raises NotTranslatableError for what SQL cannot say.
    """
    scores = _Scores(score, sql_schema, root)
    points = scores.compiler.numbers.result(scores.points)
    return ScoreColumns(points, scores.finished(scores.grade), scores.applies())


def compile_rescoring_sql(score: Score, sql_schema: SqlSchema, root: sa.FromClause) -> Rescoring:
    """Gives what updates the fields that a score fills, in rows where they are not right.

    The points are computed once for a row that is right and twice for one that is not: in a
    subquery of their own, which neither database opens.
    """
    scores = _Scores(score, sql_schema, root)
    into = _column(sql_schema, root, score, score.into)
    finishes: dict[sa.ColumnElement[Any], Finish] = {into: scores.stored(into.type)}
    if score.grade_into is not None:
        finishes[_column(sql_schema, root, score, score.grade_into)] = scores.grade
    differs = scores.exists(
        lambda points: sa.or_(
            *(column.is_distinct_from(finish(points)) for column, finish in finishes.items())
        )
    )
    values: dict[Any, Element] = {into: scores.finished(finishes[into])}
    if len(finishes) > 1:
        values = {sa.tuple_(*finishes): scores.finished(*finishes.values())}
    return Rescoring(
        sa.and_(scores.applies(), differs),
        values,
        retype(scores.finished(finishes[into]), into.type),
        scores.finished(scores.grade),
    )


def _column(
    sql_schema: SqlSchema, root: sa.FromClause, score: Score, field: str
) -> sa.ColumnElement[Any]:
    return sql_schema.column(root, score.object, field)


class _Scores:
    """Compiles one score."""

    def __init__(self, score: Score, sql_schema: SqlSchema, root: sa.FromClause) -> None:
        self.score = score
        self.root = root
        self.frame = Frame(root)
        self.compiler = Compiler(sql_schema)
        self.numbers = self.compiler.numbers
        self.points = self._points()

    def applies(self) -> Condition:
        """Gives whether the score has a say about a row."""
        guard = self.score.guard
        return sa.true() if guard is None else self.compiler.condition(guard, self.frame).element

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
        holds = self.compiler.condition(item.guard, self.frame).element
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

    def grade(self, points: Number) -> Element:
        """Gives the name of the highest grade that is reached."""
        grades = [
            (
                self.numbers.compare(">=", points, self._number(grade.least, ZERO)),
                literal(grade.name, TEXT),
            )
            for grade in self.score.grades
        ]
        return sa.case(*grades, else_=None) if grades else sa.null()

    def stored(self, column: sa.types.TypeEngine[Any]) -> Finish:
        """Gives what makes of points the value that a column keeps."""
        scale = column.scale if isinstance(column, Scaled) else 0
        return lambda points: self.numbers.stored(points, scale)

    def exists(self, test: Callable[[Number], Condition]) -> Condition:
        """Gives whether something holds of the points."""
        row, points = self._row()
        select = sa.select(literal(1, sa.Integer())).select_from(row).where(test(points))
        return select.correlate(self.root).exists()

    def finished(self, *finishes: Finish) -> Element:
        """Gives columns made of the points, which are computed once for all."""
        row, points = self._row()
        select = sa.select(*(finish(points) for finish in finishes)).select_from(row)
        return select.correlate(self.root).scalar_subquery()

    def _row(self) -> tuple[sa.Subquery, Number]:
        """Gives a table of one row with the points; its offset keeps databases from opening it."""
        carried = self.numbers.carried(self.points).label("points")
        row = sa.select(carried).correlate(self.root).offset(verbatim(0)).subquery()
        return row, self.numbers.taken(row.c.points, self.points)


def _is_factor(entry: Entry) -> bool:
    return isinstance(entry, ScoreItem) and entry.kind == "multiply"
