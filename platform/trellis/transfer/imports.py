"""Imports from upload to undo: what people do with them. Rows are worked on by `import_steps`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, Final

import sqlalchemy as sa
import uuid_utils

from metadata.fields.files import FileFacts, FileLimits
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.audit import note
from trellis.db import Database
from trellis.errors import Conflict, Missing, NotAllowed
from trellis.files.blobs import Blobs
from trellis.files.tables import stored_file
from trellis.files.uploads import Purpose, register, take_in
from trellis.jobs.running import CANCELLED, DONE, FAILED, Job, cancel_job, find_job, start_job
from trellis.records.reach import definition_of
from trellis.transfer.headers import guess_targets
from trellis.transfer.runs import MAX_LISTED, own_runs
from trellis.transfer.settings import (
    MAX_NAME,
    Settings,
    first_settings,
    read_settings,
    settings_from,
)
from trellis.transfer.sources import Layout, Look, layout_from, look_at
from trellis.transfer.tables import import_mapping, import_row, import_run, import_word
from trellis.unit import Unit

IMPORT: Final = "import"
UPLOADED, CHECK, RUN, UNDO = "uploaded", "check", "run", "undo"
MAX_BYTES: Final = 64 << 20
UNDO_TIME: Final = timedelta(hours=24)
KEEP: Final = timedelta(days=7)
SHOWN_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it stands: its file and settings, and the job of its `phase`, if any yet.

    `rows` is how many the file has, None before all are read; `ran_at` is when it last wrote.
    """

    id: str
    object: str
    by: str
    name: str
    file: str
    layout: Layout
    settings: Settings
    phase: str
    job: Job | None
    rows: int | None
    created_at: datetime
    ran_at: datetime | None

    @property
    def is_busy(self) -> bool:
        """Says whether its job is under way."""
        return self.job is not None and not self.job.is_ended

    def undo_until(self) -> datetime | None:
        """Gives until when it can be undone; None while it has written nothing, while it is under
        way, and after it was undone."""
        undone = self.phase == UNDO and self.job is not None and self.job.state == DONE
        if self.ran_at is None or undone or self.is_busy:
            return None
        return self.ran_at + UNDO_TIME


def importable(unit: Unit, object_name: str) -> ObjectDefinition:
    """Gives an object into which the acting person may import. Raises Missing or NotAllowed."""
    definition = definition_of(unit, object_name)
    if not unit.principal.access(object_name).may("import"):
        raise NotAllowed([Problem("", "not_allowed", {"action": "import", "object": object_name})])
    return definition


def take_file(
    blobs: Blobs, stream: IO[bytes], name: str | None, wanted: Mapping[str, Any], limit: int
) -> tuple[Any, Look]:
    """Stores an uploaded file and looks into it. Raises TooLarge or Refused."""
    purpose = Purpose(FileLimits(min(limit, MAX_BYTES)))
    stored = take_in(blobs, stream, name, purpose)
    return stored, look_at(stream, stored.name, wanted)


def begin_import(unit: Unit, object_name: str, stored: Any, look: Look) -> str:
    """Makes an import out of a stored file, with the settings it suggests; gives its id."""
    definition = importable(unit, object_name)
    facts: FileFacts = register(unit.connection, stored, by=unit.principal.name, at=unit.moment.now)
    headers = look.layout.headers
    known = known_targets(unit, object_name, headers)
    guesses = guess_targets(unit, definition, headers, known)
    settings = first_settings(definition, guesses, look)
    run_id = str(uuid_utils.uuid7())
    row = {
        "id": run_id,
        "object": definition.id,
        "by": unit.principal.name,
        "file": facts.id,
        "name": facts.name,
        "layout": look.layout.to_json(),
        "settings": settings.to_json(),
        "phase": UPLOADED,
        "created_at": unit.moment.now,
    }
    unit.connection.execute(sa.insert(import_run).values(row))
    return run_id


def known_targets(unit: Unit, object_name: str, headers: Sequence[str]) -> dict[str, str]:
    """Gives the targets of the newest kept mapping that knows all these headers."""
    mine = mappings_of(unit, object_name)
    for row in mine:
        columns = row["settings"]["targets"]
        if set(headers) <= set(columns):
            return {header: columns[header] or "" for header in headers}
    return {}


