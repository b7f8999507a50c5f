"""`/api/v1/<object>/import` and `/export`: files that become records, records that become files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from flask import Response, request

from metadata.json_text import pointer, read_json
from metadata.problems import Problem
from trellis import current
from trellis.api.answers import json_answer
from trellis.api.components import many
from trellis.api.operations import FILE, FLAG, TEXT, Answer, Body, Operation, closed, made_of, route
from trellis.api.problems import RequestError
from trellis.api.requests import read_body, read_parameters, unknown
from trellis.api.transfer_json import (
    RUN_OF_EXPORT,
    RUN_OF_IMPORT,
    export_json,
    import_json,
)
from trellis.errors import Refused
from trellis.files.downloads import as_download, stored_answer
from trellis.files.requests import takes_files
from trellis.phrases import Sentence
from trellis.problem_json import language
from trellis.transfer.errors_file import errors_file
from trellis.transfer.exports import (
    MODES,
    cancel_export,
    file_of,
    list_exports,
    read_export,
    read_question,
    start_export,
)
from trellis.transfer.imports import (
    begin_import,
    cancel_import,
    change_layout,
    importable,
    list_imports,
    read_import,
    start_import,
    take_file,
    undo_import,
)
from trellis.transfer.runs import work_at_once
from trellis.transfer.settings import BLANKS, DUPLICATES, POLICIES
from trellis.transfer.sources import FORMATS
from trellis.transfer.writing import MEDIA_TYPES
from trellis.work import reading, writing_now

PART, OPTIONS = "file", "options"
LAYOUT_KEYS: Final = ("format", "encoding", "delimiter", "sheet", "header")
UNPROCESSABLE: Final = HTTPStatus.UNPROCESSABLE_ENTITY

FILE_TYPES: Final = tuple(kind.partition(";")[0] for kind in MEDIA_TYPES.values())

STATE = Answer(Sentence("The import as it stands."), RUN_OF_IMPORT)
EXPORT_STATE = Answer(Sentence("The export as it stands."), RUN_OF_EXPORT)
LAYOUT = closed(
    {
        "format": {"type": "string", "enum": list(FORMATS)},
        "encoding": TEXT,
        "delimiter": TEXT,
        "sheet": TEXT,
        "header": FLAG,
    }
)
RUN_BODY = closed(
    {
        "dry": FLAG,
        "layout": LAYOUT,
        "columns": {"type": "object"},
        "defaults": {"type": "object"},
        "policy": {"type": "string", "enum": list(POLICIES)},
        "match": {"type": ["string", "null"]},
        "duplicates": {"type": "string", "enum": list(DUPLICATES)},
        "blank": {"type": "string", "enum": list(BLANKS)},
        "silent": FLAG,
        "save_as": TEXT,
    }
)
EXPORT_BODY = closed(
    {
        "format": {"type": "string", "enum": list(FORMATS)},
        "mode": {"type": "string", "enum": list(MODES)},
        "fields": many(TEXT),
        "filter": TEXT,
        "sort": many(TEXT),
        "search": TEXT,
        "ids": many(TEXT),
    }
)
TAKEN = Operation(
    Sentence("Upload a file to import"),
    {201: STATE},
    body=Body(closed({PART: FILE, OPTIONS: TEXT}, (PART,)), "multipart/form-data"),
    refuses=(403, 413),
)
IMPORTS = Operation(
    Sentence("Your imports into this object, the newest first"),
    {200: Answer(Sentence("The newest imports."), made_of({"items": many(RUN_OF_IMPORT)}))},
    refuses=(403,),
)
SHOWN = Operation(Sentence("Get an import"), {200: STATE}, refuses=(403,))
STARTED = Operation(
    Sentence("Check an import without writing, or run it"),
    {200: STATE},
    body=Body(RUN_BODY, required=False),
    refuses=(403, 409),
)
CANCELLED = Operation(
    Sentence("End an import; what it has done stays"), {200: STATE}, refuses=(403, 409)
)
UNDONE = Operation(Sentence("Take back what an import has done"), {200: STATE}, refuses=(403, 409))
ERRORS = Operation(
    Sentence("The rows that could not be imported, with the reasons"),
    {200: Answer(Sentence("A CSV file with the original columns."), TEXT, ("text/csv",))},
    refuses=(403,),
)
EXPORTED = Operation(
    Sentence("Export records to a file"),
    {201: EXPORT_STATE},
    body=Body(EXPORT_BODY, required=False),
    refuses=(403,),
)
EXPORTS = Operation(
    Sentence("Your exports of this object, the newest first"),
    {200: Answer(Sentence("The newest exports."), made_of({"items": many(RUN_OF_EXPORT)}))},
    refuses=(403,),
)
EXPORT_SHOWN = Operation(Sentence("Get an export"), {200: EXPORT_STATE}, refuses=(403,))
EXPORT_CANCELLED = Operation(Sentence("End an export"), {200: EXPORT_STATE}, refuses=(403, 409))
EXPORT_FILE = Operation(
    Sentence("The file of an export; it is kept for a day"),
    {200: Answer(Sentence("The file."), FILE, FILE_TYPES)},
    refuses=(403,),
)


@route("/<object_name>/import", "POST", action="import", operation=TAKEN)
@takes_files
def upload_import(object_name: str) -> Response:
    """Takes a file (part `file`) in; `options` says as JSON how to read it."""
    read_parameters(())
    importable(reading(), object_name)
    sent = request.files.get(PART)
    if sent is None:
        raise RequestError(UNPROCESSABLE, [Problem("/file", "upload_expected")])
    here = current.platform()
    wanted = layout_of(request.form.get(OPTIONS))
    limit = here.settings.max_upload_bytes
    with layout_at(OPTIONS):
        stored, look = take_file(here.blobs, sent.stream, sent.filename, wanted, limit)
    with writing_now() as unit:
        run_id = begin_import(unit, object_name, stored, look)
    address = f"/api/v1/{object_name}/import/{run_id}"
    return import_answer(object_name, run_id, HTTPStatus.CREATED, {"Location": address})


def layout_of(text: str | None) -> Mapping[str, Any]:
    """Gives how a file is to be read. Raises RequestError for what is no such object."""
    if not text:
        return {}
    document, problems = read_json(text)
    if problems:
        raise RequestError(HTTPStatus.BAD_REQUEST, problems)
    if not isinstance(document, Mapping):
        raise RequestError(UNPROCESSABLE, [Problem("/options", "object_expected")])
    problems = unknown_keys(OPTIONS, document)
    if problems:
        raise RequestError(UNPROCESSABLE, problems)
    return document


def unknown_keys(place: str, layout: Mapping[str, Any]) -> list[Problem]:
    """Gives what a layout says that nobody knows, by its place in what was sent."""
    return [
        unknown(pointer((place, key)), "unknown_key", key, LAYOUT_KEYS)
        for key in layout
        if key not in LAYOUT_KEYS
    ]


@contextmanager
def layout_at(place: str) -> Iterator[None]:
    """Has what is wrong with a layout told by its place in what was sent."""
    try:
        yield
    except Refused as error:
        raise Refused(
            replace(one, path=f"/{place}{one.path}") if one.path[1:] in LAYOUT_KEYS else one
            for one in error.problems
        ) from error


def import_answer(
    object_name: str,
    run_id: str,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answers an import as it stands."""
    unit = reading()
    return json_answer(import_json(unit, read_import(unit, object_name, run_id)), status, headers)


