"""Pages of imports and exports: upload, mapping, check, run, result; files to download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.query import QueryProblem
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Conflict, Refused
from trellis.files.downloads import as_download, stored_answer
from trellis.files.requests import takes_files
from trellis.transfer.errors_file import errors_file
from trellis.transfer.exports import (
    cancel_export,
    exportable,
    file_of,
    list_exports,
    read_export,
    read_question,
    start_export,
    usual_fields,
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
from trellis.unit import Unit
from trellis.web.doors import flash_problems, is_fragment, make_blueprint, object_for, words
from trellis.web.import_page import import_page, question_of, settings_of
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("transfer")

Answer = str | Response | tuple[str, int]
RUN: Final = "/o/<object_name>/import/<run_id>"
EXPORT: Final = "/o/<object_name>/export/<run_id>"


def address_of(object_name: str, run_id: str) -> str:
    """Gives the address of an import's page."""
    return f"/o/{object_name}/import/{run_id}"


@blueprint.get("/transfers")
@declares("", "")
def mine() -> str:
    """Shows the reader's imports and exports."""
    unit = reading()
    return render_template(
        "transfers.html",
        imports=list_imports(unit),
        exports=list_exports(unit),
        objects=unit.catalog.objects,
        now=unit.moment.now,
    )


@blueprint.get("/o/<object_name>/import")
@declares(ANY_OBJECT, "import")
def begin(object_name: str) -> str:
    """Asks for a file."""
    definition = importable(reading(), object_name)
    recent = list_imports(reading(), object_name)[:5]
    return render_template("import_new.html", object=definition, recent=recent, problems=())


@blueprint.post("/o/<object_name>/import")
@declares(ANY_OBJECT, "import")
@takes_files
def upload(object_name: str) -> Answer:
    """Takes the file and leads to its columns."""
    definition = importable(reading(), object_name)
    here, sent = current.platform(), request.files.get("file")
    if sent is None:
        return redirect(request.path)
    try:
        limit = here.settings.max_upload_bytes
        stored, look = take_file(here.blobs, sent.stream, sent.filename, {}, limit)
        with writing_now() as unit:
            run_id = begin_import(unit, object_name, stored, look)
    except Refused as refused:
        problems = [words(problem) for problem in refused.problems]
        page = render_template("import_new.html", object=definition, recent=(), problems=problems)
        return page, 422
    return redirect(address_of(object_name, run_id))


@blueprint.get(RUN)
@declares(ANY_OBJECT, "import")
def show(object_name: str, run_id: str) -> str:
    """Shows an import as it stands; for htmx the part that changes while it runs."""
    return rendered(object_name, run_id, ())


def rendered(object_name: str, run_id: str, problems: tuple[str, ...]) -> str:
    """Gives the page of an import."""
    unit = reading()
    page = import_page(unit, read_import(unit, object_name, run_id), problems, request.form)
    template = "parts/import_progress.html" if is_fragment() else "import.html"
    return render_template(template, page=page)


@blueprint.post(f"{RUN}/layout")
@declares(ANY_OBJECT, "import")
def read_again(object_name: str, run_id: str) -> Answer:
    """Reads the file with another encoding, delimiter or sheet."""
    form = request.form
    wanted: dict[str, Any] = {"header": form.get("header") == "true"}
    names = ("format", "encoding", "delimiter", "sheet")
    wanted |= {name: form[name] for name in names if form.get(name)}
    try:
        with writing_now() as unit:
            change_layout(unit, current.platform().blobs, object_name, run_id, wanted)
    except (Refused, Conflict) as error:
        flash_problems(error)
    return redirect(address_of(object_name, run_id))


@blueprint.post(f"{RUN}/run")
@declares(ANY_OBJECT, "import")
def run(object_name: str, run_id: str) -> Answer:
    """Takes the form's settings over and starts the check or the run."""
    try:
        with writing_now() as unit:
            started = read_import(unit, object_name, run_id)
            body = settings_of(started, request.form)
            dry = request.form.get("then") != "run"
            start_import(unit, object_name, run_id, body, dry=dry)
    except Refused as refused:
        told = tuple(words(problem) for problem in refused.problems)
        return rendered(object_name, run_id, told), 422
    except Conflict as conflict:
        flash_problems(conflict)
        return redirect(address_of(object_name, run_id))
    work_at_once(read_import(reading(), object_name, run_id).job)
    return redirect(address_of(object_name, run_id))


