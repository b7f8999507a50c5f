"""Scores beside what became of the records: how many have a grade, and which of them were won."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.query.tables import SystemTables, alive
from metadata.stages import LOST
from rule_engine.backends.sql import Rescoring, compile_rescoring_sql, parameters
from rule_engine.backends.sql.joins import Ids
from rule_engine.errors import NotTranslatableError
from rule_engine.program import Score
from trellis.automation.environment import environment_of
from trellis.errors import Refused
from trellis.scoring.backtest import Backtest, Counted, Tally, backtest
from trellis.scoring.tables import places_of, scaled, units
from trellis.unit import Unit

WON: Final = "won"
OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A score and the unit of work in which it is computed: its definitions are those in force, or
    those of a draft. `published` are those in force."""

    unit: Unit
    score: Score
    published: Catalog

    @property
    def definition(self) -> ObjectDefinition:
        """The score's object."""
        return self.unit.catalog.objects[self.score.object]

    @property
    def table(self) -> sa.Table:
        """The table of the object."""
        return self.unit.catalog.tables[self.score.object]

    @property
    def dialect(self) -> str:
        """The database's dialect."""
        return self.unit.connection.dialect.name

    @property
    def places(self) -> int:
        """How many places behind the point the points have."""
        return places_of(self.definition, self.score.into)

    def run(self, statement: sa.Select[Any] | sa.Insert) -> sa.CursorResult[Any]:
        """Runs a statement, at the unit's moment."""
        values = parameters(statement, environment_of(self.unit))
        return self.unit.connection.execute(statement, values)


def outcome_field(definition: ObjectDefinition) -> FieldDefinition | None:
    """Gives the first choice of one option that has some that are won and some that are lost."""
    for field in definition.own_fields:
        categories = {option.category for option in field.options}
        if field.type.name == "choice" and {WON, LOST} <= categories:
            return field
    return None


def outcome_of(one: Evaluated) -> sa.ColumnElement[str]:
    """Gives what became of a record, out of its row: won, lost, or open."""
    field = outcome_field(one.definition)
    if field is None:
        return sa.literal(OPEN)
    column = one.table.c[field.column]
    ends = [
        (column.in_([each.value for each in field.options if each.category == ended]), ended)
        for ended in (WON, LOST)
    ]
    return sa.case(*ends, else_=OPEN)


def statements(one: Evaluated, ids: Ids | None = None) -> Rescoring:
    """Gives the statements of a score about its records. Raises Refused for what the database
    cannot compute, or not before the draft is published."""
    tables = SystemTables(one.unit.catalog, one.dialect)
    try:
        made = compile_rescoring_sql(one.score, tables, one.table, alive(one.table), ids=ids)
    except NotTranslatableError as error:
        values = {"name": one.score.name, "reason": error.diagnostic.message}
        raise Refused([Problem("", "score_by_record", values)]) from error
    if lacking := sorted({*unpublished(one, made.update), *unpublished(one, made.right)}):
        told = {"name": one.score.name, "fields": tuple(lacking)}
        raise Refused([Problem("", "score_not_yet", told)])
    return made


def unpublished(one: Evaluated, statement: sa.ClauseElement) -> Iterator[str]:
    """Gives the columns that a statement names and that only a draft has."""
    wanted = {table.name for table in one.unit.catalog.tables.values()}
    known = {table.name: table for table in one.published.tables.values()}
    for element in sa.sql.visitors.iterate(statement):
        owner: object = element.table if isinstance(element, sa.Column) else None
        while isinstance(owner, sa.Alias):
            owner = owner.element
        if not isinstance(element, sa.Column) or not isinstance(owner, sa.Table):
            continue
        if owner.name not in wanted:
            continue
        if owner.name not in known or str(element.name) not in known[owner.name].c.keys():  # noqa: SIM118  # `in` wants a column
            yield str(element.name).partition("$")[0]


def stored_standing(one: Evaluated) -> Backtest:
    """Gives how the records stand by their stored points and grades."""
    fields, table = one.definition.fields, one.table
    grade: sa.ColumnElement[Any] = sa.null()
    if one.score.grade_into is not None:
        grade = table.c[fields[one.score.grade_into].column]
    points = table.c[fields[one.score.into].column]
    return standing(one, sa.select(table.c.id, points, grade).where(alive(table)))


def computed_standing(one: Evaluated) -> Backtest:
    """Gives how the records would stand if their points were computed now.

    The score's leading `when` does not count: it often leaves out what was won or lost. Raises
    Refused for what the database cannot compute.
    """
    bare = replace(one, score=replace(one.score, guard=None))
    return standing(bare, statements(bare).right)


def standing(one: Evaluated, rows: sa.Select[Any]) -> Backtest:
    """Counts the outcomes of rows of id, points and grade."""
    _, points, grade = rows.selected_columns
    each = rows.with_only_columns(
        units(points, one.places, one.dialect).label("points"),
        grade.label("grade"),
        outcome_of(one).label("outcome"),
    ).subquery()
    keys = (each.c.points, each.c.grade, each.c.outcome)
    counted = sa.select(*keys, sa.func.count()).where(each.c.points.is_not(None)).group_by(*keys)
    grades = [grade.name for grade in one.score.grades]
    return backtest(tallied(one.run(counted), one.places), grades)


def tallied(rows: Iterable[Any], places: int) -> Iterator[Counted]:
    """Gives counted rows of points, grade and outcome with their tallies."""
    for kept, grade, outcome, count in rows:
        yield scaled(kept, places), grade, Tally(**{outcome: count})