@route("/<object_name>/import", "GET", action="import", operation=IMPORTS)
def show_imports(object_name: str) -> Response:
    """Answers the caller's imports."""
    read_parameters(())
    unit = reading()
    importable(unit, object_name)
    mine = list_imports(unit, object_name)
    return json_answer({"items": [import_json(unit, one) for one in mine]})


@route("/<object_name>/import/<run_id>", "GET", action="import", operation=SHOWN)
def show_import(object_name: str, run_id: str) -> Response:
    """Answers one import."""
    read_parameters(())
    return import_answer(object_name, run_id)


@route("/<object_name>/import/<run_id>/run", "POST", action="import", operation=STARTED)
def run_import(object_name: str, run_id: str) -> Response:
    """Takes settings over and starts the run; `dry` checks all rows and writes nothing."""
    read_parameters(())
    dry, layout, settings = parts_of_run(read_body(optional=True))
    with writing_now() as unit:
        if layout is not None:
            with layout_at("layout"):
                change_layout(unit, current.platform().blobs, object_name, run_id, layout)
        start_import(unit, object_name, run_id, settings, dry=dry)
    return worked_on(object_name, run_id)


def parts_of_run(
    body: Mapping[str, object],
) -> tuple[bool, Mapping[str, Any] | None, Mapping[str, object]]:
    """Gives whether a run is dry, the layout if there is one, and the settings.

    Raises RequestError: what is not understood must not become a run that writes.
    """
    dry, layout = body.get("dry", False), body.get("layout")
    problems = []
    if not isinstance(dry, bool):
        problems.append(Problem("/dry", "boolean_expected"))
    if isinstance(layout, Mapping):
        problems += unknown_keys("layout", layout)
    elif "layout" in body:
        problems.append(Problem("/layout", "map_expected"))
    if problems:
        raise RequestError(UNPROCESSABLE, problems)
    wanted = layout if isinstance(layout, Mapping) else None
    settings = {name: body[name] for name in body if name not in ("dry", "layout")}
    return dry is True, wanted, settings