@blueprint.post(f"{RUN}/cancel")
@declares(ANY_OBJECT, "import")
def cancel(object_name: str, run_id: str) -> Answer:
    """Ends an import."""
    return changed(object_name, run_id, cancel_import)


@blueprint.post(f"{RUN}/undo")
@declares(ANY_OBJECT, "import")
def take_back(object_name: str, run_id: str) -> Answer:
    """Takes an import back."""
    answer = changed(object_name, run_id, undo_import)
    work_at_once(read_import(reading(), object_name, run_id).job)
    return answer


def changed(object_name: str, run_id: str, change: Any) -> Answer:
    """Does something with an import and shows it."""
    try:
        with writing_now() as unit:
            change(unit, object_name, run_id)
    except Conflict as conflict:
        flash_problems(conflict)
    return redirect(address_of(object_name, run_id))


@blueprint.get(f"{RUN}/errors")
@declares(ANY_OBJECT, "import")
def errors(object_name: str, run_id: str) -> Response:
    """Gives the rows that could not be imported."""
    unit = reading()
    content = b"".join(
        errors_file(unit, read_import(unit, object_name, run_id), current.language())
    )
    return as_download(FlaskResponse(content, content_type="text/csv; charset=utf-8"), "errors.csv")


@blueprint.get("/o/<object_name>/export")
@declares(ANY_OBJECT, "export")
def ask(object_name: str) -> str:
    """Asks in which form a list is to be exported."""
    return asked(object_name, request.args, ())


def asked(object_name: str, given: Mapping[str, str], problems: tuple[str, ...]) -> str:
    """Gives the page about an export."""
    unit = reading()
    definition = exportable(unit, object_name)
    question = question_of(given)
    marked = request.values.getlist("record")
    count = None if problems else counted(unit, object_name, question, marked)
    everything = usual_fields(unit, object_name)
    return render_template(
        "export.html",
        object=definition,
        given=given,
        fields=[(name, definition.fields[name].label(current.language())) for name in everything],
        chosen=question.get("fields") or everything,
        count=count,
        marked=marked,
        problems=problems,
    )


def counted(
    unit: Unit, object_name: str, question: Mapping[str, Any], marked: Sequence[str]
) -> tuple[int | None, str | None] | None:
    """Gives how many records are asked for; None for what is no question."""
    try:
        page = unit.records().list(
            object_name,
            fields=["id"],
            filter=question.get("filter"),
            search=question.get("search"),
            among=marked or None,
            count="capped",
            limit=1,
        )
    except QueryProblem:
        return None
    return page.count, page.count_is


@blueprint.post("/o/<object_name>/export")
@declares(ANY_OBJECT, "export")
def start(object_name: str) -> Answer:
    """Starts an export; a small one is downloaded at once."""
    object_for(object_name)
    try:
        body = question_of(request.form)
        body["fields"] = request.form.getlist("fields")
        if request.form.getlist("record"):
            body["ids"] = request.form.getlist("record")
        question = read_question(reading(), object_name, body, current.language())
        with writing_now() as unit:
            run_id = start_export(unit, object_name, question)
    except Refused as refused:
        told = tuple(words(problem) for problem in refused.problems)
        return asked(object_name, request.form, told), 422
    work_at_once(read_export(reading(), object_name, run_id).job)
    done = read_export(reading(), object_name, run_id)
    if done.file is not None:
        return redirect(f"/o/{object_name}/export/{run_id}/file")
    flash(gettext("The export is being made; it will be in this list."), "info")
    return redirect("/transfers")


@blueprint.post(f"{EXPORT}/cancel")
@declares(ANY_OBJECT, "export")
def stop(object_name: str, run_id: str) -> Answer:
    """Ends an export."""
    try:
        with writing_now() as unit:
            cancel_export(unit, object_name, run_id)
    except Conflict as error:
        flash_problems(error)
    return redirect("/transfers")


@blueprint.get(f"{EXPORT}/file")
@declares(ANY_OBJECT, "export")
def file(object_name: str, run_id: str) -> Response:
    """Gives the file of an export."""
    row = file_of(reading(), object_name, run_id)
    answer = stored_answer(row["sha256"], row["media_type"], "missing_export_file")
    return as_download(answer, row["name"])
