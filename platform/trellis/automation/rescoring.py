"""Bringing stored scores up to date: those that time or changed rules have made wrong.

One UPDATE for thousands of records at once, of those only that differ. What SQL cannot say is
scored record by record. Like all computed writes these do not bump versions; nobody made them, so
they are no part of the history either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

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

    `reason` says why it was computed record by record; empty when the database did it.
    """

    object: str
    score: str
    reason: str = ""
    changed: int = 0
    samples: list[Difference] = field(default_factory=list)


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
        yield report


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
        tables = SystemTables(self.unit.catalog, self.unit.connection.dialect.name)
        try:
            made = compile_rescoring_sql(self.score, tables, self.table)
        except NotTranslatableError as error:
            self.report.reason = error.diagnostic.message
            return self._by_records(after)
        return self._by_statement(made, after)

    def _ids(self, after: str, limit: int) -> sa.Select[str]:
        table = self.table
        ids = sa.select(table.c.id).where(alive(table), table.c.id > after)
        return ids.order_by(table.c.id).limit(limit)

    # ------------------------------------------------------------ by the database

    def _by_statement(self, made: Rescoring, after: str) -> str | None:
        last = self._ids(after, 1).offset(BATCH - 1)
        upto = self.unit.connection.execute(last).scalar()
        conditions = [alive(self.table), self.table.c.id > after, made.changes]
        if upto is not None:
            conditions.append(self.table.c.id <= upto)
        if self.dry_run:
            self._compare(made, conditions)
        else:
            update = sa.update(self.table).values(made.values).where(*conditions)
            given = parameters(update, self.environment)
            self.report.changed += self.unit.connection.execute(update, given).rowcount
        return upto

    def _compare(self, made: Rescoring, conditions: Sequence[sa.ColumnElement[bool]]) -> None:
        count = sa.select(sa.func.count()).select_from(self.table).where(*conditions)
        given = parameters(count, self.environment)
        self.report.changed += self.unit.connection.execute(count, given).scalar_one()
        missing = SAMPLES - len(self.report.samples)
        if missing <= 0:
            return
        old = [self.table.c[self.definition.fields[name].column] for name in self._fields]
        new = [made.points, made.grade][: len(old)]
        chosen = sa.select(self.table.c.id, *old, *new).where(*conditions)
        chosen = chosen.order_by(self.table.c.id).limit(missing)
        for row in self.unit.connection.execute(chosen, parameters(chosen, self.environment)):
            places = len(old) + 1
            self._note(row[0], tuple(row[1:places]), tuple(row[places:]))

    # ------------------------------------------------------------ record by record

    def _by_records(self, after: str) -> str | None:
        ids = self.unit.connection.scalars(self._ids(after, RECORDS)).all()
        records = self.unit.records().by_ids(self.score.object, ids)
        for record_id, record in sorted(records.items()):
            result = score(self.score, record, self.environment)
            if result is None:
                continue
            values = filled(self.definition, self.score, result)
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
