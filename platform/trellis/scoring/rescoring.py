"""Bringing stored scores up to date: those that time or changed rules have made wrong.

Some statements for thousands of records at once, of those only that differ. What SQL cannot say is
scored record by record.

What is known of a score's change: one that comes of a save is part of that save, with its version
and in its history (`trellis.automation.scores`). One that comes of the time gone by or of other
rules is nobody's: it changes neither the version nor when and by whom the record was changed, and
a record with unsaved changes in somebody's form is not stale by it. It is kept as a change of the
run (`trellis.scoring.tables`), in the transaction that makes it.

Points of more digits than their field takes, which a save refuses, leave the record as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from metadata.computed.filling import fill
from metadata.fields.base import FOLD, physical_name
from metadata.objects import ObjectDefinition
from metadata.query.tables import SystemTables, alive, many, one_of
from rule_engine.backends.sql import Rescoring, compile_rescoring_sql, parameters
from rule_engine.backends.sql.joins import Ids
from rule_engine.errors import NotTranslatableError
from rule_engine.program import Score
from rule_engine.services.score import score
from rule_engine.text import fold
from rule_engine.types import Environment
from trellis.automation.environment import environment_of
from trellis.automation.scores import filled
from trellis.records.rows import update_row
from trellis.scoring.runs import begin_run, forget_run, go_on, read_run
from trellis.scoring.tables import (
    ASKED,
    DATA,
    kept_points,
    places_of,
    score_change,
    stored_units,
    units,
)
from trellis.unit import Unit

BATCH = 10_000
RECORDS = 500
SAMPLES = 5

#: Opens a unit of work of the system; the transaction ends with it.
Work = Callable[[], AbstractContextManager[Unit]]
Outcome = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One record's stored points and grade, and the right ones."""

    id: str
    old: Outcome
    new: Outcome


@dataclass(slots=True)
class Rescored:
    """What became of one score: how many records differed, and the first few of them.

    `reason` says why it was computed record by record; empty when the database did it. `refused`
    counts records whose points the field does not take, with the ids of the first few.
    """

    object: str
    score: str
    reason: str = ""
    changed: int = 0
    samples: list[Difference] = field(default_factory=list)
    refused: int = 0
    refused_samples: list[str] = field(default_factory=list)

    def add(self, other: Rescored) -> None:
        """Adds what became of more records."""
        self.reason = other.reason or self.reason
        self.changed += other.changed
        self.refused += other.refused
        self.samples += other.samples[: SAMPLES - len(self.samples)]
        self.refused_samples += other.refused_samples[: SAMPLES - len(self.refused_samples)]


def scores_of(unit: Unit, object_name: str | None) -> tuple[Score, ...]:
    """Gives the scores of an object, or all. Raises KeyError for an object that is not defined."""
    if object_name is None:
        return unit.catalog.program.scores
    return unit.catalog.program.for_object(unit.catalog.objects[object_name].name).scores


def rescore(work: Work, object_name: str | None, *, dry_run: bool = False) -> Iterator[Rescored]:
    """Brings scores up to date, in transactions of some thousand records; gives what came of each.

    `now` is that of the beginning for all records. A dry run writes nothing.
    """
    with work() as unit:
        scores, start = scores_of(unit, object_name), environment_of(unit).now
    for definition in scores:
        report, after, run = Rescored(definition.object, definition.name), "", None
        if not dry_run:
            with work() as unit:
                run = begin_run(unit, definition, ASKED)
        while True:
            with work() as unit:
                upto = rescore_some(unit, definition, report, start, after, run)
            if upto is None:
                break
            after = upto
        yield report


def rescore_some(
    unit: Unit, definition: Score, report: Rescored, start: datetime, after: str, run: int | None
) -> str | None:
    """Brings the records behind an id up to date, as it is right at `start`, and adds to a report
    what came of them; gives the last one's id, None when there are no more.

    Without a `run` nothing is written. When its last record is done, what stored fields compute
    from the score follows.
    """
    environment = replace(environment_of(unit), now=start)
    some = Rescored(definition.object, definition.name)
    upto = _Batch(unit, definition, environment, some, run).run(after)
    report.add(some)
    if run is not None:
        counts = {"changed": some.changed, "refused": some.refused}
        go_on(unit, run, **counts, by_record=report.reason, is_done=upto is None)
        if upto is None and read_run(unit, run).changed:
            follow_stored(unit, definition)
    return upto


def rescore_these(unit: Unit, definition: Score, ids: Sequence[str]) -> Sequence[str]:
    """Brings some records up to date, and gives those that were not. These changes are a run of
    their own, so that it is known what each has come of."""
    report = Rescored(definition.object, definition.name)
    run = begin_run(unit, definition, DATA)
    _Batch(unit, definition, environment_of(unit), report, run).these(ids)
    if not report.changed:
        forget_run(unit, run)
        return ()
    counts = {"changed": report.changed, "refused": report.refused}
    go_on(unit, run, **counts, by_record=report.reason, is_done=True)
    mine = sa.select(score_change.c.record_id).where(score_change.c.run == run)
    return unit.connection.scalars(mine).all()


