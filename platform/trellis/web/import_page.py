"""What the page of an import shows, and what its form says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from metadata.fields.base import FieldDefinition
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.types import Kind
from trellis import current
from trellis.errors import Missing
from trellis.jobs.running import DONE, Job
from trellis.transfer.encodings import ENCODINGS
from trellis.transfer.errors_file import said
from trellis.transfer.headers import RECORD_ID, fillable, findable, searchable
from trellis.transfer.imports import (
    CHECK,
    RUN,
    UNDO,
    UPLOADED,
    Import,
    counts_of,
    mappings_of,
    open_file,
    problem_rows,
)
from trellis.transfer.settings import missing
from trellis.transfer.sources import look_at
from trellis.unit import Unit
from trellis.web.doors import words
from trellis.web.import_values import Pairs, asked_of, label_for, options_of, values_in
from trellis.web.words import gettext

SHOWN_ROWS, ASKED_ROWS = 50, 500
SURE, LIKELY = 98, 82
HUES = {
    "create": "green",
    "update": "blue",
    "skip": "gray",
    "error": "red",
    "undone": "gray",
    "kept": "amber",
}


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text of a column that is no option, what it stands for, and what that choice is called."""

    text: str
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column of the file: what is in it, and which field it fills; `texts` are to stand for
    `options` of that field."""

    name: str
    place: int
    samples: tuple[str, ...]
    target: str
    sureness: str
    hue: str
    date: str
    decimal: str | None
    has_date: bool
    has_number: bool
    texts: tuple[TextLine, ...] = ()
    options: Pairs = ()


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """One row of which there is something to say."""

    row: int
    outcome: str
    hue: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Required:
    """A required field that no column fills; people may give a value for all rows."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    given: str


@dataclass(frozen=True, slots=True)
class ImportPage:
    """What the template shows."""

    run: Import
    object: ObjectDefinition
    address: str
    can_map: bool
    columns: tuple[ColumnLine, ...]
    targets: tuple[tuple[str, str], ...]
    matches: tuple[tuple[str, str], ...]
    required: tuple[Required, ...]
    encodings: tuple[str, ...]
    sheets: tuple[str, ...]
    problems: tuple[str, ...]
    counts: tuple[tuple[str, str, int], ...]
    rows: tuple[ProblemLine, ...]
    job: Job | None
    percent: int
    is_busy: bool
    is_checked: bool
    has_run: bool
    can_resume: bool
    can_undo: bool
    mappings: tuple[str, ...]
    has_errors: bool
    may_be_silent: bool

    @property
    def settings(self) -> Any:
        """The settings in force."""
        return self.run.settings


def import_page(
    unit: Unit, run: Import, problems: Sequence[str], form: Mapping[str, str]
) -> ImportPage:
    """Gives the page of an import."""
    definition, language = unit.catalog.objects[run.object], current.language()
    can_map = run.phase in (UPLOADED, CHECK) and not run.is_busy
    samples, sheets = shown_of(unit, run) if can_map else ((), ())
    counts = counts_of(unit, run)
    labels = outcome_labels(run)
    until = run.undo_until()
    job = run.job
    noted = problem_rows(unit, run, ASKED_ROWS)
    told = [] if job is None else [words(problem) for problem in job.problems]
    ended = job is not None and job.is_ended
    matches = [(RECORD_ID, "ID")]
    matches += [(n, definition.fields[n].label(language)) for n in searchable(unit, run.object)]
    return ImportPage(
        run=run,
        object=definition,
        address=f"/o/{run.object}/import/{run.id}",
        can_map=can_map,
        columns=tuple(columns_of(unit, run, definition, samples, noted)) if can_map else (),
        targets=tuple(targets_of(unit, definition, language)) if can_map else (),
        matches=tuple(matches),
        required=tuple(required_of(unit, run, definition, form)) if can_map else (),
        encodings=ENCODINGS,
        sheets=sheets,
        problems=(*problems, *told),
        counts=tuple((labels[n], HUES[n], counts[n]) for n in HUES if counts.get(n)),
        rows=tuple(problem_line(definition, row, labels) for row in noted[:SHOWN_ROWS]),
        job=job,
        percent=percent_of(job),
        is_busy=run.is_busy,
        is_checked=run.phase == CHECK and job is not None and job.state == DONE,
        has_run=run.phase in (RUN, UNDO) and ended,
        can_resume=run.phase == RUN and ended and job is not None and job.state != DONE,
        can_undo=until is not None and until > unit.moment.now and run.phase in (RUN, UNDO),
        mappings=tuple(str(row["name"]) for row in mappings_of(unit, run.object)),
        has_errors=bool(counts.get("error") or counts.get("kept")),
        may_be_silent=unit.principal.may_administer,
    )  # fmt: skip