def mappings_of(unit: Unit, object_name: str) -> Sequence[sa.RowMapping]:
    """Gives the mappings that the acting person has kept for an object, the newest first."""
    definition = unit.catalog.objects[object_name]
    query = sa.select(import_mapping).where(
        import_mapping.c.by == unit.principal.name, import_mapping.c.object == definition.id
    )
    newest = query.order_by(import_mapping.c.saved_at.desc()).limit(MAX_LISTED)
    return unit.connection.execute(newest).mappings().all()


def read_import(unit: Unit, object_name: str, run_id: str, *, locked: bool = False) -> Import:
    """Gives an import of the acting person into an object. Raises Missing or NotAllowed."""
    definition = importable(unit, object_name)
    query = sa.select(import_run).where(
        import_run.c.id == run_id,
        import_run.c.object == definition.id,
        import_run.c.by == unit.principal.name,
    )
    row = unit.connection.execute(query.with_for_update() if locked else query).mappings().first()
    if row is None:
        raise Missing([Problem("", "missing_import", {})])
    return import_of(unit, object_name, row)


def import_of(unit: Unit, object_name: str, row: sa.RowMapping) -> Import:
    """Gives an import from its row."""
    job = find_job(unit, row["job"])
    return Import(
        row["id"], object_name, row["by"], row["name"], row["file"], layout_from(row["layout"]),
        settings_from(row["settings"]), row["phase"], job, row["rows"], row["created_at"],
        row["ran_at"],
    )  # fmt: skip


def list_imports(unit: Unit, object_name: str | None = None) -> list[Import]:
    """Gives the newest imports of the acting person into objects she may import into, or one."""
    found = own_runs(unit, import_run, "import", object_name)
    return [import_of(unit, name, row) for name, row in found]


def change_layout(
    unit: Unit, blobs: Blobs, object_name: str, run_id: str, wanted: Mapping[str, Any]
) -> None:
    """Reads a file another way than it was guessed, which begins the import anew."""
    run = read_import(unit, object_name, run_id, locked=True)
    refuse_busy(run)
    if run.phase not in (UPLOADED, CHECK):
        raise Conflict([Problem("", "import_ran", {})])
    with open_file(unit, blobs, run.file) as stream:
        look = look_at(stream, run.name, wanted)
    definition = importable(unit, object_name)
    guesses = guess_targets(unit, definition, look.layout.headers, {})
    settings = first_settings(definition, guesses, look)
    unit.connection.execute(sa.delete(import_row).where(import_row.c.run == run_id))
    values = {
        "layout": look.layout.to_json(),
        "settings": settings.to_json(),
        "phase": UPLOADED,
        "rows": None,
        "job": None,
    }
    unit.connection.execute(sa.update(import_run).where(import_run.c.id == run_id).values(values))


def open_file(unit: Unit, blobs: Blobs, file_id: str) -> IO[bytes]:
    """Opens the file of an import. Raises Missing when it is gone: it is kept for a day."""
    query = sa.select(stored_file.c.sha256).where(stored_file.c.id == file_id)
    address = unit.connection.execute(query).scalar()
    try:
        return blobs.open(str(address))
    except (FileNotFoundError, ValueError) as error:
        raise Missing([Problem("", "import_file_gone", {})]) from error


def configure(unit: Unit, object_name: str, run_id: str, body: Mapping[str, object]) -> Settings:
    """Changes the settings of an import. Raises Refused with all that is wrong, Conflict later."""
    run = read_import(unit, object_name, run_id, locked=True)
    refuse_busy(run)
    if run.phase not in (UPLOADED, CHECK):
        if body:
            raise Conflict([Problem("", "import_ran", {})])
        return run.settings
    definition = importable(unit, object_name)
    settings = read_settings(unit, definition, run.layout.headers, run.settings, body)
    changed = sa.update(import_run).where(import_run.c.id == run_id)
    unit.connection.execute(changed.values(settings=settings.to_json()))
    refuse_silent(unit, settings)
    if body.get("save_as"):
        keep_mapping(unit, definition, str(body["save_as"]), run.layout, settings)
    return settings


def refuse_silent(unit: Unit, settings: Settings) -> None:
    """Raises NotAllowed when rules are not to run for somebody who may not change them either."""
    if settings.silent and not unit.principal.may_administer:
        raise NotAllowed([Problem("/silent", "administer_needed")])


def keep_mapping(
    unit: Unit, definition: ObjectDefinition, name: str, layout: Layout, settings: Settings
) -> None:
    """Keeps which column is which field, under a name of the acting person."""
    key = {"by": unit.principal.name, "object": definition.id, "name": name.strip()[:MAX_NAME]}
    same = sa.and_(*(import_mapping.c[column] == value for column, value in key.items()))
    unit.connection.execute(sa.delete(import_mapping).where(same))
    targets = {
        header: None if column.target is None else str(column.target)
        for header, column in zip(layout.headers, settings.columns, strict=True)
    }
    row = {**key, "settings": {"targets": targets}, "saved_at": unit.moment.now}
    unit.connection.execute(sa.insert(import_mapping).values(row))