def follow_stored(unit: Unit, definition: Score) -> None:
    """Brings right what stored fields compute from a score."""
    names = [name for name in (definition.into, definition.grade_into) if name is not None]
    computed = unit.catalog.computed.dependents((definition.object, name) for name in names)
    fill(unit.connection, unit.catalog, computed, environment_of(unit))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some records of one score in one transaction; `writes` is the run, None to write nothing."""

    unit: Unit
    score: Score
    environment: Environment
    report: Rescored
    writes: int | None

    @property
    def table(self) -> sa.Table:
        return self.unit.catalog.tables[self.score.object]

    @property
    def definition(self) -> ObjectDefinition:
        return self.unit.catalog.objects[self.score.object]

    def run(self, after: str) -> str | None:
        """Does the records behind an id; gives the last one's id, None when there are no more."""
        upto = batch_end(self.unit, self.table, after)
        if self._by_database(between(after, upto)):
            return upto
        table = self.table
        ids = sa.select(table.c.id).where(alive(table), table.c.id > after)
        some = self.unit.connection.scalars(ids.order_by(table.c.id).limit(RECORDS)).all()
        self._by_records(some)
        return some[-1] if len(some) == RECORDS else None

    def these(self, ids: Sequence[str]) -> None:
        """Does some records."""
        if not self._by_database(among(ids, self.unit.connection.dialect.name)):
            self._by_records(ids)

    # ------------------------------------------------------------ by the database

    def _by_database(self, in_batch: Ids) -> bool:
        """Has the database do it; says whether it can."""
        tables = SystemTables(self.unit.catalog, self.unit.connection.dialect.name)
        try:
            made = compile_rescoring_sql(
                self.score, tables, self.table, alive(self.table), ids=in_batch
            )
        except NotTranslatableError as error:
            self.report.reason = error.diagnostic.message
            return False
        self._by_statement(made, in_batch)
        return True

    def _by_statement(self, made: Rescoring, in_batch: Ids) -> None:
        if made.refused is not None:
            self._refuse(self._asked(made.refused).scalars().all())
        if self.writes is None:
            self._compare(made.wrong)
            return
        told = self._keep(made.wrong, self.writes)
        changed = self._change(self.writes, in_batch) if told else 0
        self.report.changed += changed
        if changed != told:
            self._forget(self.writes, in_batch)

    def _keep(self, wrong: sa.Select[Any], run: int) -> int:
        """Keeps what is about to be changed as the run's; gives how many records that is."""
        told = told_columns(self.unit, self.score, wrong)
        names = ["record_id", "run", "version", *told]
        about = (self.table.c.id, sa.literal(run), self.table.c.version)
        rows = wrong.with_only_columns(*about, *told.values())
        insert = sa.insert(score_change).from_select(names, rows)
        return self._asked(insert.execution_options(preserve_rowcount=True)).rowcount

    def _change(self, run: int, in_batch: Ids) -> int:
        """Writes what was kept into the records that are still as they were then; gives how many
        that is. To compute it again would take as long as to write it."""
        kept, table, dialect = score_change.c, self.table, self.unit.connection.dialect.name
        into, places = self._column(self.score.into), places_of(self.definition, self.score.into)
        values: dict[sa.Column[Any], Any] = {into: stored_units(kept.points, places, dialect)}
        if self.score.grade_into is not None:
            graded = self._column(self.score.grade_into)
            values[graded] = kept.grade
            folded = table.c.get(physical_name(graded.name, FOLD))
            if folded is not None and self.score.grades:
                names = {grade.name: fold(grade.name) for grade in self.score.grades}
                values[folded] = sa.case(names, value=kept.grade)
        change = sa.update(table).values(values)
        same = units(into, places, dialect).is_not_distinct_from(kept.was_points)
        about = (table.c.id == kept.record_id, kept.run == run, in_batch(kept.record_id))
        is_so = (*about, table.c.version == kept.version, same)
        return self.unit.connection.execute(change.where(*is_so)).rowcount

    def _column(self, name: str) -> sa.Column[Any]:
        return self.table.c[self.definition.fields[name].column]

    def _forget(self, run: int, in_batch: Ids) -> None:
        """Takes back what was kept of records that somebody saved before they were changed: they
        were right by then."""
        kept, places = score_change.c, places_of(self.definition, self.score.into)
        points = self._column(self.score.into)
        dialect = self.unit.connection.dialect.name
        is_so = sa.select(self.table.c.id).where(
            self.table.c.id == kept.record_id,
            units(points, places, dialect).is_not_distinct_from(kept.points),
        )
        others = sa.delete(score_change).where(kept.run == run, in_batch(kept.record_id))
        self.unit.connection.execute(others.where(~is_so.exists()))

    def _asked(self, statement: sa.Select[Any] | sa.Update | sa.Insert) -> sa.CursorResult[Any]:
        return self.unit.connection.execute(statement, parameters(statement, self.environment))

    def _compare(self, wrong: sa.Select[Any]) -> None:
        count = sa.select(sa.func.count()).select_from(wrong.subquery())
        self.report.changed += self._asked(count).scalar_one()
        missing = SAMPLES - len(self.report.samples)
        if missing <= 0:
            return
        old = [self.table.c[self.definition.fields[name].column] for name in self._fields]
        chosen = wrong.add_columns(*old).order_by(self.table.c.id).limit(missing)
        for row in self._asked(chosen):
            self._note(row[0], tuple(row[3:]), tuple(row[1 : 1 + len(old)]))

    # ------------------------------------------------------------ record by record

    def _by_records(self, ids: Sequence[str]) -> None:
        records = self.unit.records().by_ids(self.score.object, ids)
        for record_id, record in sorted(records.items()):
            result = score(self.score, record, self.environment)
            if result is None:
                continue
            values = filled(self.definition, self.score, result)
            if not values:
                self._refuse([record_id])
                continue
            if all(record[name] == value for name, value in values.items()):
                continue
            if self.writes is not None:
                version = int(str(record["version"]))
                if not update_row(self.unit, self.definition, record_id, version, values):
                    continue
                self._keep_one(self.writes, record_id, record, values)
            self.report.changed += 1
            old = tuple(record[name] for name in self._fields)
            self._note(record_id, old, tuple(values[name] for name in self._fields))

    def _keep_one(
        self, run: int, record_id: str, old: Mapping[str, object], new: Mapping[str, object]
    ) -> None:
        places, into, graded = places_of(self.definition, self.score.into), *self._pair
        row = {
            "run": run,
            "record_id": record_id,
            "version": int(str(old["version"])),
            "was_points": kept_points(old[into], places),
            "was_grade": old[graded] if graded else None,
            "points": kept_points(new[into], places),
            "grade": new[graded] if graded else None,
        }
        self.unit.connection.execute(sa.insert(score_change).values(row))

    @property
    def _pair(self) -> tuple[str, str | None]:
        return self.score.into, self.score.grade_into

    @property
    def _fields(self) -> list[str]:
        return [name for name in self._pair if name is not None]

    def _note(self, record_id: str, old: Outcome, new: Outcome) -> None:
        if len(self.report.samples) < SAMPLES:
            self.report.samples.append(Difference(record_id, old, new))

    def _refuse(self, ids: Sequence[str]) -> None:
        self.report.refused += len(ids)
        self.report.refused_samples += ids[: SAMPLES - len(self.report.refused_samples)]


