"""The fields of an object in setup: palette, cards and inspector on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.fields.read import COMPUTED
from metadata.fields.registry import field_types
from metadata.json_text import mapping
from trellis import current
from trellis.declared import declares
from trellis.designer.drafts import list_drafted
from trellis.errors import Missing, Refused
from trellis.unit import Unit
from trellis.web.addresses import with_query
from trellis.web.doors import make_blueprint, words
from trellis.web.setup.assistance import conversion_of
from trellis.web.setup.controls import Choice, Offers, carried
from trellis.web.setup.documents import FieldDraft, ObjectDraft, changes
from trellis.web.setup.field_form import FieldForm, make_form, option_choices
from trellis.web.setup.kinds import (
    KindLook,
    computed_looks,
    describe,
    look_of,
    offered_kinds,
    palette,
)
from trellis.web.setup.plan_lines import PlanLine
from trellis.web.setup.properties import Sent, fresh, read_field, remove_field, write_field
from trellis.web.setup.reshaping import reachable
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_fields", "/setup/objects")

Answer = str | Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class FieldCard:
    """One field on the drawing."""

    name: str
    title: str
    icon: str
    kind: str
    required: bool
    state: str
    href: str
    is_wide: bool
    is_name: bool


@dataclass(frozen=True, slots=True)
class Inspector:
    """The form of the chosen field.

    `was` is its name in the draft, empty for a new one; `kinds` are the types it can have, and
    `conversion` says how the values fare that are there.
    """

    field: FieldDraft
    was: str
    look: KindLook
    form: FieldForm
    kinds: Sequence[KindLook]
    computed: str = ""
    conversion: PlanLine | None = None
    problems: tuple[str, ...] = ()
    is_name: bool = False

    @property
    def is_new(self) -> bool:
        """Says whether the field is not in the draft yet."""
        return not self.was

    @property
    def base(self) -> str:
        """Gives the document that the form is made of, as the form carries it."""
        return carried(self.field.document)


@dataclass(frozen=True, slots=True)
class FieldsPage:
    """What the page shows."""

    draft: ObjectDraft
    icon: str
    hue: str
    changes: int
    cards: tuple[FieldCard, ...]
    palette: Sequence[tuple[str, Sequence[KindLook]]]
    computed: Sequence[KindLook]
    inspector: Inspector | None
    address: str
    tab: str = "fields"


@blueprint.get("/<name>")
@declares("", "administer")
def show(name: str) -> str:
    """Shows an object's fields, and the form of the one that is chosen."""
    unit = reading()
    draft = ObjectDraft(unit, name)
    chosen, kind = request.args.get("field"), field_types().get(request.args.get("new", ""))
    computed = request.args.get("computed", "")
    inspector = None
    if chosen:
        known = next((one for one in draft.fields() if one.name == chosen), None)
        inspector = inspect(unit, draft, known, chosen) if known else None
    elif kind is not None and kind.is_offered:
        computed = computed if computed in COMPUTED else ""
        inspector = inspect(unit, draft, fresh(kind), "", computed=computed)
    return page_of(unit, draft, inspector)


def page_of(unit: Unit, draft: ObjectDraft, inspector: Inspector | None) -> str:
    """Gives the page."""
    address = f"/setup/objects/{draft.name}"
    cards = tuple(card(draft, one, address) for one in draft.fields())
    hue = str(draft.crm.get("hue") or "blue")
    icon = str(draft.crm.get("icon") or "box")
    page = FieldsPage(
        draft, icon, hue, changes(unit), cards, palette(), computed_looks(), inspector, address
    )
    return render_template("setup/object_fields.html", page=page)


def card(draft: ObjectDraft, one: FieldDraft, address: str) -> FieldCard:
    """Gives one field as a card."""
    detail = detail_of(one)
    chinese = current.language() == "zh" and one.title_zh
    kind = field_types().get(one.kind)
    return FieldCard(
        name=one.name,
        title=one.title_zh if chinese else one.title,
        icon=look_of(one.kind).icon,
        kind=describe(one.kind, detail),
        required=one.required,
        state=one.state,
        href=with_query(address, {"field": one.name}),
        is_wide=kind is not None and not kind.is_brief,
        is_name=draft.crm.get("name_field") == one.name,
    )


def detail_of(one: FieldDraft) -> str:
    """Gives what is special about a field, in few words."""
    expression = next(filter(None, map(one.crm, COMPUTED)), "")
    if expression:
        return f"= {expression}"
    if one.options:
        return gettext("%(number)s options", number=len(one.options))
    if one.crm("to"):
        return f"→ {one.crm('to')}"
    return one.crm("currency") or one.limit("maxLength")