def shown_of(unit: Unit, run: Import) -> tuple[Sequence[Sequence[object]], tuple[str, ...]]:
    """Gives the first rows of the file and a workbook's sheets; none once the file is gone."""
    wanted = {name: value for name, value in run.layout.to_json().items() if value is not None}
    wanted.pop("headers")
    if run.layout.format != "csv":
        wanted = {name: wanted[name] for name in ("format", "sheet", "header") if name in wanted}
    try:
        with open_file(unit, current.platform().blobs, run.file) as stream:
            look = look_at(stream, run.name, wanted)
    except Missing:
        return (), ()
    return look.samples, look.sheets


def columns_of(
    unit: Unit,
    run: Import,
    definition: ObjectDefinition,
    samples: Sequence[Sequence[object]],
    noted: Sequence[Any],
) -> list[ColumnLine]:
    """Gives the columns of the file."""
    lines, language = [], current.language()
    for place, (name, column) in enumerate(
        zip(run.layout.headers, run.settings.columns, strict=True)
    ):
        seen = [str(row[place])[:60] for row in samples if row[place] not in ("", None)]
        field = None if column.target is None else definition.fields.get(column.target.field)
        kind = None if field is None else field.type.kind
        texts: Pairs = ()
        if field is not None and field.options:
            cells = [row[place] for row in samples]
            texts = asked_of(unit, field, column, cells, noted)
        lines.append(
            ColumnLine(
                name=name,
                place=place,
                samples=tuple(dict.fromkeys(seen))[:3],
                target="" if column.target is None else str(column.target),
                sureness=sureness(column.score, column.how),
                hue="green" if column.score >= SURE else "amber" if column.score else "gray",
                date=column.date,
                decimal=column.decimal,
                has_date=kind in (Kind.DATE, Kind.INSTANT),
                has_number=kind in (Kind.NUMBER, Kind.PERCENT, Kind.MONEY),
                texts=tuple(TextLine(text, value, label_for(text)) for text, value in texts),
                options=options_of(field, language) if field is not None and texts else (),
            )
        )
    return lines


def sureness(score: int, how: str) -> str:
    """Says how a column's field was found."""
    said = {
        "name": gettext("Same name"),
        "label": gettext("Same label"),
        "similar": gettext("Similar, %(score)s %%", score=score),
        "saved": gettext("As last time"),
        "chosen": gettext("Chosen"),
    }
    return said.get(how, gettext("Left out"))


def targets_of(unit: Unit, definition: ObjectDefinition, language: str) -> list[tuple[str, str]]:
    """Gives what a column may fill, in the language of the reader."""
    offered = [(RECORD_ID, "ID")]
    for field in fillable(unit, definition).values():
        label = field.label(language)
        offered.append((field.name, f"{label} *" if field.required else label))
        for by in findable(unit, field):
            other = unit.catalog.objects[str(field.target)].fields[by].label(language)
            offered.append((f"{field.name}.by.{by}", f"{label} › {other}"))
    return offered


