"""Objects in setup: the list, a new one, settings, access, going out of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.fields.options import HUES
from trellis import current
from trellis.declared import declares
from trellis.designer.drafts import Drafted, delete_element, discard, list_drafted
from trellis.errors import Refused
from trellis.web.doors import make_blueprint, words
from trellis.web.setup.controls import Control, carried
from trellis.web.setup.documents import ObjectDraft, changes, parsed
from trellis.web.setup.fields import offers_in
from trellis.web.setup.grants import GRANTS, LEVELS, RoleLevel, role_levels, set_level
from trellis.web.setup.settings import (
    Settings,
    base_of,
    controls_of,
    create,
    flaws,
    read_settings,
    settings_of,
    write,
    write_controls,
)
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_objects", "/setup")

Answer = str | Response | tuple[str, int]

ROLE = "role-"
OBJECT_ICONS = (
    *("box", "folder-open", "file-text", "clipboard-list", "list-checks", "kanban", "target"),
    *("users", "user-round", "contact-round", "building-2", "factory", "store", "landmark"),
    *("hotel", "house", "school", "graduation-cap", "book-open", "stethoscope", "heart-pulse"),
    *("briefcase", "handshake", "banknote", "receipt-text", "wallet", "piggy-bank", "percent"),
    *("package", "warehouse", "truck", "ship", "plane", "car", "wrench", "hard-hat", "cog"),
    *("phone", "mail", "message-square", "megaphone", "calendar", "clock", "ticket", "life-buoy"),
    *("shield-check", "scroll-text", "gavel", "award", "star", "gift", "flag", "map-pin", "globe"),
    *("database", "cpu", "plug", "flask-conical", "leaf", "dumbbell", "utensils", "camera"),
)


@dataclass(frozen=True, slots=True)
class ObjectLine:
    """One object in the list. `state` is new, changed, retired or empty."""

    name: str
    label: str
    icon: str
    hue: str | None
    package: str
    fields: int
    state: str


@dataclass(frozen=True, slots=True)
class ObjectsPage:
    """What the list shows."""

    objects: tuple[ObjectLine, ...]
    changes: int


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """What the pages of one object show, besides its fields."""

    draft: ObjectDraft | None
    settings: Settings
    changes: int
    tab: str
    roles: Sequence[RoleLevel] = ()
    problems: tuple[str, ...] = ()
    levels: tuple[tuple[str, Any], ...] = LEVELS
    hues: tuple[str, ...] = HUES
    controls: tuple[Control, ...] = ()
    base: str = ""

    @property
    def icons(self) -> tuple[str, ...]:
        """Gives the icons to choose from, the chosen one among them."""
        chosen = self.settings.icon
        return OBJECT_ICONS if chosen in OBJECT_ICONS else (chosen, *OBJECT_ICONS)


@blueprint.get("/")
@declares("", "")
def index() -> Response:
    """Leads to the objects."""
    return redirect("/setup/objects")


@blueprint.get("/objects")
@declares("", "administer")
def objects() -> str:
    """Shows all objects with what the draft does to them."""
    unit = reading()
    lines = sorted(map(line, list_drafted(unit, "object")), key=lambda one: one.label)
    return render_template("setup/objects.html", page=ObjectsPage(tuple(lines), changes(unit)))


def line(drafted: Drafted) -> ObjectLine:
    """Gives one object of the list."""
    known = current.catalog().objects.get(drafted.name)
    definition = parsed(drafted.name, drafted) or known
    titled = known or definition
    return ObjectLine(
        name=drafted.name,
        label=titled.label(current.language()) if titled else drafted.name,
        icon=definition.icon if definition else "box",
        hue=definition.hue if definition else None,
        package=drafted.package,
        fields=len(list(definition.own_fields)) if definition else 0,
        state=state_of(drafted, is_known=known is not None),
    )


def state_of(drafted: Drafted, *, is_known: bool) -> str:
    """Says what the draft does with an object."""
    if not drafted.is_changed:
        return ""
    if drafted.body is None:
        return "retired"
    return "changed" if is_known else "new"


@blueprint.route("/objects/new", methods=["GET", "POST"])
@declares("", "administer")
def new() -> Answer:
    """Shows the form for a new object, or puts it into the draft."""
    unit = reading()
    if request.method == "GET":
        usual = Settings(owner="1", name_title="Name", name_title_zh="名称")
        return show_new(usual)
    sent = read_settings(request.form)
    found = flaws(unit, sent)
    if found:
        return show_new(sent, found), 422
    try:
        with writing_now() as writing:
            create(writing, sent, levels_sent())
    except Refused as error:
        return show_new(sent, tuple(map(words, error.problems))), 422
    flash(gettext("In your draft. Add fields, then publish."), "success")
    return redirect(f"/setup/objects/{sent.name}")


def show_new(settings: Settings, problems: tuple[str, ...] = ()) -> str:
    """Gives the form for a new object."""
    unit = reading()
    roles = role_levels(unit, "")
    page = ObjectPage(None, settings, changes(unit), "new", roles, problems)
    return render_template("setup/object_new.html", page=page)


def levels_sent() -> dict[str, str]:
    """Gives the steps that were chosen, by role."""
    return {
        name.removeprefix(ROLE): value
        for name, value in request.form.items()
        if name.startswith(ROLE) and value in GRANTS
    }


@blueprint.route("/objects/<name>/settings", methods=["GET", "POST"])
@declares("", "administer")
def settings(name: str) -> Answer:
    """Shows an object's settings, or changes them in the draft."""
    draft = ObjectDraft(reading(), name)
    if request.method == "GET":
        return show_settings(draft, settings_of(draft))
    sent = read_settings(request.form)
    try:
        with writing_now() as writing:
            written = ObjectDraft(writing, name)
            write_controls(written, offers_in(writing, written), request.form)
            write(written, sent)
    except Refused as error:
        write_controls(draft, offers_in(draft.unit, draft), request.form)
        return show_settings(draft, sent, tuple(map(words, error.problems))), 422
    flash(gettext("Saved in your draft"), "success")
    return redirect(f"/setup/objects/{name}/settings")


