"""Stored scores brought up to date by one statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.backends.dialects.numbers import Condition
from rule_engine.backends.dialects.values import Element, retype
from rule_engine.backends.sql.frames import Frame
from rule_engine.backends.sql.joins import Ids, Joins
from rule_engine.backends.sql.parameters import count_parameters
from rule_engine.backends.sql.scores import Finish, Reached, Scores
from rule_engine.columns import MAX_DIGITS, Scaled
from rule_engine.errors import NotTranslatableError, finding
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.types import SqlSchema

#: What SQLite takes in one statement at least, where nobody raised it (32,766).
MOST_PARAMETERS = 32_000


@dataclass(frozen=True, slots=True)
class Rescoring:
    """The statements that bring stored scores up to date.

    `update` writes the fields of rows where they are not right; `wrong` gives the ids of these
    rows, with the points and the grade that belong there, and `right` those of all rows that the
    score has a say about. Rows whose points have more digits than a column takes are left as they
    are: `refused` gives their ids in order, None when there cannot be any; `right` has no points
    for them.
    """

    update: sa.Update
    wrong: sa.Select[Any]
    right: sa.Select[Any]
    refused: sa.Select[Any] | None


def compile_rescoring_sql(
    score: Score,
    sql_schema: SqlSchema,
    table: sa.Table,
    *conditions: Condition,
    ids: Ids | None = None,
    bulk: bool | None = None,
) -> Rescoring:
    """Gives what updates the fields that a score fills, in rows where they are not right.

    Only rows that meet the conditions are looked at, and whose ids are asked for. `bulk` says
    whether links and references are joined (see `Bulk`); if nothing is said they are where the
    score has any, or where it is so long that it should be written only once. Raises
    NotTranslatableError for what SQL cannot say, which may be too much.
    """
    forms = [bulk] if bulk is not None else [True] if _has_links(score) else [False, True]
    for joined in forms:
        made = _made(score, sql_schema, table, conditions, ids, joined=joined)
        if count_parameters(made.update) <= MOST_PARAMETERS:
            return made
    template = "the score {name} is too long for SQL"
    raise NotTranslatableError(finding("not_in_sql", template, score.span, "", name=score.name))


def _made(
    score: Score,
    sql_schema: SqlSchema,
    table: sa.Table,
    conditions: Sequence[Condition],
    ids: Ids | None,
    *,
    joined: bool,
) -> Rescoring:
    frame = Frame(table, joins=Joins(ids) if joined else None)
    scores = Scores(score, sql_schema, frame)
    identifier = sql_schema.column(table, score.object, "id")
    asked = [*conditions, scores.applies()]
    asked += [ids(identifier)] if ids is not None else []
    targets = _Targets.of(score, sql_schema, table, scores)
    make = _joined if joined else _looked_up
    return make(table, scores, targets, identifier, asked)


@dataclass(frozen=True, slots=True)
class _Targets:
    """The columns that a score fills, with what makes their values out of the points.

    `following` says nothing of its own: it is the folded companion of a grade in a text field.
    """

    points: sa.ColumnElement[Any]
    stored: Finish
    grade: sa.ColumnElement[Any] | None
    made: Finish
    following: Mapping[sa.ColumnElement[Any], Finish]
    may_be_refused: bool

    @classmethod
    def of(cls, score: Score, sql_schema: SqlSchema, table: sa.Table, scores: Scores) -> _Targets:
        """Finds the columns."""
        points = sql_schema.column(table, score.object, score.into)
        scale = points.type.scale if isinstance(points.type, Scaled) else 0
        grade, following = None, {}
        if score.grade_into is not None:
            grade = sql_schema.column(table, score.object, score.grade_into)
            try:
                folded = sql_schema.column(table, score.object, score.grade_into, "fold")
                following = {folded: scores.folded_grade}
            except KeyError:
                pass
        return cls(
            points,
            lambda reached: scores.numbers.stored(reached.points, scale, scores.most),
            grade,
            scores.grade,
            following,
            scores.most is None or scores.most >= 10 ** (MAX_DIGITS - scale),
        )

    def differ(self, reached: Reached) -> Condition:
        """Gives whether what is stored is not right, and could be."""
        stored = self.stored(reached)
        differences = [self.points.is_distinct_from(stored)]
        if self.grade is not None:
            differences.append(self.grade.is_distinct_from(self.made(reached)))
        differs = sa.or_(*differences)
        return sa.and_(stored.is_not(None), differs) if self.may_be_refused else differs

    def is_refused(self, reached: Reached) -> Condition:
        """Gives whether the column cannot take the points."""
        return self.stored(reached).is_(None)

    @property
    def finishes(self) -> dict[sa.ColumnElement[Any], Finish]:
        """Gives all columns."""
        graded = {} if self.grade is None else {self.grade: self.made}
        return {self.points: self.stored, **graded, **self.following}


def _looked_up(
    table: sa.Table,
    scores: Scores,
    targets: _Targets,
    identifier: Element,
    asked: Sequence[Condition],
) -> Rescoring:
    """Gives statements in which each row looks up all that it needs.

    The points are computed once for a row that is right and twice for one that is not: in a
    subquery of their own, which neither database opens.
    """
    finishes = targets.finishes
    made = scores.finished(*finishes.values())
    values = {sa.tuple_(*finishes): made} if len(finishes) > 1 else {targets.points: made}
    differs = scores.exists(targets.differ)
    update = sa.update(table).values(values).where(*asked, differs)
    stored = retype(scores.finished(targets.stored), targets.points.type)
    right = sa.select(identifier, stored, scores.finished(targets.made)).select_from(table)
    right = right.where(*asked)
    refused = sa.select(identifier).where(*asked, scores.exists(targets.is_refused))
    refused = refused.order_by(identifier)
    return Rescoring(
        update, right.where(differs), right, refused if targets.may_be_refused else None
    )


def _joined(
    table: sa.Table,
    scores: Scores,
    targets: _Targets,
    identifier: Element,
    asked: Sequence[Condition],
) -> Rescoring:
    """Gives statements over a subquery that computes the points of all rows asked for at once."""
    row, reached = scores.rows(identifier, asked)
    is_it = identifier == row.c.id
    values = {column: finish(reached) for column, finish in targets.finishes.items()}
    update = sa.update(table).values(values).where(is_it, targets.differ(reached))
    stored = retype(targets.stored(reached), targets.points.type)
    right = sa.select(identifier, stored, targets.made(reached)).select_from(table.join(row, is_it))
    wrong = right.where(targets.differ(reached))
    refused = sa.select(row.c.id).where(targets.is_refused(reached)).order_by(row.c.id)
    return Rescoring(update, wrong, right, refused if targets.may_be_refused else None)


def _has_links(score: Score) -> bool:
    """Says whether a score looks at other records."""
    return any(
        isinstance(each, core.Aggregate) or (isinstance(each, core.Path) and each.hops)
        for node in _nodes(score)
        for each in core.walk(node)
    )


def _nodes(score: Score) -> Iterator[core.Node]:
    """Gives all expressions of a score."""
    single = (score.guard, score.base, score.least, score.most)
    yield from (node for node in single if node is not None)
    yield from (grade.least for grade in score.grades)
    yield from _nodes_of(score.entries)


def _nodes_of(entries: Sequence[ScoreItem | ScoreGroup]) -> Iterator[core.Node]:
    for entry in entries:
        if isinstance(entry, ScoreGroup):
            yield from () if entry.at_most is None else (entry.at_most,)
            yield from _nodes_of(entry.entries)
        else:
            yield from (entry.amount,) if entry.guard is None else (entry.amount, entry.guard)