def required_of(
    unit: Unit, run: Import, definition: ObjectDefinition, form: Mapping[str, str]
) -> list[Required]:
    """Gives the required fields that no column fills, those with a value for all rows too."""
    names = list(missing(unit, definition, run.settings))
    names += [name for name in run.settings.defaults if name not in names]
    made = []
    for name in names:
        field: FieldDefinition = definition.fields[name]
        options = tuple((one.value, one_label(one.labels)) for one in field.options)
        given = form.get(f"default-{name}", run.settings.defaults.get(name, ""))
        made.append(Required(name, field.label(current.language()), options, str(given)))
    return made


def one_label(labels: Mapping[str, str]) -> str:
    """Gives a label in the reader's language."""
    return labels.get(current.language()) or next(iter(labels.values()), "")


def outcome_labels(run: Import) -> dict[str, str]:
    """Gives what outcomes are called: foreseen ones before the run, done ones after."""
    if run.phase in (UPLOADED, CHECK):
        return {
            "create": gettext("To create"),
            "update": gettext("To change"),
            "skip": gettext("To skip"),
            "error": gettext("With errors"),
            "undone": "",
            "kept": "",
        }
    return {
        "create": gettext("Created"),
        "update": gettext("Changed"),
        "skip": gettext("Skipped"),
        "error": gettext("With errors"),
        "undone": gettext("Taken back"),
        "kept": gettext("Kept, changed since"),
    }


def problem_line(definition: ObjectDefinition, row: Any, labels: Mapping[str, str]) -> ProblemLine:
    """Gives a row of which there is something to say."""
    found = (Problem(one["path"], one["code"], one["values"]) for one in row["problems"])
    told = tuple(said(definition, problem, current.language()) for problem in found)
    outcome = str(row["outcome"] or "")
    return ProblemLine(row["number"], labels.get(outcome, ""), HUES.get(outcome, "gray"), told)


def percent_of(job: Job | None) -> int:
    """Gives how far a job is."""
    if job is None or not job.total:
        return 0
    return min(100, round(100 * job.done / job.total))


def settings_of(run: Import, form: MultiDict[str, str]) -> dict[str, Any]:
    """Gives the settings that the form of an import says."""
    if run.phase not in (UPLOADED, CHECK):
        return {}
    body: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    for place, (name, column) in enumerate(
        zip(run.layout.headers, run.settings.columns, strict=True)
    ):
        wanted: dict[str, Any] = {}
        target = form.get(f"column-{place}")
        if target is not None and target != ("" if column.target is None else str(column.target)):
            wanted["field"] = target or None
        for key in ("date", "decimal"):
            if form.get(f"{key}-{place}"):
                wanted[key] = form[f"{key}-{place}"]
        values = values_in(form, place)
        if values is not None and "field" not in wanted:
            wanted["values"] = values
        elif "field" in wanted:
            wanted["values"] = {}
        if wanted:
            columns[name] = wanted
    if columns:
        body["columns"] = columns
    for key in ("policy", "duplicates", "blank"):
        if form.get(key):
            body[key] = form[key]
    if "policy" in body:
        body["match"] = None if body["policy"] == "create" else form.get("match") or None
    defaults = {
        name.removeprefix("default-"): value
        for name, value in form.items()
        if name.startswith("default-") and value
    }
    if defaults:
        body["defaults"] = defaults
    if "silent-asked" in form:
        body["silent"] = "silent" in form
    if form.get("save_as"):
        body["save_as"] = form["save_as"]
    return body


def question_of(given: Mapping[str, str]) -> dict[str, Any]:
    """Gives what an address or a form says of an export."""
    question: dict[str, Any] = {
        name: given[name] for name in ("format", "mode", "filter", "search") if given.get(name)
    }
    if given.get("form"):
        question["format"], _, question["mode"] = given["form"].partition(":")
    for name in ("sort", "fields"):
        if given.get(name):
            question[name] = [part for part in given[name].split(",") if part]
    return question
