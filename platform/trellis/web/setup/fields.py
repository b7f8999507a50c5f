"""The fields of an object in setup: palette, cards and inspector on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.fields.base import FieldType
from metadata.fields.currencies import USUAL
from metadata.fields.options import HUES
from metadata.fields.registry import field_types
from trellis import current
from trellis.designer.drafts import list_drafted
from trellis.errors import Missing, Refused
from trellis.unit import Unit
from trellis.web.addresses import with_query
from trellis.web.doors import make_blueprint, words
from trellis.web.setup.documents import FieldDraft, ObjectDraft, changes
from trellis.web.setup.kinds import KindLook, describe, look_of, palette
from trellis.web.setup.properties import Sent, fresh, read_field, remove_field, write_field
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
    """The form of the chosen field. `offers` says which inputs its type takes."""

    field: FieldDraft
    was: str
    look: KindLook
    offers: frozenset[str]
    targets: Sequence[tuple[str, str]]
    problems: tuple[str, ...] = ()
    is_name: bool = False
    hues: tuple[str, ...] = HUES
    currencies: tuple[str, ...] = USUAL

    @property
    def is_new(self) -> bool:
        """Says whether the field is not in the draft yet."""
        return not self.was


@dataclass(frozen=True, slots=True)
class FieldsPage:
    """What the page shows."""

    draft: ObjectDraft
    icon: str
    hue: str
    changes: int
    cards: tuple[FieldCard, ...]
    palette: Sequence[tuple[str, Sequence[KindLook]]]
    inspector: Inspector | None
    address: str
    tab: str = "fields"


@blueprint.get("/<name>")
def show(name: str) -> str:
    """Shows an object's fields, and the form of the one that is chosen."""
    unit = reading()
    draft = ObjectDraft(unit, name)
    chosen, kind = request.args.get("field"), request.args.get("new")
    inspector = None
    if chosen:
        known = next((one for one in draft.fields() if one.name == chosen), None)
        inspector = inspect(unit, draft, known, chosen) if known else None
    elif kind in field_types():
        inspector = inspect(unit, draft, fresh(str(kind)), "")
    return page_of(unit, draft, inspector)


def page_of(unit: Unit, draft: ObjectDraft, inspector: Inspector | None) -> str:
    """Gives the page."""
    address = f"/setup/objects/{draft.name}"
    cards = tuple(card(draft, one, address) for one in draft.fields())
    hue = str(draft.crm.get("hue") or "blue")
    icon = str(draft.crm.get("icon") or "box")
    page = FieldsPage(draft, icon, hue, changes(unit), cards, palette(), inspector, address)
    return render_template("setup/object_fields.html", page=page)


def card(draft: ObjectDraft, one: FieldDraft, address: str) -> FieldCard:
    """Gives one field as a card."""
    detail = ""
    if one.options:
        detail = gettext("%(number)s options", number=len(one.options))
    elif one.crm("to"):
        detail = f"→ {one.crm('to')}"
    elif one.crm("currency"):
        detail = one.crm("currency")
    elif one.limit("maxLength"):
        detail = one.limit("maxLength")
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


def inspect(
    unit: Unit, draft: ObjectDraft, one: FieldDraft, was: str, problems: tuple[str, ...] = ()
) -> Inspector:
    """Gives the form of a field."""
    kind = field_types().get(one.kind)
    return Inspector(
        field=one,
        was=was,
        look=look_of(one.kind),
        offers=offers_of(kind) if kind else frozenset(),
        targets=targets(unit),
        problems=problems,
        is_name=draft.crm.get("name_field") == was != "",
    )


def offers_of(kind: FieldType) -> frozenset[str]:
    """Gives the inputs that a type's own keywords ask for."""
    keywords = {*kind.keywords, *kind.parameters}
    return frozenset(keywords | ({"options"} if kind.has_options else set()))


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
def save(name: str) -> Answer:
    """Keeps a new or changed field in the draft."""
    sent = read_field(request.form)
    try:
        with writing_now() as unit:
            draft = ObjectDraft(unit, name)
            write_field(draft, sent)
            draft.save()
    except Refused as error:
        return again(name, sent, tuple(words(problem) for problem in error.problems))
    flash(gettext("Saved in your draft"), "success")
    query: Mapping[str, Any] = {"field": sent.name}
    return redirect(with_query(f"/setup/objects/{name}", query))


def again(name: str, sent: Sent, problems: tuple[str, ...]) -> tuple[str, int]:
    """Gives the page back with what was typed and what is wrong with it."""
    unit = reading()
    draft = ObjectDraft(unit, name)
    inspector = inspect(unit, draft, sent.as_draft(), sent.was, problems)
    return page_of(unit, draft, inspector), 422


@blueprint.post("/<name>/fields/<field_name>/retire")
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