def show_settings(draft: ObjectDraft, shown: Settings, problems: tuple[str, ...] = ()) -> str:
    """Gives the settings page."""
    base = base_of(draft)
    controls = controls_of(base, offers_in(draft.unit, draft))
    page = ObjectPage(
        draft,
        shown,
        changes(reading()),
        "settings",
        problems=problems,
        controls=controls,
        base=carried(base),
    )
    return render_template("setup/object_settings.html", page=page)


@blueprint.route("/objects/<name>/access", methods=["GET", "POST"])
@declares("", "administer")
def access(name: str) -> Answer:
    """Shows who may use an object, or changes it in the draft."""
    unit = reading()
    draft = ObjectDraft(unit, name)
    if request.method == "GET":
        roles = role_levels(unit, name)
        page = ObjectPage(draft, settings_of(draft), changes(unit), "access", roles)
        return render_template("setup/object_access.html", page=page)
    before = {role.name: role.level for role in role_levels(unit, name)}
    with writing_now() as writing:
        for role, level in levels_sent().items():
            if before.get(role) != level:
                set_level(writing, role, name, level)
    flash(gettext("Saved in your draft"), "success")
    return redirect(f"/setup/objects/{name}/access")


@blueprint.post("/objects/<name>/retire")
@declares("", "administer")
def retire(name: str) -> Response:
    """Takes an object out of use in the draft; a new one is forgotten."""
    with writing_now() as unit:
        delete_element(unit, "object", name)
    flash(gettext("In your draft: the object goes out of use when you publish."), "success")
    return redirect("/setup/objects")


@blueprint.post("/objects/<name>/discard")
@declares("", "administer")
def forget(name: str) -> Response:
    """Forgets what the draft does with an object."""
    with writing_now() as unit:
        discard(unit, "object", name)
    flash(gettext("Your changes of %(name)s are forgotten.", name=name), "success")
    return redirect("/setup/objects")