def inspect(
    unit: Unit,
    draft: ObjectDraft,
    one: FieldDraft,
    was: str,
    problems: tuple[str, ...] = (),
    *,
    computed: str = "",
    conversion: PlanLine | None = None,
) -> Inspector:
    """Gives the form of a field."""
    kind = field_types().get(one.kind)
    form = FieldForm(())
    if kind is not None:
        offers = offers_in(unit, draft)
        form = make_form(kind, one.document, offers, computed, is_new=not one.document)
    return Inspector(
        field=one,
        was=was,
        look=look_of(one.kind),
        form=form,
        kinds=kinds_for(draft, one, was),
        computed=computed,
        conversion=conversion,
        problems=problems,
        is_name=was != "" and draft.crm.get("name_field") == was,
    )


def kinds_for(draft: ObjectDraft, one: FieldDraft, was: str) -> list[KindLook]:
    """Gives the types a field can have: any while it is new, later those its values convert to."""
    offered = [kind.name for kind in offered_kinds()]
    known = draft.published_fields().get(was)
    before = field_types().get(draft.field(was, mapping(known)).kind) if known else None
    if before is not None:
        reached = reachable(before)
        offered = [name for name in offered if name in reached]
    names = offered if one.kind in offered else [one.kind, *offered]
    return [look_of(name) for name in names]


def offers_in(unit: Unit, draft: ObjectDraft) -> Offers:
    """Gives what controls of an object's fields and settings let people choose from."""
    fields = [one for one in draft.fields() if one.state != "retired"]
    chinese = current.language() == "zh"
    return Offers(
        fields=tuple(
            Choice(one.name, one.title_zh if chinese and one.title_zh else one.title)
            for one in fields
        ),
        objects=tuple(Choice(name, label) for name, label in targets(unit)),
        layouts=tuple(
            Choice(name, name)
            for owner, _, name in (
                one.name.partition("/") for one in list_drafted(unit, "layout") if one.body
            )
            if owner == draft.name
        ),
        options_of={one.name: tuple(option_choices(one.document)) for one in fields if one.options},
    )


def targets(unit: Unit) -> list[tuple[str, str]]:
    """Gives the objects that a link may lead to."""
    language = current.language()
    found = []
    for one in list_drafted(unit, "object"):
        if one.body is not None:
            known = unit.catalog.objects.get(one.name)
            label = known.label(language) if known else str(one.body.get("title") or one.name)
            found.append((one.name, label))
    return sorted(found, key=lambda pair: pair[1])


@blueprint.post("/<name>/fields")
@declares("", "administer")
def save(name: str) -> Answer:
    """Keeps a new or changed field in the draft; with `reshape` only shows it with its type."""
    sent = read_field(ObjectDraft(reading(), name), request.form)
    if "reshape" in request.form:
        return again(name, sent)
    try:
        with writing_now() as unit:
            draft = ObjectDraft(unit, name)
            write_field(draft, sent)
            draft.save()
    except Refused as error:
        return again(name, sent, tuple(words(problem) for problem in error.problems)), 422
    flash(gettext("Saved in your draft"), "success")
    query: Mapping[str, Any] = {"field": sent.name}
    return redirect(with_query(f"/setup/objects/{name}", query))


def again(name: str, sent: Sent, problems: tuple[str, ...] = ()) -> str:
    """Gives the page back with what was typed and what is wrong with it."""
    unit = reading()
    draft = ObjectDraft(unit, name)
    inspector = inspect(
        unit,
        draft,
        sent.as_draft(draft),
        sent.was,
        problems,
        computed=sent.computed,
        conversion=conversion_of(unit, draft, sent),
    )
    return page_of(unit, draft, inspector)


@blueprint.post("/<name>/fields/<field_name>/retire")
@declares("", "administer")
def retire(name: str, field_name: str) -> Response:
    """Takes a field out of use in the draft; a new one is forgotten."""
    try:
        with writing_now() as unit:
            draft = ObjectDraft(unit, name)
            if field_name not in draft.properties:
                raise Missing
            remove_field(draft, field_name)
            draft.save()
    except Refused as error:
        for problem in error.problems:
            flash(words(problem), "danger")
        return redirect(with_query(f"/setup/objects/{name}", {"field": field_name}))
    flash(gettext("In your draft: the field goes out of use when you publish."), "success")
    return redirect(f"/setup/objects/{name}")


@blueprint.post("/<name>/fields/<field_name>/restore")
@declares("", "administer")
def restore(name: str, field_name: str) -> Response:
    """Puts a field back that the draft takes out of use."""
    with writing_now() as unit:
        draft = ObjectDraft(unit, name)
        known = draft.published_fields().get(field_name)
        if known is None:
            raise Missing
        draft.properties[field_name] = dict(known)
        draft.save()
    return redirect(with_query(f"/setup/objects/{name}", {"field": field_name}))
