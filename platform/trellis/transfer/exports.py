"""Exports: what somebody asks for, and what becomes of it. `export_steps` makes the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import uuid_utils

from metadata.json_text import nearest, pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query import QueryProblem
from metadata.query.answers import MAX_LIMIT
from trellis.audit import note
from trellis.db import Database
from trellis.errors import Missing, NotAllowed, Refused
from trellis.files.tables import stored_file
from trellis.jobs.running import Job, cancel_job, find_job, start_job
from trellis.records.reach import definition_of
from trellis.transfer.runs import own_runs
from trellis.transfer.sources import FORMATS
from trellis.transfer.tables import export_part, export_run
from trellis.unit import Unit

EXPORT: Final = "export"
MODES: Final = ("spreadsheet", "exact")
MAX_IDS: Final = 10_000
MAX_FIELDS: Final = 200
KEEP: Final = timedelta(hours=24)
KEYS: Final = ("format", "mode", "fields", "filter", "sort", "search", "ids")
REMEMBERED: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Export:
    """An export as it stands. `rows` is how many records the file holds, once there is one."""

    id: str
    object: str
    by: str
    question: Mapping[str, Any]
    job: Job | None
    file: str | None
    rows: int | None
    created_at: datetime

    @property
    def until(self) -> datetime:
        """Gives until when the file can be had."""
        return self.created_at + KEEP


def exportable(unit: Unit, object_name: str) -> ObjectDefinition:
    """Gives an object whose records the acting person may export. Raises Missing or NotAllowed."""
    definition = definition_of(unit, object_name)
    if not unit.principal.access(object_name).may("export"):
        raise NotAllowed([Problem("", "not_allowed", {"action": "export", "object": object_name})])
    return definition


def read_question(
    unit: Unit, object_name: str, body: Mapping[str, object], language: str
) -> dict[str, Any]:
    """Gives what is to be exported. Raises Refused with all that is wrong."""
    exportable(unit, object_name)
    problems = [
        Problem(
            pointer([key]),
            "unknown_key",
            {"key": key, "name": key, "known": list(KEYS), "nearest": nearest(key, KEYS)},
        )
        for key in body
        if key not in KEYS
    ]
    for name, known in (("format", FORMATS), ("mode", MODES)):
        if name in body and body[name] not in known:
            values = {"value": body[name], "known": list(known), "nearest": None}
            problems.append(Problem(pointer([name]), "not_known", values))
    for name in ("fields", "sort", "ids"):
        given = body.get(name)
        if given is not None and not is_texts(given):
            problems.append(Problem(pointer([name]), "list_expected"))
    problems += [
        Problem(pointer([name]), "text_expected")
        for name in ("filter", "search")
        if body.get(name) is not None and not isinstance(body[name], str)
    ]
    ids = body.get("ids")
    if isinstance(ids, list) and len(ids) > MAX_IDS:
        problems.append(Problem("/ids", "too_many_ids", {"limit": MAX_IDS}))
    if problems:
        raise Refused(problems)
    question: dict[str, Any] = {"format": "csv", "mode": "spreadsheet", "language": language}
    question |= {name: body[name] for name in KEYS if body.get(name) is not None}
    question["fields"] = question.get("fields") or usual_fields(unit, object_name)
    refuse_wrong(unit, object_name, question)
    return question


def refuse_wrong(unit: Unit, object_name: str, question: Mapping[str, Any]) -> None:
    """Raises Refused for fields, filter and order that do not exist for the acting person."""
    records = unit.records()
    problems: list[Problem] = []
    plain = [one for one in question["fields"] if not is_nested(unit, object_name, one)]
    asked = {"filter": question.get("filter"), "sort": question.get("sort", ())}
    try:
        problems += records.check(object_name, fields=plain, **asked)
    except QueryProblem as problem:
        problems += problem.problems
    if len(question["fields"]) > MAX_FIELDS:
        problems.append(Problem("fields", "too_many_fields", {"limit": MAX_FIELDS}))
    if problems:
        raise Refused(problems)


def is_nested(unit: Unit, object_name: str, path: str) -> bool:
    """Says whether a path is a field whose values are rows or links, which the person sees."""
    known = unit.catalog.objects[object_name].fields.get(path)
    return known is not None and known.nested and unit.principal.access(object_name).sees(path)


def usual_fields(unit: Unit, object_name: str) -> list[str]:
    """Gives what the acting person sees of records, `id` first."""
    access = unit.principal.access(object_name)
    fields = unit.catalog.objects[object_name].fields.values()
    seen = [one.name for one in fields if access.sees(one.name) and not one.type.is_write_only]
    return ["id", *(name for name in seen if name != "id")][:MAX_FIELDS]


def is_texts(given: object) -> bool:
    """Says whether something is a list of texts."""
    return isinstance(given, list) and all(isinstance(one, str) for one in given)


def start_export(unit: Unit, object_name: str, question: Mapping[str, Any]) -> str:
    """Writes an export down and starts its job; gives the export's id."""
    definition = exportable(unit, object_name)
    run_id = str(uuid_utils.uuid7())
    job = start_job(unit, EXPORT, {"run": run_id, "object": object_name})
    row = {
        "id": run_id,
        "object": definition.id,
        "by": unit.principal.name,
        "question": dict(question),
        "job": job,
        "created_at": unit.moment.now,
    }
    unit.connection.execute(sa.insert(export_run).values(row))
    told = {name: question.get(name) for name in ("format", "mode", "fields", "filter", "search")}
    ids = question.get("ids", ())
    note(unit, "export", object=object_name, record_ids=ids, values={"run": run_id, **told})
    return run_id


