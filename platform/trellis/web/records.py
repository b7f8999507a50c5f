"""Pages of one record: show, new, edit, one field in place, delete, activities."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from flask import flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from metadata.fields.base import Refused as RefusedValue
from metadata.forms import RecordForm
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.record_types import RECORD_TYPE, RecordType
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.duplicates.doors import DuplicatesFound, guard_new
from trellis.duplicates.redirects import survivor_of
from trellis.errors import Conflict, Missing, Refused, Stale
from trellis.files.requests import takes_files
from trellis.records.delete import delete_record
from trellis.records.save import Saved, save_record
from trellis.web.activities import new_activity, shape_of
from trellis.web.addresses import list_address, new_address, record_address
from trellis.web.doors import flash_problems, is_fragment, make_blueprint, object_for, words
from trellis.web.duplicates import warned_of
from trellis.web.record_forms import Editing
from trellis.web.record_page import Extra, RecordView
from trellis.web.uploads import bring_in
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("records", "/o")

Answer = str | Response | tuple[str, int]


@blueprint.get("/<object_name>/<record_id>")
@declares(ANY_OBJECT, "read")
def show(object_name: str, record_id: str) -> Answer:
    """Shows a record; the address of one that was merged leads to the one it is part of."""
    try:
        return render_record(object_name, record_id)
    except NotFound:
        survivor = survivor_of(reading(), object_name, record_id)
        if survivor is None:
            raise
        return redirect(record_address(object_name, survivor), 308)


def view_of(object_name: str, record_id: str) -> RecordView:
    """Gives a record as who asks sees it; answers 404 when it is not there."""
    definition, _access = object_for(object_name)
    return RecordView(reading(), definition, record_id, current.language())


def render_record(object_name: str, record_id: str, extra: Extra | None = None) -> str:
    """Gives the record's page; for htmx only what changes in it, and messages."""
    page = view_of(object_name, record_id).page(extra)
    if not is_fragment():
        return render_template("record.html", page=page)
    toasts = render_template("parts/toasts.html")
    return render_template("parts/record_page.html", page=page) + toasts


def answer(object_name: str, record_id: str, extra: Extra | None = None) -> Answer:
    """Gives the changed record to htmx, and leads all others to its page; 422 for a refusal."""
    if extra and extra.refused:
        return render_record(object_name, record_id, extra), 422
    if is_fragment():
        return render_record(object_name, record_id, extra)
    return redirect(record_address(object_name, record_id))


@blueprint.route("/<object_name>/new", methods=["GET", "POST"])
@takes_files
@declares(ANY_OBJECT, "create")
def new(object_name: str) -> Answer:
    """Shows the form for a new record, or makes it."""
    definition, access = object_for(object_name)
    if not access.create:
        raise Missing
    sent = bring_in(definition, access)
    wanted = request.values.get(RECORD_TYPE)
    if request.method == "GET" and wanted is None and len(offered_types(definition)) > 1:
        return choose_type(definition)
    editing = Editing(reading(), definition, record_type=wanted)
    given = {name: value for name, value in request.args.items() if name in definition.fields}
    back = request.args.get("back")
    if request.method == "GET":
        defaults = {field.name: field.default for field in definition.own_fields}
        values = {name: value for name, value in defaults.items() if value is not None}
        if editing.record_type is not None:
            given[RECORD_TYPE] = editing.record_type
        known = {**values, **given}
        form = editing.form(None, as_values(definition, known), (*editing.field_names(), *given))
        return render_template("record_form.html", page=editing.page(form, back=own_path(back)))
    form = editing.sent_form(sent.form)
    if looks_again():
        return render_template("record_form.html", page=editing.page(form))
    live = editing.live(form)
    saved, problems, warned = None, sent.problems, None
    if not problems:
        try:
            saved, problems = try_save(
                object_name,
                None,
                live.values,
                unshown=live.state.hidden,
                why=request.form.get("duplicates-why") or None,
            )
        except DuplicatesFound as error:
            warned = warned_of(reading(), definition, error.findings, is_final=True)
    if saved is None:
        editing.refuse(form, problems)
        page = editing.page(form)
        return render_template("record_form.html", page=page, warned=warned), 422
    noun = definition.label(current.language())
    flash(gettext("%(object)s created", object=noun), "success")
    if request.form.get("then") == "new":
        return redirect(new_address(object_name))
    return redirect(record_address(object_name, saved.id))


