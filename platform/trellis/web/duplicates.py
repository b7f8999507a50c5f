"""Pages about duplicates: pairs to decide on, what a record is like, merging and taking it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.objects import ObjectDefinition
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.duplicates.check import Finding, find_duplicates
from trellis.duplicates.choice import SURVIVOR, Wish, mergeable, preferences
from trellis.duplicates.doors import check_record, problem_of
from trellis.duplicates.merge import MOST_RECORDS, may_merge, merge_records
from trellis.duplicates.pairs import decide, list_pairs, whole_rules
from trellis.duplicates.pointers import Moved, count_known
from trellis.duplicates.redirects import UNDONE_WITHIN
from trellis.duplicates.scan import SCAN, start_scan
from trellis.duplicates.tables import DISMISSED, OPEN, record_merge
from trellis.duplicates.unmerge import unmerge_records
from trellis.errors import Conflict, Missing, NotAllowed, Refused
from trellis.jobs.running import Job, list_jobs
from trellis.unit import Unit
from trellis.web.addresses import list_address, record_address
from trellis.web.columns import Column, Columns, paths_of
from trellis.web.doors import flash_problems, make_blueprint, object_for, words
from trellis.web.people import name_of, names_of
from trellis.web.record_forms import Editing
from trellis.web.words import gettext, ngettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("duplicates", "/o")

Answer = str | Response | tuple[str, int]
Record = Mapping[str, object]

PAGE = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """Records side by side: the columns in which they differ, and those in which they agree."""

    records: tuple[Record, ...]
    names: tuple[str, ...]
    hrefs: tuple[str, ...]
    different: tuple[Column, ...]
    equal: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class PairCard:
    """One pair to decide on."""

    id: str
    title: str
    percent: int
    compared: Compared
    merge_href: str | None
    decide_href: str


@dataclass(frozen=True, slots=True)
class Warned:
    """What a form tells of records that are there already."""

    messages: tuple[str, ...]
    candidates: tuple[tuple[str, str, int], ...]
    blocks: bool
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class PastMerge:
    """A merge of a record that can still be taken back."""

    id: str
    at: object
    by: str
    count: int


@blueprint.get("/<object_name>/duplicates")
@declares(ANY_OBJECT, "read")
def pairs(object_name: str) -> str:
    """Shows pairs that the scan has found."""
    definition, access = object_for(object_name)
    unit = reading()
    if not access.may("read") or not definition.duplicates:
        raise Missing
    state = DISMISSED if request.args.get("state") == DISMISSED else OPEN
    found, following = list_pairs(
        unit, object_name, state=state, limit=PAGE, after=request.args.get("after")
    )
    cards = [
        PairCard(
            id=pair.id,
            title=unit.catalog.message(pair.rule.title, current.language()),
            percent=percent(pair.certainty),
            compared=compare(unit, definition, (str(pair.first["id"]), str(pair.second["id"]))),
            merge_href=merge_address(unit, definition, (pair.first, pair.second)),
            decide_href=f"{list_address(object_name)}duplicates/{pair.id}/decide",
        )
        for pair in found
    ]
    return render_template(
        "duplicates/pairs.html",
        object=definition,
        cards=cards,
        state=state,
        next=following,
        job=last_scan(unit, object_name),
        may_scan=access.may("update") and bool(whole_rules(unit, definition)),
        address=f"{list_address(object_name)}duplicates",
    )


def percent(certainty: float) -> int:
    """Gives a certainty for people: never all of it."""
    return min(99, int(certainty * 100))


def last_scan(unit: Unit, object_name: str) -> Job | None:
    """Gives the newest scan that the reader has started for an object."""
    jobs = list_jobs(unit, [SCAN], 20)
    return next((job for job in jobs if job.params.get("object") == object_name), None)


def merge_address(
    unit: Unit, definition: ObjectDefinition, records: Iterable[Record]
) -> str | None:
    """Gives where records are merged; None for who may not merge any of them into another."""
    ids = [str(record["id"]) for record in records]
    if not may_merge(definition, unit.principal.access(definition.name)):
        return None
    query = "&".join(f"record={one}" for one in ids)
    return f"{list_address(definition.name)}merge?{query}"


def compare(unit: Unit, definition: ObjectDefinition, ids: Sequence[str]) -> Compared:
    """Gives records side by side, as the reader may see them. Raises Missing."""
    language = current.language()
    made = Columns(unit.catalog, unit.records(), language)
    names = [field.name for field in definition.own_fields if not field.nested]
    more = [name for name in ("source", "updated_at") if name in definition.fields]
    columns = made.of(definition.name, [*names, *more])
    known = unit.records().by_ids(definition.name, ids, ["id", "version", *paths_of(columns)])
    if len(known) != len(set(ids)):
        raise Missing
    records = tuple(known[one] for one in ids)
    shown = [one for one in columns if any(record.get(one.path) is not None for record in records)]
    different = [
        one for one in shown if len({repr(record.get(one.path)) for record in records}) > 1
    ]
    return Compared(
        records=records,
        names=tuple(title_of(definition, record) for record in records),
        hrefs=tuple(record_address(definition.name, one) for one in ids),
        different=tuple(different),
        equal=tuple(one for one in shown if one not in different),
    )


def title_of(definition: ObjectDefinition, record: Record) -> str:
    """Gives what a record is called for the reader."""
    return str(record.get(definition.name_field) or definition.label(current.language()))


@blueprint.post("/<object_name>/duplicates/scan")
@declares(ANY_OBJECT, "update")
def scan(object_name: str) -> Response:
    """Starts a scan."""
    object_for(object_name)
    with writing_now() as unit:
        start_scan(unit, object_name)
    flash(gettext("The search has begun; look again in a minute."), "success")
    return redirect(f"{list_address(object_name)}duplicates")


@blueprint.post("/<object_name>/duplicates/<pair_id>/decide")
@declares(ANY_OBJECT, "update")
def decide_pair(object_name: str, pair_id: str) -> Response:
    """Says that a pair are two things, or takes that back."""
    object_for(object_name)
    state = OPEN if request.form.get("state") == OPEN else DISMISSED
    with writing_now() as unit:
        decide(unit, object_name, pair_id, state)
    return redirect(f"{list_address(object_name)}duplicates")


@blueprint.get("/<object_name>/<record_id>/duplicates")
@declares(ANY_OBJECT, "read")
def of_record(object_name: str, record_id: str) -> str:
    """Shows what a record may be the same as, and its merges."""
    definition, _access = object_for(object_name)
    unit = reading()
    findings = check_record(unit, object_name, record_id)
    ids = list(dict.fromkeys(one.id for finding in findings for one in finding.candidates))
    compared = compare(unit, definition, (record_id, *ids[: MOST_RECORDS - 1]))
    merges = past_merges(unit, definition, record_id)
    return render_template(
        "duplicates/record.html",
        object=definition,
        record=compared.records[0],
        compared=compared if ids else None,
        title=compared.names[0],
        home=record_address(object_name, record_id),
        hidden=any(finding.is_hidden for finding in findings),
        merge_href=merge_address(unit, definition, compared.records) if ids else None,
        merges=merges,
    )


def past_merges(unit: Unit, definition: ObjectDefinition, record_id: str) -> list[PastMerge]:
    """Gives the merges of a record that can still be taken back, the last one first."""
    if not unit.records().reaches(definition.name, record_id, "update"):
        return []
    here = record_merge.c
    query = sa.select(record_merge).where(
        here.object == definition.id,
        here.survivor == record_id,
        here.undone_at.is_(None),
        here.at > unit.moment.now - UNDONE_WITHIN,
    )
    rows = unit.connection.execute(query.order_by(here.id.desc())).mappings().all()
    people = names_of(unit, [row["by"] for row in rows])
    return [
        PastMerge(
            row["id"],
            row["at"],
            name_of(people, row["by"]),
            count_known(unit, definition, [Moved(*one) for one in row["moved"]]),
        )
        for row in rows
    ]


@blueprint.route("/<object_name>/merge", methods=["GET", "POST"])
@declares(ANY_OBJECT, "update")
def merge(object_name: str) -> Answer:
    """Shows records side by side to choose from, or makes them one."""
    definition, _access = object_for(object_name)
    ids = list(dict.fromkeys(request.values.getlist("record")))[:MOST_RECORDS]
    if len(ids) < 2:
        raise Missing
    if request.method == "GET":
        return merge_form(definition, ids)
    survivor = request.form.get("survivor", ids[0])
    chosen = {
        field.name: request.form[f"value-{field.name}"]
        for field in mergeable(definition)
        if request.form.get(f"value-{field.name}")
    }
    wish = Wish(chosen, request.form.get("prefer", SURVIVOR))
    others = [one for one in ids if one != survivor]
    try:
        with writing_now() as unit:
            done = merge_records(
                unit,
                object_name,
                survivor,
                others,
                wish,
                channel="page",
                why=request.form.get("why") or None,
            )
    except (Refused, Conflict, NotAllowed) as error:
        flash_problems(error)
        return merge_form(definition, ids, survivor, chosen), 422
    text = ngettext("One record merged", "%(num)s records merged", len(done.merged))
    flash(text, "success")
    return redirect(record_address(object_name, survivor))


def merge_form(
    definition: ObjectDefinition,
    ids: Sequence[str],
    survivor: str | None = None,
    chosen: Mapping[str, str] | None = None,
) -> str:
    """Gives the page on which records are merged."""
    unit = reading()
    compared = compare(unit, definition, ids)
    access = unit.principal.access(definition.name)
    known = {field.name for field in mergeable(definition) if access.edits(field.name)}
    return render_template(
        "duplicates/merge.html",
        object=definition,
        compared=compared,
        survivor=survivor or usual_survivor(compared.records),
        chosen=chosen or {},
        choosable=known,
        preferences=preferences(access),
        address=f"{list_address(definition.name)}merge",
        back=list_address(definition.name),
    )


def usual_survivor(records: Sequence[Record]) -> str:
    """Gives the record that stays unless another one is chosen: the one with most in it."""
    fullest = max(records, key=lambda one: sum(value is not None for value in one.values()))
    return str(fullest["id"])


@blueprint.post("/<object_name>/<record_id>/unmerge")
@declares(ANY_OBJECT, "update")
def unmerge(object_name: str, record_id: str) -> Response:
    """Takes a merge of a record back."""
    object_for(object_name)
    try:
        with writing_now() as unit:
            done = unmerge_records(
                unit, object_name, record_id, request.form.get("merge"), channel="page"
            )
    except (Refused, Conflict) as error:
        flash_problems(error)
        return redirect(f"{record_address(object_name, record_id)}/duplicates")
    flash(ngettext("One record is back", "%(num)s records are back", len(done.restored)), "success")
    if done.kept:
        count = len(done.kept)
        text = ngettext(
            "One value stays as it is: it was changed since the merge or cannot be given back",
            "%(num)s values stay as they are: they were changed since the merge or cannot be "
            "given back",
            count,
        )
        flash(text, "warning")
    return redirect(record_address(object_name, record_id))


@blueprint.post("/<object_name>/duplicates/check")
@declares(ANY_OBJECT, "read")
def check(object_name: str) -> str:
    """Gives what an open form shows of records that are there already."""
    definition, access = object_for(object_name)
    if not access.create:
        raise Missing
    unit = reading()
    editing = Editing(unit, definition, None, request.args.get("record_type"))
    form = editing.sent_form(request.form)
    found = find_duplicates(unit, definition, readable(definition, form.values))
    return render_template("duplicates/warning.html", warned=warned_of(unit, definition, found))


def readable(definition: ObjectDefinition, values: Mapping[str, object]) -> Record:
    """Gives what a form holds as Python values; what cannot be read yet is left out."""
    found = {}
    for name, wire in values.items():
        field = definition.fields[name]
        if wire is None or field.nested:
            continue
        try:
            found[name] = field.type.coerce(wire, field, current.zone())
        except ValueError:
            continue
    return found


def warned_of(
    unit: Unit,
    definition: ObjectDefinition,
    findings: Sequence[Finding],
    *,
    is_final: bool = False,
) -> Warned | None:
    """Gives what a form tells of findings; None for none."""
    if not findings:
        return None
    best: dict[str, tuple[str, str, int]] = {}
    for finding in findings:
        for one in finding.candidates:
            unit.show_record(definition.name, one.record)
            line = (
                record_address(definition.name, one.id),
                title_of(definition, one.record),
                percent(one.certainty),
            )
            best.setdefault(one.id, line)
    messages = dict.fromkeys(words(problem_of(unit, finding)) for finding in findings)
    blocks = any(finding.blocks for finding in findings)
    return Warned(tuple(messages), tuple(best.values()), blocks, is_final)