def read_export(unit: Unit, object_name: str, run_id: str) -> Export:
    """Gives an export of the acting person. Raises Missing or NotAllowed."""
    definition = exportable(unit, object_name)
    query = sa.select(export_run).where(
        export_run.c.id == run_id,
        export_run.c.object == definition.id,
        export_run.c.by == unit.principal.name,
    )
    row = unit.connection.execute(query).mappings().first()
    if row is None:
        raise Missing([Problem("", "missing_export", {})])
    return export_of(unit, object_name, row)


def export_of(unit: Unit, object_name: str, row: sa.RowMapping) -> Export:
    """Gives an export from its row."""
    job = find_job(unit, row["job"])
    return Export(
        row["id"], object_name, row["by"], row["question"], job, row["file"], row["rows"],
        row["created_at"],
    )  # fmt: skip


def list_exports(unit: Unit, object_name: str | None = None) -> list[Export]:
    """Gives the newest exports of the acting person from objects she may export, or one."""
    found = own_runs(unit, export_run, "export", object_name)
    return [export_of(unit, name, row) for name, row in found]


def cancel_export(unit: Unit, object_name: str, run_id: str) -> None:
    """Ends the job of an export. Raises Missing, and Conflict for one that has ended."""
    export = read_export(unit, object_name, run_id)
    if export.job is None:
        raise Missing([Problem("", "missing_job", {})])
    cancel_job(unit, export.job.id)


def file_of(unit: Unit, object_name: str, run_id: str) -> sa.RowMapping:
    """Gives the stored file of an export. Raises Missing when there is none yet, or no more."""
    export = read_export(unit, object_name, run_id)
    query = sa.select(stored_file).where(stored_file.c.id == export.file)
    row = unit.connection.execute(query).mappings().first()
    if row is None or export.until < unit.moment.now:
        raise Missing([Problem("", "missing_export_file", {})])
    return row


def ids_of_page(
    unit: Unit, object_name: str, question: Mapping[str, Any], after: str | None
) -> tuple[Sequence[str], str | None]:
    """Gives the ids of one page of the records that are asked for, and the next page's cursor.

    Raises Refused for what the database finds wrong with the values in the question.
    """
    try:
        page = unit.records().list(
            object_name,
            fields=["id"],
            filter=question.get("filter"),
            sort=question.get("sort", ()),
            search=question.get("search"),
            among=question.get("ids"),
            after=after,
            limit=MAX_LIMIT,
        )
    except QueryProblem as problem:
        raise Refused(problem.problems) from problem
    return [str(one["id"]) for one in page.items], page.next


def clean_exports(database: Database, now: datetime) -> int:
    """Forgets exports whose file is gone, with what they have left; gives how many."""
    with database.write() as connection:
        query = sa.select(export_run.c.id).where(export_run.c.created_at < now - REMEMBERED)
        old = list(connection.scalars(query))
        connection.execute(sa.delete(export_part).where(export_part.c.run.in_(old)))
        connection.execute(sa.delete(export_run).where(export_run.c.id.in_(old)))
    return len(old)
