"""Searching everything: what the palette shows while somebody types, and the page of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.objects import ObjectDefinition
from metadata.query import QueryProblem
from metadata.query.answers import MAX_SEARCH_CHARACTERS
from metadata.query.search_everywhere import Hit, Hits
from trellis import current
from trellis.declared import declares
from trellis.unit import Unit
from trellis.web.addresses import list_address, new_address, record_address, with_query
from trellis.web.columns import Columns, paths_of
from trellis.web.doors import make_blueprint
from trellis.web.formatting import hue_of
from trellis.web.shell import SEARCH, is_main, readable_objects
from trellis.web.words import gettext
from trellis.work import reading

blueprint = make_blueprint("search")

IN_PALETTE = 12
ON_PAGE = 50
TOLD = 2
TELLING = frozenset({"reference", "text", "email", "phone"})


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a search leads to; `hint` says where it was found."""

    label: str
    href: str
    icon: str
    hue: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """Things of one kind; `all_href` leads to all of them."""

    label: str
    items: tuple[Found, ...]
    all_href: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectTab:
    """A choice of the objects that are searched."""

    label: str
    href: str
    current: bool
    count: None = None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What the template shows."""

    text: str
    object: str
    tabs: tuple[ObjectTab, ...]
    groups: tuple[FoundGroup, ...]
    more_href: str | None
    limit: int = MAX_SEARCH_CHARACTERS
    address: str = SEARCH


@blueprint.get("/palette")
@declares("", "")
def palette() -> str:
    """Gives what the palette shows for a text."""
    text = asked_text()
    hits = reading().records().search(text, limit=IN_PALETTE)
    everything = FoundGroup("", (all_results(text),)) if hits.items else FoundGroup("", ())
    groups = [go_to(text), create(text), *grouped(reading(), hits, text), everything]
    shown = [group for group in groups if group.items]
    return render_template("parts/found.html", groups=shown, text=text)


@blueprint.get(SEARCH)
@declares("", "")
def results() -> str | Response:
    """Shows the records that are found by a text, of all objects or of one."""
    text, wanted = asked_text(), request.args.get("object", "")
    unit = reading()
    objects = [definition for definition in readable_objects() if may_read(definition)]
    chosen = [definition.name for definition in objects if definition.name == wanted]
    try:
        hits = unit.records().search(
            text, chosen or None, limit=ON_PAGE, after=request.args.get("after")
        )
    except QueryProblem:  # the cursor of another question
        return redirect(search_address(text, wanted))
    page = SearchPage(
        text=text,
        object=wanted if chosen else "",
        tabs=tuple(tabs(objects, text, chosen)),
        groups=tuple(grouped(unit, hits, text)),
        more_href=search_address(text, wanted, hits.next) if hits.next else None,
    )
    return render_template("search.html", page=page)


def asked_text() -> str:
    """Gives what is searched for."""
    return request.args.get("q", "").replace("\0", "").strip()[:MAX_SEARCH_CHARACTERS]


def search_address(text: str, object_name: str = "", after: str | None = None) -> str:
    """Gives the address of results."""
    return with_query(SEARCH, {"q": text, "object": object_name, "after": after})


def tabs(objects: list[ObjectDefinition], text: str, chosen: list[str]) -> list[ObjectTab]:
    """Gives the choice between all objects and each one of the navigation."""
    language = current.language()
    return [
        ObjectTab(gettext("All"), search_address(text), not chosen),
        *(
            ObjectTab(one.plural(language), search_address(text, one.name), one.name in chosen)
            for one in objects
            if is_main(one) or one.name in chosen
        ),
    ]


def grouped(unit: Unit, hits: Hits, text: str) -> list[FoundGroup]:
    """Gives what was found by object; the object with the best one comes first."""
    found: dict[str, list[Hit]] = {}
    for hit in hits.items:
        found.setdefault(hit.object, []).append(hit)
    groups = []
    for name, group in found.items():
        told = told_apart(unit, name, [hit.id for hit in group if hit.field is None])
        items = tuple(found_record(unit, hit, told.get(hit.id, "")) for hit in group)
        title = unit.catalog.objects[name].plural(current.language())
        groups.append(FoundGroup(title, items, search_address(text, name)))
    return groups


def told_apart(unit: Unit, object_name: str, ids: Sequence[str]) -> dict[str, str]:
    """Gives by what records of one name are told apart: the first texts and references that the
    object's list shows beside the name."""
    view = unit.catalog.default_view(object_name)
    known = Columns(unit.catalog, unit.records(), current.language())
    columns = [
        column
        for column in known.of(object_name, view.columns)
        if column.cell in TELLING
        and not column.is_name
        and (column.name_path or not column.is_reference)
    ][:TOLD]
    if not columns or not ids:
        return {}
    found = unit.records().by_ids(object_name, ids, paths_of(columns))
    return {
        key: " · ".join(
            str(text)
            for column in columns
            if (text := record.get(column.name_path or column.path)) not in (None, "")
        )
        for key, record in found.items()
    }


def found_record(unit: Unit, hit: Hit, hint: str = "") -> Found:
    """Gives a record with the field it was found by, else with what tells it apart."""
    definition = unit.catalog.objects[hit.object]
    if hit.field is not None:
        field = definition.fields[hit.field]
        shown = field.type.display(hit.value, field, current.language(), current.zone())
        hint = f"{field.label(current.language())}: {shown}"
    hue = definition.hue or hue_of(definition.name)
    return Found(hit.name or "–", record_address(hit.object, hit.id), definition.icon, hue, hint)


def may_read(definition: ObjectDefinition) -> bool:
    """Says whether who asks reads any records of an object."""
    return current.principal().access(definition.name).may("read")


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


def all_results(text: str) -> Found:
    """Gives the way to the page of results."""
    label = gettext("All results for “%(text)s”", text=text)
    return Found(label, search_address(text), "search", "gray")