def start_import(
    unit: Unit, object_name: str, run_id: str, body: Mapping[str, object], *, dry: bool
) -> None:
    """Starts the dry run or the run; one that was cancelled or failed goes on where it ended."""
    configure(unit, object_name, run_id, body)
    run = read_import(unit, object_name, run_id)
    resumed = run.phase == RUN and run.job is not None and run.job.state in (CANCELLED, FAILED)
    if run.phase not in (UPLOADED, CHECK) and (dry or not resumed):
        raise Conflict([Problem("", "import_ran", {})])
    phase = CHECK if dry else RUN
    if not dry:
        values = {"run": run_id, "file": run.name, "policy": run.settings.policy}
        kind = "import_silent" if run.settings.silent else "import"
        note(unit, kind, object=object_name, values=values)
    job = start_job(unit, IMPORT, {"run": run_id, "object": object_name, "phase": phase})
    values = {"phase": phase, "job": job}
    if phase == CHECK:
        fresh = sa.update(import_row).where(import_row.c.run == run_id)
        unit.connection.execute(fresh.values(checked=None, problems=None))
        unit.connection.execute(sa.delete(import_word).where(import_word.c.run == run_id))
    unit.connection.execute(sa.update(import_run).where(import_run.c.id == run_id).values(values))


def cancel_import(unit: Unit, object_name: str, run_id: str) -> None:
    """Ends the job of an import: what it has done stays, and can be undone."""
    run = read_import(unit, object_name, run_id)
    if run.job is None:
        raise Conflict([Problem("", "job_ended", {"state": run.phase})])
    cancel_job(unit, run.job.id)


def undo_import(unit: Unit, object_name: str, run_id: str) -> None:
    """Starts to take back what an import has done. Raises Conflict when it is too late."""
    run = read_import(unit, object_name, run_id, locked=True)
    refuse_busy(run)
    until = run.undo_until()
    if until is None or until < unit.moment.now:
        raise Conflict([Problem("", "import_no_undo", {})])
    note(unit, "import_undone", object=object_name, values={"run": run_id, "file": run.name})
    job = start_job(unit, IMPORT, {"run": run_id, "object": object_name, "phase": UNDO})
    changed = sa.update(import_run).where(import_run.c.id == run_id)
    unit.connection.execute(changed.values(phase=UNDO, job=job))


def refuse_busy(run: Import) -> None:
    """Raises Conflict while the job of an import is under way."""
    if run.is_busy:
        raise Conflict([Problem("", "import_busy", {})])


def counts_of(unit: Unit, run: Import) -> dict[str, int]:
    """Gives how many rows have which outcome: foreseen ones before the run, then what was done."""
    column = outcome_of(run)
    query = sa.select(column, sa.func.count()).where(
        import_row.c.run == run.id, column.is_not(None)
    )
    return {outcome: number for outcome, number in unit.connection.execute(query.group_by(column))}


def outcome_of(run: Import) -> sa.Column[Any]:
    """Gives the column that says what became of rows: what is foreseen, or what was done."""
    return import_row.c.checked if run.phase in (UPLOADED, CHECK) else import_row.c.result


def problem_rows(
    unit: Unit, run: Import, limit: int = SHOWN_PROBLEMS, after: int = 0
) -> Sequence[sa.RowMapping]:
    """Gives the rows of which there is something to say, with what, in the order of the file."""
    query = sa.select(import_row, outcome_of(run).label("outcome")).where(
        import_row.c.run == run.id,
        import_row.c.problems.is_not(sa.null()),
        import_row.c.number > after,
    )
    some = query.order_by(import_row.c.number).limit(limit)
    return unit.connection.execute(some).mappings().all()


def clean_imports(database: Database, now: datetime) -> int:
    """Forgets imports of long ago with their staged rows; gives how many."""
    with database.write() as connection:
        old = list(
            connection.scalars(
                sa.select(import_run.c.id).where(import_run.c.created_at < now - KEEP)
            )
        )
        for table in (import_word, import_row):
            connection.execute(sa.delete(table).where(table.c.run.in_(old)))
        connection.execute(sa.delete(import_run).where(import_run.c.id.in_(old)))
    return len(old)
