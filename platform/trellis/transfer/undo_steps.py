"""Taking an import back, the last row first: made records go, changed values come back.

What somebody has changed since stays and is told of. The values that come back are those that the
import found, so the steps between options that bind people do not bind this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.automation.holds import hold_of
from trellis.jobs.running import RunningJob, Step
from trellis.records.batch import Op, save_batch
from trellis.transfer.changes import Changes, State
from trellis.transfer.headers import OWNER
from trellis.transfer.import_steps import CHANGES, problem_json
from trellis.transfer.imports import Import, importable, read_import
from trellis.transfer.tables import CREATE, KEPT, UNDONE, UPDATE, import_row, opened
from trellis.unit import Unit

ROWS_AT_ONCE: Final = 200


def undo_step(unit: Unit, job: RunningJob) -> Step:
    """Takes back the next rows."""
    run = read_import(unit, job.params["object"], job.params["run"])
    of_run = sa.and_(import_row.c.run == run.id, import_row.c.result.in_((CREATE, UPDATE)))
    query = sa.select(import_row).where(of_run).order_by(import_row.c.number.desc())
    rows = unit.connection.execute(query.limit(ROWS_AT_ONCE)).mappings().all()
    total = job.total
    if total is None:
        count = sa.select(sa.func.count()).select_from(import_row).where(of_run)
        total = unit.connection.execute(count).scalar_one()
    Undoing(unit, importable(unit, run.object), run).take_back(rows)
    done = job.done + len(rows)
    result = None if len(rows) == ROWS_AT_ONCE else {"rows": done}
    return Step({}, done, total, result)


@dataclass(frozen=True, slots=True)
class Undoing:
    """Takes rows of one import back."""

    unit: Unit
    definition: ObjectDefinition
    run: Import

    def take_back(self, rows: Sequence[sa.RowMapping]) -> None:
        """Takes rows back, one after the other: several may have changed the same record."""
        changes = Changes(self.unit, self.definition, self.run.settings.targets)
        versions: dict[str, int] = {}
        for row in rows:
            record_id = str(row["record_id"])
            state = changes.states([record_id]).get(record_id)
            left_at = versions.get(record_id, row["version"])
            is_ours = state is not None and int(state["version"]) == left_at
            problems = self._one(row, state, is_ours=is_ours)
            told = [problem_json(problem) for problem in problems] or sa.null()
            outcome = KEPT if problems else UNDONE
            same = import_row.c.number == row["number"]
            self._note(same, result=outcome, problems=told)
            if is_ours and not problems and row["result"] == UPDATE:
                now = changes.states([record_id])[record_id]
                versions[record_id] = int(now["version"])
                self._note(import_row.c.record_id == record_id, version=versions[record_id])

    def _note(self, which: sa.ColumnElement[bool], **values: object) -> None:
        mine = sa.update(import_row).where(import_row.c.run == self.run.id, which)
        self.unit.connection.execute(mine.values(values))

    def _one(self, row: sa.RowMapping, state: State | None, *, is_ours: bool) -> list[Problem]:
        if state is None:
            return [] if row["result"] == CREATE else [Problem("", "import_gone", {})]
        hold = hold_of(self.unit, self.definition, str(row["record_id"]))
        if hold is not None:
            cause = self.unit.catalog.rule_text(hold.cause or "")
            return [Problem("", "locked", {"field": self.definition.name, "cause": cause})]
        if row["result"] == CREATE:
            if not is_ours:
                return [Problem("", "import_changed_since")]
            return self._write(Op("delete", str(row["record_id"])))
        changes = opened(self.unit.connection, row["changes"], self.run.id, CHANGES) or {}
        return self._restore(str(row["record_id"]), changes, state)

    def _restore(
        self, record_id: str, changes: Mapping[str, list[Any]], state: State
    ) -> list[Problem]:
        values, problems = {}, []
        for name, (before, after) in changes.items():
            if name not in state:
                problems.append(Problem(pointer([name]), "import_field_gone", {"field": name}))
            elif state[name] == after:
                values[name] = before
            elif state[name] != before:
                problems.append(Problem(pointer([name]), "import_changed_since", {"field": name}))
        if not values:
            return problems
        to = values.pop(OWNER, None)
        return [*problems, *self._write(Op("update", record_id, values, to=to))]

    def _write(self, op: Op) -> list[Problem]:
        trusted = replace(self.unit.principal, unrestricted=True)
        unit = replace(self.unit, principal=trusted, silent=self.run.settings.silent)
        why = f"undo of import {self.run.name}"
        (outcome,) = save_batch(
            unit, self.definition.name, [op], channel="import", mode="each", why=why
        )
        return list(outcome.problems)
