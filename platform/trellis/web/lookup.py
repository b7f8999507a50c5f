"""What relation pickers and the palette find."""

from __future__ import annotations

from dataclasses import dataclass

from flask import jsonify, render_template, request
from werkzeug.wrappers import Response

from metadata.coerce import coerce
from metadata.json_text import mapping, read_json
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.query import QueryProblem, This
from trellis import current
from trellis.records.lookups import lookup_target
from trellis.unit import Unit
from trellis.web.addresses import list_address, new_address, record_address
from trellis.web.doors import make_blueprint, object_for
from trellis.web.form_logic import new_record
from trellis.web.formatting import hue_of
from trellis.web.shell import is_main, readable_objects
from trellis.web.words import gettext
from trellis.work import reading

blueprint = make_blueprint("lookup")

PICKED = 20
FOUND_PER_OBJECT = 5
SEARCHED_OBJECTS = 12
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Found:
    """One thing the palette leads to."""

    label: str
    href: str
    icon: str
    hue: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """Things of one kind."""

    label: str
    items: tuple[Found, ...]


@blueprint.get("/o/<object_name>/lookup")
def lookup(object_name: str) -> Response:
    """Gives records by the beginning or a part of their name, as JSON.

    `for` names the reference that wants them, as `object.field`: then only those that its filter
    lets through. `id` is the record being edited, `values` what its form holds, as JSON.
    """
    object_for(object_name)
    text = request.args.get("q", "")[:200]
    unit = reading()
    records = unit.records()
    asking = asking_field(request.args.get("for", ""), object_name)
    if asking is None:
        rows = records.lookup(object_name, text, PICKED)
    else:
        definition, field = asking
        this = This(definition.name, edited_record(unit, definition))
        try:
            wanted = field.text("filter")
            rows = records.lookup(object_name, text, PICKED, filter=wanted, this=this)
        except QueryProblem:  # it names what the reader may not see: nothing can be told
            rows = ()
    return jsonify({"items": [{"id": key, "name": name or "–"} for key, name in rows]})


def asking_field(name: str, target: str) -> tuple[ObjectDefinition, FieldDefinition] | None:
    """Gives the filtered reference that a picker stands for; None for a plain search."""
    object_name, _, field_name = name.partition(".")
    definition = current.catalog().objects.get(object_name)
    access = current.principal().access(object_name)
    if definition is None or not access.exists or not access.sees(field_name):
        return None
    field = definition.fields.get(field_name)
    if field is None or lookup_target(field) != target or field.text("filter") is None:
        return None
    return definition, field


def edited_record(unit: Unit, definition: ObjectDefinition) -> dict[str, object]:
    """Gives the record that is being edited as the reader sees it, with what the form holds."""
    record_id = request.args.get("id")
    stored = unit.records().get(definition.name, record_id) if record_id else None
    given, _ = read_json(request.args.get("values", "{}"))
    access = unit.principal.access(definition.name)
    wire = {name: value for name, value in mapping(given).items() if access.edits(name)}
    values, _ = coerce(definition, wire, partial=True, zone=unit.moment.zone)
    return {**new_record(unit, definition), **(stored or {}), **values}


@blueprint.get("/search")
def search() -> str:
    """Gives what the palette shows for a text."""
    text = request.args.get("q", "").strip()[:200]
    groups = [go_to(text), create(text), *records_named(text)]
    shown = [group for group in groups if group.items]
    return render_template("parts/found.html", groups=shown, text=text)


def go_to(text: str) -> FoundGroup:
    """Gives the pages whose title holds a text."""
    pages = [
        Found(gettext("Home"), "/", "house", "gray"),
        Found(gettext("Inbox"), "/notifications", "inbox", "gray"),
        Found(gettext("Approvals"), "/approvals", "stamp", "amber"),
        *(list_found(definition) for definition in readable_objects()),
        Found(gettext("Profile"), "/profile", "circle-user-round", "gray"),
    ]
    if current.principal().may_administer:
        pages.append(Found(gettext("Setup"), "/setup/objects", "settings-2", "gray"))
    wanted = text.casefold()
    return FoundGroup(gettext("Go to"), tuple(p for p in pages if wanted in p.label.casefold()))


def list_found(definition: ObjectDefinition) -> Found:
    """Gives an object's list."""
    hue = definition.hue or hue_of(definition.name)
    label = definition.plural(current.language())
    return Found(label, list_address(definition.name), definition.icon, hue)


def create(text: str) -> FoundGroup:
    """Gives the forms for new records whose title holds a text; none before something is typed."""
    if not text:
        return FoundGroup("", ())
    principal, language = current.principal(), current.language()
    made = [
        Found(
            gettext("New %(object)s", object=definition.label(language)),
            new_address(definition.name),
            "plus",
            definition.hue or hue_of(definition.name),
        )
        for definition in readable_objects()
        if is_main(definition) and principal.access(definition.name).create
    ]
    wanted = text.casefold()
    return FoundGroup(
        gettext("Create"), tuple(one for one in made if wanted in one.label.casefold())
    )


def records_named(text: str) -> list[FoundGroup]:
    """Gives records by name, object by object."""
    if len(text) < SHORTEST and text.isascii():
        return []
    records, language = reading().records(), current.language()
    groups = []
    readable = [d for d in readable_objects() if current.principal().access(d.name).may("read")]
    for definition in readable[:SEARCHED_OBJECTS]:
        hue = definition.hue or hue_of(definition.name)
        rows = records.lookup(definition.name, text, FOUND_PER_OBJECT)
        items = tuple(
            Found(name, record_address(definition.name, key), definition.icon, hue)
            for key, name in rows
        )
        groups.append(FoundGroup(definition.plural(language), items))
    return groups
