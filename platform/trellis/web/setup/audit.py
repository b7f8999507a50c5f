"""The audit in setup: who logged in, exported, read sensitive data, changed rights, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from flask import render_template, request

from metadata.query import UnknownObject
from trellis import current
from trellis.audit.kinds import KINDS, detail_wording, wording
from trellis.audit.listing import Event, Wanted, list_events
from trellis.declared import declares
from trellis.records.history import is_id
from trellis.unit import Unit
from trellis.web.addresses import record_address
from trellis.web.doors import make_blueprint
from trellis.web.people import name_of, names_of
from trellis.web.setup.documents import changes
from trellis.web.words import gettext
from trellis.work import reading

blueprint = make_blueprint("setup_audit", "/setup/audit")

PAGE = 50
LINKED = 3
MAX_PEOPLE = 50
PEOPLE = ("to", "from", "grantee")
NAMES = ("person", "object", "kind", "since", "until")


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the page shows it; `records` are addresses of some records it is about."""

    at: datetime
    by: str
    what: str
    object: str
    records: tuple[str, ...]
    count: int
    details: str
    why: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """What the page shows; `given` holds the filters as they were typed."""

    lines: tuple[Line, ...]
    given: Mapping[str, str]
    objects: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    following: str | None
    changes: int


@blueprint.get("")
@declares("", "administer")
def audit() -> str:
    """Shows the events that were asked for, newest first."""
    unit = reading()
    given = {name: request.args.get(name, "").replace("\0", "").strip() for name in NAMES}
    before = request.args.get("before", "")
    wanted = wanted_of(unit, given)
    events, last = list_events(unit, wanted, before=before if is_id(before) else None, limit=PAGE)
    people = names_of(unit, [event.by for event in events])
    kept = {name: text for name, text in given.items() if text}
    following = f"/setup/audit?{urlencode({**kept, 'before': last})}" if last else None
    language = current.language()
    page = AuditPage(
        lines=tuple(line_of(unit, event, people) for event in events),
        given=given,
        objects=tuple((one.name, one.label(language)) for one in unit.catalog.objects.values()),
        kinds=tuple((kind, words[language]) for kind, words in KINDS.items()),
        following=following,
        changes=changes(unit),
    )
    return render_template("setup/audit.html", page=page)


def wanted_of(unit: Unit, given: Mapping[str, str]) -> Wanted:
    """Gives what is looked for; a filter that cannot be read is as if it were not given."""
    return Wanted(
        people=people_of(unit, given["person"]) if given["person"] else None,
        object=given["object"] or None,
        kind=given["kind"] or None,
        since=start_of(given["since"], 0),
        until=start_of(given["until"], 1),
    )


def people_of(unit: Unit, text: str) -> frozenset[str]:
    """Gives whose events a text asks for: those of people with such a name, or of that account."""
    try:
        found = unit.records().lookup("user", text, MAX_PEOPLE)
    except UnknownObject:
        found = ()
    return frozenset({text, *(key for key, _name in found)})


def start_of(text: str, later: int) -> datetime | None:
    """Gives when a day of a filter begins, or one so many days later; None for what is no day."""
    try:
        day = date.fromisoformat(text) + timedelta(days=later)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(day, time.min, current.zone())


def line_of(unit: Unit, event: Event, people: Mapping[str, str]) -> Line:
    """Gives one event in words."""
    definition = unit.catalog.objects.get(event.object or "")
    language = current.language()
    records = event.record_ids[:LINKED] if definition is not None else ()
    known = event.by in people or event.by in ("system", "automation")
    return Line(
        at=event.at,
        by=name_of(people, event.by) if known else event.by,
        what=wording(event.kind, language),
        object=definition.label(language) if definition is not None else event.object or "",
        records=tuple(record_address(str(event.object), key) for key in records),
        count=len(event.record_ids),
        details=details_of(unit, event),
        why=event.why or "",
    )


def details_of(unit: Unit, event: Event) -> str:
    """Gives the values of an event: fields by their titles, people by name, else as noted."""
    if not isinstance(event.values, Mapping):  # a row that something else has written
        return str(event.values)
    language = current.language()
    parts = (
        (detail_wording(name, language), shown_value(unit, event, name, value))
        for name, value in event.values.items()
        if value not in (None, "", [], {})
    )
    return " · ".join(
        gettext("%(name)s: %(value)s", name=name, value=value) for name, value in parts
    )


def shown_value(unit: Unit, event: Event, name: str, value: object) -> str:
    """Gives a value of an event as a reader understands it."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, Mapping):
        objects, language = unit.catalog.objects, current.language()
        named = ((objects[n].plural(language) if n in objects else n, v) for n, v in value.items())
        return ", ".join(f"{title} {number}" for title, number in named)
    if isinstance(value, list):
        return ", ".join(title_of(unit, event, name, str(one)) for one in value)
    if name in PEOPLE and is_id(str(value)):
        return name_of(names_of(unit, [str(value)]), str(value))
    return title_of(unit, event, name, str(value))


def title_of(unit: Unit, event: Event, name: str, value: str) -> str:
    """Gives the title of a field or role; other values as they are."""
    language = current.language()
    definition = unit.catalog.objects.get(event.object or "")
    if name == "fields" and definition is not None and value in definition.fields:
        return definition.fields[value].label(language)
    if name in ("role", "roles") and value in unit.catalog.roles:
        return unit.catalog.roles[value].label(language)
    return value
