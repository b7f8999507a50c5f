"""Imports and exports as the JSON that clients get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metadata.problems import Problem
from trellis.api.answers import instant
from trellis.api.operations import component
from trellis.jobs.running import Job
from trellis.problem_json import error_of, language
from trellis.transfer.exports import Export
from trellis.transfer.imports import Import, counts_of, mappings_of, problem_rows
from trellis.transfer.settings import missing
from trellis.unit import Unit

RUN_OF_IMPORT, RUN_OF_EXPORT = component("ImportRun"), component("ExportRun")


def job_json(job: Job | None) -> dict[str, object] | None:
    """Gives a job as clients see it."""
    if job is None:
        return None
    return {
        "id": job.id,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "errors": [error_of(problem, language()) for problem in job.problems],
    }


def import_json(unit: Unit, run: Import) -> dict[str, object]:
    """Gives an import with its columns, what is not mapped yet, counts and the first problems."""
    definition = unit.catalog.objects[run.object]
    kept = run.settings.to_json()
    columns = [
        {"column": header, "field": one.pop("target"), **one}
        for header, one in zip(run.layout.headers, kept.pop("columns"), strict=True)
    ]
    until = run.undo_until()
    layout = run.layout.to_json()
    return {
        "id": run.id,
        "object": run.object,
        "phase": run.phase,
        "job": job_json(run.job),
        "file": run.name,
        "layout": {name: layout[name] for name in layout if name != "headers"},
        "columns": columns,
        "unmapped": [str(one["column"]) for one in columns if one["field"] is None],
        "missing": list(missing(unit, definition, run.settings)),
        "settings": kept,
        "mappings": [str(row["name"]) for row in mappings_of(unit, run.object)],
        "rows": run.rows,
        "counts": counts_of(unit, run),
        "problems": [row_json(row) for row in problem_rows(unit, run)],
        "created_at": instant(run.created_at),
        "undo_until": None if until is None else instant(until),
    }


def row_json(row: Any) -> dict[str, object]:
    """Gives a row with problems: its number in the file, and all that is wrong with it."""
    return {
        "row": row["number"],
        "outcome": row["outcome"],
        "errors": [error_of(problem, language()) for problem in problems_of(row["problems"])],
    }


def problems_of(kept: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Gives problems out of what is kept of them."""
    return [Problem(one["path"], one["code"], one["values"]) for one in kept]


def export_json(export: Export) -> dict[str, object]:
    """Gives an export, with the address of its file once there is one."""
    address = f"/api/v1/{export.object}/export/{export.id}/file"
    return {
        "id": export.id,
        "object": export.object,
        "job": job_json(export.job),
        "format": export.question["format"],
        "mode": export.question["mode"],
        "rows": export.rows,
        "url": None if export.file is None else address,
        "created_at": instant(export.created_at),
        "until": instant(export.until),
    }