def worked_on(object_name: str, run_id: str) -> Response:
    """Begins with the job of an import, and answers how far it has come."""
    work_at_once(read_import(reading(), object_name, run_id).job)
    return import_answer(object_name, run_id)


@route("/<object_name>/import/<run_id>/cancel", "POST", action="import", operation=CANCELLED)
def end_import(object_name: str, run_id: str) -> Response:
    """Ends the job of an import."""
    read_parameters(())
    with writing_now() as unit:
        cancel_import(unit, object_name, run_id)
    return import_answer(object_name, run_id)


@route("/<object_name>/import/<run_id>/undo", "POST", action="import", operation=UNDONE)
def take_import_back(object_name: str, run_id: str) -> Response:
    """Starts to take an import back."""
    read_parameters(())
    with writing_now() as unit:
        undo_import(unit, object_name, run_id)
    return worked_on(object_name, run_id)


@route("/<object_name>/import/<run_id>/errors", "GET", action="import", operation=ERRORS)
def import_errors(object_name: str, run_id: str) -> Response:
    """Answers the rows that could not be imported as CSV."""
    read_parameters(())
    unit = reading()
    run = read_import(unit, object_name, run_id)
    content = b"".join(errors_file(unit, run, language()))
    return as_download(Response(content, content_type="text/csv; charset=utf-8"), "errors.csv")


@route("/<object_name>/export", "POST", action="export", operation=EXPORTED)
def export_records(object_name: str) -> Response:
    """Starts an export; a small one is done when this answers."""
    read_parameters(())
    question = read_question(reading(), object_name, read_body(optional=True), language())
    with writing_now() as unit:
        run_id = start_export(unit, object_name, question)
    work_at_once(read_export(reading(), object_name, run_id).job)
    address = f"/api/v1/{object_name}/export/{run_id}"
    body_json = export_json(read_export(reading(), object_name, run_id))
    return json_answer(body_json, HTTPStatus.CREATED, {"Location": address})


@route("/<object_name>/export", "GET", action="export", operation=EXPORTS)
def show_exports(object_name: str) -> Response:
    """Answers the caller's exports."""
    read_parameters(())
    mine = list_exports(reading(), object_name)
    return json_answer({"items": [export_json(one) for one in mine]})


@route("/<object_name>/export/<run_id>", "GET", action="export", operation=EXPORT_SHOWN)
def show_export(object_name: str, run_id: str) -> Response:
    """Answers one export."""
    read_parameters(())
    return json_answer(export_json(read_export(reading(), object_name, run_id)))


@route("/<object_name>/export/<run_id>/cancel", "POST", action="export", operation=EXPORT_CANCELLED)
def end_export(object_name: str, run_id: str) -> Response:
    """Ends the job of an export."""
    read_parameters(())
    with writing_now() as unit:
        cancel_export(unit, object_name, run_id)
    return json_answer(export_json(read_export(reading(), object_name, run_id)))


@route("/<object_name>/export/<run_id>/file", "GET", action="export", operation=EXPORT_FILE)
def export_file(object_name: str, run_id: str) -> Response:
    """Answers the file of an export."""
    read_parameters(())
    row = file_of(reading(), object_name, run_id)
    answer = stored_answer(row["sha256"], row["media_type"], "missing_export_file")
    return as_download(answer, row["name"])
