"""Bringing stored scores up to date: those that time or changed rules have made wrong.

One UPDATE for thousands of records at once, of those only that differ. What SQL cannot say is
scored record by record.

What is known of a score's change: one that comes of a save is part of that save, with its version
and in its history (`trellis.automation.scores`). One that comes of the time gone by or of other
rules is nobody's: it changes neither the version nor when and by whom the record was changed, and
leaves no line in the history; a record with unsaved changes in somebody's form is not stale by it.

Points of more digits than their field takes, which a save refuses, leave the record as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from metadata.computed.filling import fill
from metadata.objects import ObjectDefinition
from metadata.query.tables import SystemTables, alive
from rule_engine.backends.sql import Rescoring, compile_rescoring_sql, parameters
from rule_engine.errors import NotTranslatableError
from rule_engine.program import Score
from rule_engine.services.score import score
from rule_engine.types import Environment
from trellis.automation.environment import environment_of
from trellis.automation.scores import filled
from trellis.records.rows import update_row
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
        report, after = Rescored(definition.object, definition.name), ""
        while True:
            with work() as unit:
                environment = replace(environment_of(unit), now=start)
                batch = _Batch(unit, definition, environment, report, dry_run)
                upto = batch.run(after)
            if upto is None:
                break
            after = upto
        if report.changed and not dry_run:
            with work() as unit:
                follow_scores(unit, definition)
        yield report


def follow_scores(unit: Unit, definition: Score) -> None:
    """Brings right what stored fields compute from a score."""
    names = [name for name in (definition.into, definition.grade_into) if name is not None]
    computed = unit.catalog.computed.dependents((definition.object, name) for name in names)
    fill(unit.connection, unit.catalog, computed, environment_of(unit))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some records of one score in one transaction."""

    unit: Unit
    score: Score
    environment: Environment
    report: Rescored
    dry_run: bool

    @property
    def table(self) -> sa.Table:
        return self.unit.catalog.tables[self.score.object]

    @property
    def definition(self) -> ObjectDefinition:
        return self.unit.catalog.objects[self.score.object]

    def run(self, after: str) -> str | None:
        """Does the records behind an id; gives the last one's id, None when there are no more."""
        last = self._ids(after, 1).offset(BATCH - 1)
        upto = self.unit.connection.execute(last).scalar()

        def in_batch(record_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
            behind = record_id > after
            return behind if upto is None else sa.and_(behind, record_id <= upto)

        tables = SystemTables(self.unit.catalog, self.unit.connection.dialect.name)
        try:
            made = compile_rescoring_sql(
                self.score, tables, self.table, alive(self.table), ids=in_batch
            )
        except NotTranslatableError as error:
            self.report.reason = error.diagnostic.message
            return self._by_records(after)
        self._by_statement(made)
        return upto

    def _ids(self, after: str, limit: int) -> sa.Select[str]:
        table = self.table
        ids = sa.select(table.c.id).where(alive(table), table.c.id > after)
        return ids.order_by(table.c.id).limit(limit)

    # ------------------------------------------------------------ by the database

    def _by_statement(self, made: Rescoring) -> None:
        if made.refused is not None:
            self._refuse(self._asked(made.refused).scalars().all())
        if self.dry_run:
            self._compare(made.wrong)
        else:
            self.report.changed += self._asked(made.update).rowcount

    def _asked(self, statement: sa.Select[Any] | sa.Update) -> sa.CursorResult[Any]:
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

    def _by_records(self, after: str) -> str | None:
        ids = self.unit.connection.scalars(self._ids(after, RECORDS)).all()
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
            self.report.changed += 1
            old = tuple(record[name] for name in self._fields)
            self._note(record_id, old, tuple(values[name] for name in self._fields))
            if not self.dry_run:
                version = int(str(record["version"]))
                update_row(self.unit, self.definition, record_id, version, values)
        return ids[-1] if len(ids) == RECORDS else None

    @property
    def _fields(self) -> list[str]:
        names = (self.score.into, self.score.grade_into)
        return [name for name in names if name is not None]

    def _note(self, record_id: str, old: Outcome, new: Outcome) -> None:
        if len(self.report.samples) < SAMPLES:
            self.report.samples.append(Difference(record_id, old, new))

    def _refuse(self, ids: Sequence[str]) -> None:
        self.report.refused += len(ids)
        self.report.refused_samples += ids[: SAMPLES - len(self.report.refused_samples)]