def offered_types(definition: ObjectDefinition) -> list[RecordType]:
    """Gives the record types that new records can have."""
    return [one for one in definition.record_types if not one.retired]


def choose_type(definition: ObjectDefinition) -> str:
    """Asks of which type a new record shall be."""
    others = {name: value for name, value in request.args.items() if name != RECORD_TYPE}
    types = [
        (
            one.label(current.language()),
            new_address(definition.name, {**others, RECORD_TYPE: one.name}),
        )
        for one in offered_types(definition)
    ]
    back = own_path(request.args.get("back")) or list_address(definition.name)
    return render_template("record_types.html", object=definition, types=types, back=back)


def looks_again() -> bool:
    """Says whether a form is sent only to see what it shows for what is typed."""
    return request.form.get("then") == "look"


def as_values(definition: ObjectDefinition, wire: Mapping[str, object]) -> dict[str, object]:
    """Gives values in their Python form; what cannot be read is left out."""
    values = {}
    for name, given in wire.items():
        known = definition.fields[name]
        with suppress(RefusedValue):
            values[name] = known.type.coerce(given, known, current.zone())
    return values


def own_path(path: str | None) -> str | None:
    """Gives a path of this site, or nothing."""
    return path if path and path.startswith("/") and not path.startswith("//") else None


def try_save(
    object_name: str,
    record_id: str | None,
    values: Mapping[str, object],
    version: int | None = None,
    unshown: Collection[str] = (),
    why: str | None = None,
) -> tuple[Saved | None, tuple[Problem, ...]]:
    """Saves, or gives what is wrong; see `save_record`.

    Raises Stale, Missing and NotAllowed, and DuplicatesFound for a new record that may be there
    already, unless the form says that it is another one.
    """
    try:
        with writing_now() as unit:
            saved = save_record(
                unit,
                object_name,
                record_id,
                values,
                channel="page",
                expected_version=version,
                unshown=unshown,
                why=why,
            )
            if record_id is None:
                accepts = request.form.get("accept-duplicates") == "1"
                guard_new(unit, object_name, saved, accepts_warnings=accepts)
    except DuplicatesFound:
        raise
    except (Refused, Conflict) as error:
        return None, error.problems
    return saved, ()


@blueprint.route("/<object_name>/<record_id>/edit", methods=["GET", "POST"])
@takes_files
@declares(ANY_OBJECT, "update")
def edit(object_name: str, record_id: str) -> Answer:
    """Shows the form of a record, or saves what it says."""
    sent = bring_in(*object_for(object_name))
    view = view_of(object_name, record_id)
    if not view.may_update:
        raise Missing
    editing = Editing(view.unit, view.object, view.record)
    if request.method == "GET":
        form = editing.form(None, view.record)
        page = editing.page(form, version=int(str(view.record["version"])))
        return render_template("record_form.html", page=page)
    form = editing.sent_form(sent.form)
    version = request.form.get("version", type=int)
    if looks_again():
        return render_template("record_form.html", page=editing.page(form, version=version))
    live = editing.live(form)
    saved, problems = None, sent.problems
    try:
        if not problems:
            saved, problems = try_save(
                object_name, record_id, live.values, version, live.state.hidden
            )
    except Stale as error:
        return moved_on(editing, form, error)
    if saved is None:
        editing.refuse(form, problems)
        return render_template("record_form.html", page=editing.page(form, version=version)), 422
    flash(gettext("Saved"), "success")
    return redirect(record_address(object_name, record_id))


def moved_on(editing: Editing, form: RecordForm, error: Stale) -> tuple[str, int]:
    """Shows both values of each field that somebody else has changed meanwhile."""
    conflicts = editing.conflicts(form, error.current)
    page = editing.page(form, version=int(str(error.current["version"])), conflicts=conflicts)
    return render_template("record_form.html", page=page), 409


