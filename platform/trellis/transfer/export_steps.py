"""The steps of an export's job: which records, what the file says of them, the file.

The records are fixed at the beginning, so that what changes meanwhile makes none come twice or go
missing; what is said of them is read with the rights of that moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from metadata.problems import Problem
from trellis.errors import Refused
from trellis.files.blobs import Blobs
from trellis.files.uploads import Stored, register
from trellis.jobs.running import RunningJob, Step
from trellis.transfer.exported import Table
from trellis.transfer.exports import Export, exportable, ids_of_page, read_export, refuse_wrong
from trellis.transfer.tables import export_part, export_run, opened, sealed
from trellis.transfer.writing import MEDIA_TYPES, written
from trellis.unit import Unit

PART_ROWS: Final = 1_000
PAGES_AT_ONCE: Final = 20
PARTS_AT_ONCE: Final = 2
MAX_ROWS: Final = {"csv": 1_000_000, "jsonl": 1_000_000, "xlsx": 200_000}
MAX_FILE: Final = 2 << 30
ROWS: Final = "rows"
COLLECT, FILL = "collect", "fill"


def export_step(unit: Unit, job: RunningJob) -> Step:
    """Does the next step: small exports are done in one."""
    export = read_export(unit, job.params["object"], job.params["run"])
    refuse_wrong(unit, export.object, export.question)
    cursor = job.cursor or {"phase": COLLECT, "after": None, "ids": 0, "parts": 0, "filled": 0}
    if cursor["phase"] == COLLECT:
        cursor = collect(unit, export, cursor)
        if cursor["phase"] == COLLECT or cursor["parts"] > PARTS_AT_ONCE:
            return Step(cursor, 0, None if cursor["phase"] == COLLECT else cursor["ids"])
    return fill(unit, export, job.blobs, cursor)


def collect(unit: Unit, export: Export, cursor: Mapping[str, Any]) -> dict[str, Any]:
    """Fixes which records the file will hold."""
    after: str | None = cursor["after"]
    found: list[str] = []
    for _ in range(PAGES_AT_ONCE):
        page, after = ids_of_page(unit, export.object, export.question, after)
        found += page
        if after is None:
            break
    total, limit = cursor["ids"] + len(found), MAX_ROWS[export.question["format"]]
    if total > limit:
        raise Refused([Problem("", "export_rows", {"limit": limit})])
    parts = [found[at : at + PART_ROWS] for at in range(0, len(found), PART_ROWS)]
    rows = [
        {"run": export.id, "number": cursor["parts"] + place, "ids": part}
        for place, part in enumerate(parts)
    ]
    if rows:
        unit.connection.execute(sa.insert(export_part), rows)
    phase = FILL if after is None else COLLECT
    after_this = {"phase": phase, "after": after, "ids": total}
    return {**cursor, **after_this, "parts": cursor["parts"] + len(parts)}


def fill(unit: Unit, export: Export, blobs: Blobs, cursor: Mapping[str, Any]) -> Step:
    """Reads some of the records; makes the file when all are read."""
    table = table_of(unit, export)
    query = sa.select(export_part.c.number, export_part.c.ids).where(
        export_part.c.run == export.id, export_part.c.rows.is_(None)
    )
    found = unit.connection.execute(query.order_by(export_part.c.number).limit(PARTS_AT_ONCE)).all()
    filled = cursor["filled"]
    for part in found:
        rows = table.read(part.ids)
        filled += len(rows)
        kept = sealed(unit.connection, rows, export.id, ROWS)
        same = sa.and_(export_part.c.run == export.id, export_part.c.number == part.number)
        unit.connection.execute(sa.update(export_part).where(same).values(rows=kept))
    after = {**cursor, "filled": filled}
    if len(found) == PARTS_AT_ONCE and cursor["parts"] > PARTS_AT_ONCE:
        return Step(after, filled, cursor["ids"])
    finish(unit, export, blobs, table, filled)
    return Step(after, filled, filled, {"rows": filled})


def table_of(unit: Unit, export: Export) -> Table:
    """Gives the table of an export, as the acting person sees it now."""
    question = export.question
    exportable(unit, export.object)
    return Table(
        unit, export.object, question["fields"], question["mode"] == "exact", question["format"],
        question["language"], zone_of(unit),
    )  # fmt: skip


def zone_of(unit: Unit) -> ZoneInfo:
    """Gives the time zone of the acting person, else the organisation's."""
    named = (unit.principal.user or {}).get("timezone")
    try:
        return ZoneInfo(str(named)) if named else unit.moment.zone
    except (ZoneInfoNotFoundError, ValueError):
        return unit.moment.zone


def finish(unit: Unit, export: Export, blobs: Blobs, table: Table, rows: int) -> None:
    """Makes the file out of the parts; it is kept for a day."""
    format_ = export.question["format"]
    safe = export.question["mode"] == "spreadsheet"
    with written(format_, table.headers(), parts_of(unit, export), safe=safe) as file:
        content = blobs.put(file, MAX_FILE)
    name = f"{export.object}-{unit.moment.today.isoformat()}.{format_}"
    media_type = MEDIA_TYPES[format_].partition(";")[0]
    stored = Stored(name, media_type, content)
    facts = register(unit.connection, stored, by=unit.principal.name, at=unit.moment.now)
    done = sa.update(export_run).where(export_run.c.id == export.id)
    unit.connection.execute(done.values(file=facts.id, rows=rows))
    unit.connection.execute(sa.delete(export_part).where(export_part.c.run == export.id))


def parts_of(unit: Unit, export: Export) -> Iterator[Sequence[object]]:
    """Gives all rows, part by part."""
    number = 0
    while True:
        query = sa.select(export_part.c.rows).where(
            export_part.c.run == export.id, export_part.c.number == number
        )
        kept = unit.connection.execute(query).scalar()
        if kept is None:
            return
        yield from opened(unit.connection, kept, export.id, ROWS)
        number += 1
