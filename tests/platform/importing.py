"""Imports and exports as tests make them: files, uploads, runs to their end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.platform.acting import acting
from trellis.jobs.running_loop import drain_jobs
from trellis.runtime import Platform
from trellis.transfer.exports import file_of, read_export, read_question, start_export
from trellis.transfer.imports import (
    Import,
    begin_import,
    counts_of,
    problem_rows,
    read_import,
    start_import,
    take_file,
    undo_import,
)


def csv_bytes(rows: Iterable[Sequence[object]], encoding: str = "utf-8") -> bytes:
    """Gives rows as a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)


def upload(
    platform: Platform, username: str, object_name: str, content: bytes, name: str = "file.csv",
    **layout: Any,
) -> Import:  # fmt: skip
    """Uploads a file and gives its import."""
    stored, look = take_file(platform.blobs, io.BytesIO(content), name, layout, 1 << 30)
    with acting(platform, username) as unit:
        run_id = begin_import(unit, object_name, stored, look)
        return read_import(unit, object_name, run_id)


def run(
    platform: Platform, username: str, started: Import, *, dry: bool = False, **settings: Any
) -> Mapping[str, int]:
    """Runs an import to its end and gives its counts."""
    with acting(platform, username) as unit:
        start_import(unit, started.object, started.id, settings, dry=dry)
    drain_jobs(platform)
    return counts(platform, username, started)


def counts(platform: Platform, username: str, started: Import) -> Mapping[str, int]:
    """Gives what became of the rows of an import."""
    with acting(platform, username) as unit:
        return counts_of(unit, read_import(unit, started.object, started.id))


def problems(platform: Platform, username: str, started: Import) -> dict[int, list[Any]]:
    """Gives what is wrong, by row, as pairs of path and code."""
    with acting(platform, username) as unit:
        found = problem_rows(unit, read_import(unit, started.object, started.id))
        return {row["number"]: [(p["path"], p["code"]) for p in row["problems"]] for row in found}


def undo(platform: Platform, username: str, started: Import) -> Mapping[str, int]:
    """Takes an import back and gives its counts."""
    with acting(platform, username) as unit:
        undo_import(unit, started.object, started.id)
    drain_jobs(platform)
    return counts(platform, username, started)


def export(platform: Platform, username: str, object_name: str, **question: Any) -> bytes:
    """Exports records and gives the file."""
    with acting(platform, username) as unit:
        asked = read_question(unit, object_name, question, "en")
        run_id = start_export(unit, object_name, asked)
    drain_jobs(platform)
    with acting(platform, username) as unit:
        made = read_export(unit, object_name, run_id)
        assert made.job is not None
        assert made.job.state == "done", made.job
        row = file_of(unit, object_name, run_id)
        with platform.blobs.open(row["sha256"]) as content:
            return content.read()


def table(content: bytes) -> list[list[str]]:
    """Gives the rows of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def json_lines(content: bytes) -> list[dict[str, Any]]:
    """Gives the records of a file of JSON lines."""
    return [json.loads(line) for line in content.splitlines()]