@blueprint.get("/<object_name>/<record_id>/field/<field_name>")
@declares(ANY_OBJECT, "read")
def field(object_name: str, record_id: str, field_name: str) -> Answer:
    """Shows one field: its form, or with `show` its value."""
    view = view_of(object_name, record_id)
    line = view.line(field_name)
    if line is None:
        raise Missing
    if request.args.get("show") or line.edit_href is None:
        return render_template("parts/field.html", line=line, record=view.record)
    editing = Editing(view.unit, view.object, view.record)
    return field_form(view, editing, editing.form(None, view.record, [field_name]), field_name)


def field_form(
    view: RecordView,
    editing: Editing,
    form: RecordForm,
    name: str,
    messages: tuple[str, ...] = (),
) -> str:
    """Gives the form of one field in the place of its value."""
    lines = editing.lines(form, editing.live(form), [name])
    return render_template(
        "parts/field_form.html",
        line=view.line(name),
        form_line=lines[0],
        version=view.record["version"],
        messages=messages,
    )


@blueprint.post("/<object_name>/<record_id>/field/<field_name>")
@takes_files
@declares(ANY_OBJECT, "update")
def set_field(object_name: str, record_id: str, field_name: str) -> Answer:
    """Saves one field; the page comes back with everything that follows from it."""
    sent = bring_in(*object_for(object_name))
    view = view_of(object_name, record_id)
    line = view.line(field_name)
    if line is None or line.edit_href is None:
        raise Missing
    editing = Editing(view.unit, view.object, view.record)
    form = editing.form(sent.form, fields=[field_name])
    version = request.form.get("version", type=int)
    saved, problems = None, sent.problems
    try:
        if not problems:
            saved, problems = try_save(object_name, record_id, form.values, version)
    except Stale:
        message = gettext("Somebody else has just saved this record: look at the new values first.")
        flash(message, "warning")
        return answer(object_name, record_id)
    if saved is not None:
        return answer(object_name, record_id, Extra(changed=frozenset({field_name})))
    if not is_fragment() or "version" not in request.form:
        return answer(object_name, record_id, Extra(problems=tuple(map(words, problems))))
    editing.refuse(form, problems)
    html = field_form(view, editing, form, field_name, tuple(form.problems_elsewhere))
    response = Response(html, 422, content_type="text/html; charset=utf-8")
    response.headers["HX-Retarget"] = f"#field-{field_name}"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


@blueprint.post("/<object_name>/<record_id>/delete")
@declares(ANY_OBJECT, "delete")
def delete(object_name: str, record_id: str) -> Response:
    """Deletes a record and leads back to the list."""
    view = view_of(object_name, record_id)
    try:
        with writing_now() as unit:
            delete_record(unit, object_name, record_id, channel="page")
    except Conflict as error:
        flash_problems(error)
        return redirect(record_address(object_name, record_id))
    flash(gettext("“%(name)s” deleted", name=view.title), "success")
    return redirect(list_address(object_name))


@blueprint.post("/<object_name>/<record_id>/activities")
@declares(ANY_OBJECT, "read")
def add_activity(object_name: str, record_id: str) -> Answer:
    """Writes down what happened with a record."""
    view = view_of(object_name, record_id)
    shape = shape_of(view.unit, view.object)
    if shape is None:
        raise Missing
    text = request.form.get("text", "")
    if not text.strip():
        problem = gettext("Write something first.")
        return answer(object_name, record_id, Extra(composer_error=problem))
    kind = request.form.get("kind", "")
    values = new_activity(shape, record_id, text, kind, current.moment().now)
    try:
        with writing_now() as unit:
            save_record(unit, shape.link.target, None, values, channel="page")
    except (Refused, Conflict) as error:
        problem = " ".join(map(words, error.problems))
        return answer(object_name, record_id, Extra(composer_error=problem))
    return answer(object_name, record_id)
