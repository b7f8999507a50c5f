"""The steps of an import's job: rows are staged, then checked or written some at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from metadata.problems import Problem, as_text
from trellis.duplicates.holding import hold_object
from trellis.errors import Refused
from trellis.files.blobs import Blobs
from trellis.jobs.running import Job, RunningJob, Step
from trellis.records.batch import Outcome, save_batch
from trellis.transfer.changes import Changes
from trellis.transfer.earlier import earlier_rows, keep_words, opened_rows, words_of
from trellis.transfer.imports import (
    CHECK,
    Import,
    importable,
    open_file,
    read_import,
    refuse_silent,
)
from trellis.transfer.plans import Planner, Row
from trellis.transfer.sources import read_lines
from trellis.transfer.tables import (
    CELLS,
    CREATE,
    ERROR,
    UPDATE,
    digest,
    import_row,
    import_run,
    sealed,
)
from trellis.unit import Unit

STAGED_AT_ONCE: Final = 25_000
ROWS_AT_ONCE: Final = 500
MAX_ROWS: Final = 500_000
CHANGES: Final = "changes"


def import_step(unit: Unit, job: RunningJob) -> Step:
    """Does the next step of a dry run or a run."""
    run = read_import(unit, job.params["object"], job.params["run"])
    if run.rows is None:
        return stage(unit, job, run, job.blobs)
    return write_some(unit, job, run, dry=job.params["phase"] == CHECK)


def stage(unit: Unit, job: Job, run: Import, blobs: Blobs) -> Step:
    """Copies rows of the file into the database."""
    last = sa.select(sa.func.max(import_row.c.number)).where(import_row.c.run == run.id)
    at = int(unit.connection.execute(last).scalar() or 0)
    with open_file(unit, blobs, run.file) as stream:
        lines = list(islice(read_lines(stream, run.layout, at), STAGED_AT_ONCE))
    rows = [
        {
            "run": run.id,
            "number": line.number,
            "cells": sealed(unit.connection, [line.cells, line.beyond], run.id, CELLS),
        }
        for line in lines
    ]
    if rows:
        unit.connection.execute(sa.insert(import_row), rows)
    staged = int((job.cursor or {}).get("staged", 0)) + len(rows)
    if staged > MAX_ROWS:
        raise Refused([Problem("/file", "import_rows", {"limit": MAX_ROWS})])
    if len(lines) == STAGED_AT_ONCE:
        return Step({"staged": staged}, 0, None)
    count = sa.select(sa.func.count()).where(import_row.c.run == run.id)
    total = unit.connection.execute(count).scalar_one()
    unit.connection.execute(
        sa.update(import_run).where(import_run.c.id == run.id).values(rows=total)
    )
    return Step({"after": 0}, 0, total)


def write_some(unit: Unit, job: Job, run: Import, *, dry: bool) -> Step:
    """Checks or writes the next rows."""
    definition = importable(unit, run.object)
    refuse_silent(unit, run.settings)
    unit = replace(unit, silent=run.settings.silent)
    after = int((job.cursor or {}).get("after", 0))
    rows = staged_rows(unit, run, after, dry=dry)
    planner = Planner(unit, definition, run.settings, run.layout.headers)
    planner.read(rows)
    if dry:
        with unit.connection.begin_nested() as savepoint:
            work_off(unit, planner, run, earlier_rows(unit, planner, run, rows))
            told = work_off(unit, planner, run, rows)
            words = words_of(unit, planner, rows, told)
            savepoint.rollback()
        keep_words(unit, run, words)
    else:
        hold_object(unit, definition)
        told = work_off(unit, planner, run, rows)
        ran = sa.update(import_run).where(import_run.c.id == run.id)
        unit.connection.execute(ran.values(ran_at=unit.moment.now))
    keep(unit, run, rows, told, dry=dry)
    done = job.done + len(rows)
    if len(rows) == ROWS_AT_ONCE:
        return Step({"after": rows[-1].number}, done, run.rows)
    return Step({"after": after}, done, run.rows, {"rows": done})


def staged_rows(unit: Unit, run: Import, after: int, *, dry: bool) -> list[Row]:
    """Gives the next staged rows that have no outcome yet."""
    column = import_row.c.checked if dry else import_row.c.result
    query = sa.select(import_row.c.number, import_row.c.cells).where(
        import_row.c.run == run.id, import_row.c.number > after, column.is_(None)
    )
    query = query.order_by(import_row.c.number).limit(ROWS_AT_ONCE)
    return opened_rows(unit, run, query)


def work_off(unit: Unit, planner: Planner, run: Import, rows: Sequence[Row]) -> dict[int, Any]:
    """Writes rows; gives what changed by their numbers."""
    told: dict[int, Any] = {}
    for batch in planner.batches(rows):
        planner.decide(batch)
        planner.compare(batch)
        try_broken(unit, planner, run, batch)
        writes = [row for row in batch if row.outcome in (CREATE, UPDATE)]
        changes = Changes(unit, planner.definition, run.settings.targets)
        before = changes.states(row.record_id for row in writes if row.record_id is not None)
        outcomes = save_batch(
            unit,
            run.object,
            [planner.write_of(row) for row in writes],
            channel="import",
            mode="each",
            why=None,
            source=f"import:{run.id}",
        )
        for row, outcome in zip(writes, outcomes, strict=True):
            take(row, outcome)
        after = changes.states(row.record_id for row in writes if row.outcome == UPDATE)
        for row, outcome in zip(writes, outcomes, strict=True):
            if row.outcome in (CREATE, UPDATE):
                found = changes.between(before, after, str(row.record_id))
                told[row.number] = (outcome.version, found if row.outcome == UPDATE else None)
    return told


def try_broken(unit: Unit, planner: Planner, run: Import, rows: Sequence[Row]) -> None:
    """Finds what else is wrong with rows of which a cell could not be read: people get all that is
    wrong with a row at once."""
    broken = [row for row in rows if row.outcome == ERROR and row.wanted in (CREATE, UPDATE)]
    if not broken:
        return
    writes = [planner.write_of(row) for row in broken]
    with unit.connection.begin_nested() as savepoint:
        outcomes = save_batch(unit, run.object, writes, channel="import", mode="each")
        savepoint.rollback()
    for row, outcome in zip(broken, outcomes, strict=True):
        known = {problem.path for problem in row.problems}
        row.problems += [problem for problem in outcome.problems if problem.path not in known]


def take(row: Row, outcome: Outcome) -> None:
    """Notes on a row what became of its write."""
    if outcome.error is not None:
        row.problems = list(outcome.problems)
        row.outcome = ERROR
        return
    row.record_id = outcome.id


def keep(
    unit: Unit, run: Import, rows: Sequence[Row], told: Mapping[int, Any], *, dry: bool
) -> None:
    """Writes down what became of rows; a dry run keeps no ids of records that are not there."""
    if not rows:
        return
    outcome = "checked" if dry else "result"
    values = []
    for row in rows:
        version, changes = told.get(row.number, (None, None))
        kept = None
        if changes is not None and not dry:
            kept = sealed(unit.connection, changes, run.id, CHANGES)
        values.append(
            {
                "of_run": run.id,
                "of_number": row.number,
                outcome: row.outcome,
                "key": None if row.key is None else digest(row.key),
                "record_id": None if dry or row.outcome == ERROR else row.record_id,
                "version": None if dry else version,
                "problems": [problem_json(one) for one in row.problems] or sa.null(),
                "changes": kept,
            }
        )
    columns = (outcome, "key", "record_id", "version", "problems", "changes")
    statement = (
        sa.update(import_row)
        .where(
            import_row.c.run == sa.bindparam("of_run"),
            import_row.c.number == sa.bindparam("of_number"),
        )
        .values({name: sa.bindparam(name) for name in columns})
    )
    unit.connection.execute(statement, values)


def problem_json(problem: Problem) -> dict[str, object]:
    """Gives a problem as it is kept."""
    values = {name: as_text(value) for name, value in problem.values.items() if value is not None}
    return {"path": problem.path, "code": problem.code, "values": values}