def batch_end(unit: Unit, table: sa.Table, after: str) -> str | None:
    """Gives the last of the next BATCH ids of living records; None when there are no more."""
    ids = sa.select(table.c.id).where(alive(table), table.c.id > after).order_by(table.c.id)
    return unit.connection.execute(ids.limit(1).offset(BATCH - 1)).scalar()


def between(after: str, upto: str | None) -> Ids:
    """Gives the condition of ids behind one, up to another one or all."""

    def in_batch(record_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        behind = record_id > after
        return behind if upto is None else sa.and_(behind, record_id <= upto)

    return in_batch


def among(ids: Sequence[str], dialect: str) -> Ids:
    """Gives the condition of being one of some ids."""
    listed = sa.literal(list(ids), many("ids", dialect).type)

    def in_batch(record_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        return one_of(record_id, listed, dialect)

    return in_batch


def records_between(unit: Unit, score: Score, after: str, upto: str | None) -> int:
    """Counts the records behind an id, up to another one or all."""
    table = unit.catalog.tables[score.object]
    behind = sa.select(sa.func.count()).where(alive(table), table.c.id > after)
    found = behind if upto is None else behind.where(table.c.id <= upto)
    return unit.connection.execute(found).scalar_one()


def told_columns(
    unit: Unit, score: Score, select: sa.Select[Any]
) -> dict[str, sa.ColumnElement[Any]]:
    """Gives what a SELECT of right points and grades says of its records, and what is stored, as
    `score_change` keeps it."""
    definition, table = unit.catalog.objects[score.object], unit.catalog.tables[score.object]
    dialect, places = unit.connection.dialect.name, places_of(definition, score.into)
    _, points, grade = select.selected_columns
    stored = table.c[definition.fields[score.into].column]
    old: sa.ColumnElement[Any] = sa.null()
    if score.grade_into is not None:
        old = table.c[definition.fields[score.grade_into].column]
    return {
        "was_points": units(stored, places, dialect),
        "was_grade": old,
        "points": units(points, places, dialect),
        "grade": grade,
    }
