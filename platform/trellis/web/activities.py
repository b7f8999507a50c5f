"""Activities on a record: calls, meetings and notes that an object keeps for it.

An object has activities when it has a way back named `activities`; the records there are
described by their own fields: the title, the first choice as kind, the first instant as time,
the first long text as body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from metadata.objects import FieldDefinition, LinkDefinition, ObjectDefinition
from trellis.unit import Unit
from trellis.web.addresses import record_address
from trellis.web.people import name_of, names_of

WAY_BACK = "activities"
SHOWN = 20
TITLE_LENGTH = 120
ICONS = {
    "call": "phone",
    "email": "mail",
    "meeting": "calendar",
    "visit": "map-pin",
    "note": "notebook-pen",
    "task": "circle-check",
    "message": "message-square",
}
USUAL_ICON = "message-square"


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity as the timeline shows it."""

    at: datetime
    title: str
    kind: str
    icon: str
    hue: str
    by: str
    body: str
    href: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of activity that can be written down."""

    value: str
    label: str
    icon: str


@dataclass(frozen=True, slots=True)
class Composer:
    """The box in which somebody writes down what happened."""

    address: str
    label: str
    kind_label: str
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """Which fields of the activity object mean what; `link` leads from the record to it."""

    link: LinkDefinition
    object: ObjectDefinition
    kind: FieldDefinition | None
    time: FieldDefinition | None
    body: FieldDefinition | None


def shape_of(unit: Unit, definition: ObjectDefinition) -> Shape | None:
    """Gives how an object keeps activities; None when it does not, or they are not to be seen."""
    link = unit.catalog.children(definition.name).get(WAY_BACK)
    if link is None or not unit.principal.access(link.target).exists:
        return None
    target = unit.catalog.objects[link.target]
    access = unit.principal.access(link.target)
    if not all(map(access.reads, (link.field, target.name_field, "created_at", "created_by"))):
        return None
    seen = [field for field in target.own_fields if access.reads(field.name)]
    return Shape(
        link=link,
        object=target,
        kind=next((field for field in seen if field.options), None),
        time=next((field for field in seen if field.type.name == "datetime"), None),
        body=next((field for field in seen if not field.type.is_brief), None),
    )


def activities_of(unit: Unit, shape: Shape, record_id: str, language: str) -> list[Activity]:
    """Gives a record's latest activities."""
    fields = [shape.object.name_field, "created_at", "created_by"]
    fields += [f.name for f in (shape.kind, shape.time, shape.body) if f is not None]
    order = f"-{shape.time.name}" if shape.time else "-created_at"
    page = unit.records().list(
        shape.link.target,
        fields=fields,
        match={shape.link.field: record_id},
        sort=(order,),
        limit=SHOWN,
    )
    people = names_of(unit, {str(item["created_by"]) for item in page.items})
    return [activity(shape, item, people, language) for item in page.items]


def activity(
    shape: Shape, item: Mapping[str, object], people: Mapping[str, str], language: str
) -> Activity:
    """Gives one activity."""
    at = (item.get(shape.time.name) if shape.time else None) or item["created_at"]
    value = str(item.get(shape.kind.name) or "") if shape.kind else ""
    option = shape.kind.option(value) if shape.kind else None
    label = (option.labels.get(language) or option.labels.get("en") or value) if option else ""
    title = str(item.get(shape.object.name_field) or "")
    body = str(item.get(shape.body.name) or "") if shape.body else ""
    return Activity(
        at=as_instant(at),
        title=title,
        kind=label,
        icon=ICONS.get(value, USUAL_ICON),
        hue=(option.hue if option else None) or "gray",
        by=name_of(people, str(item["created_by"])),
        body=body.removeprefix(title).strip(),
        href=record_address(shape.object.name, str(item["id"])),
    )


def as_instant(value: object) -> datetime:
    """Gives a value that the definition says is an instant."""
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no instant")
    return value


def composer_of(unit: Unit, shape: Shape, address: str, language: str) -> Composer | None:
    """Gives the box for a new activity, when who asks may make one."""
    access = unit.principal.access(shape.link.target)
    needed = (shape.link.field, shape.object.name_field)
    if not access.create or not all(access.edits(name) for name in needed):
        return None
    return Composer(
        address=f"{address}/activities",
        label=shape.object.label(language),
        kind_label=shape.kind.label(language) if shape.kind else "",
        kinds=kinds_of(shape, language),
    )


def kinds_of(shape: Shape, language: str) -> tuple[Kind, ...]:
    """Gives the kinds to choose from, the usual one first."""
    if shape.kind is None:
        return ()
    options = [option for option in shape.kind.options if not option.retired]
    usual = shape.kind.default
    options.sort(key=lambda option: option.value != usual)
    return tuple(
        Kind(
            option.value,
            option.labels.get(language) or option.labels.get("en") or option.value,
            ICONS.get(option.value, USUAL_ICON),
        )
        for option in options
    )


def new_activity(
    shape: Shape, record_id: str, text: str, kind: str, at: datetime
) -> dict[str, object]:
    """Gives the values of an activity: the first line is its title, the whole text its body."""
    lines = text.strip().splitlines() or [""]
    title = lines[0].strip()
    short = title if len(title) <= TITLE_LENGTH else f"{title[: TITLE_LENGTH - 1]}…"
    values: dict[str, object] = {shape.object.name_field: short, shape.link.field: record_id}
    if shape.kind is not None and kind:
        values[shape.kind.name] = kind
    if shape.time is not None:
        values[shape.time.name] = at.isoformat()
    if shape.body is not None and text.strip() != short:
        values[shape.body.name] = text.strip()
    return values
