"""Why a record changed: one entry of its history with the rules that took part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import render_template

from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.duplicates.redirects import parts_of
from trellis.records.read import read_record
from trellis.records.why_changed import FORMULA, RULE, Because, Involved, Source, explain_entry
from trellis.unit import Unit
from trellis.web.addresses import record_address
from trellis.web.columns import Columns
from trellis.web.doors import make_blueprint, object_for
from trellis.web.people import name_of, names_of
from trellis.web.reasons import Reasons
from trellis.web.timeline import Change, Timeline
from trellis.web.words import gettext
from trellis.work import reading

blueprint = make_blueprint("why_changed", "/o")


@dataclass(frozen=True, slots=True)
class Line:
    """One field that changed, and what gave it its value."""

    change: Change
    source: str


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule that took part; `href` leads those to it who may see rules."""

    label: str
    because: str
    is_of_today: bool
    href: str | None
    place: str


@dataclass(frozen=True, slots=True)
class WhyPage:
    """What the page shows; `set_off` is whose save began it, where that was another one."""

    object: object
    title: str
    address: str
    at: datetime
    by: str
    set_off: str
    origin: str
    origin_href: str | None
    chain: tuple[str, ...]
    lines: tuple[Line, ...]
    rules: tuple[RuleLine, ...]


@blueprint.get("/<object_name>/<record_id>/history/<entry_id>")
@declares(ANY_OBJECT, "read")
def why_changed(object_name: str, record_id: str, entry_id: str) -> str:
    """Shows why an entry of a record's history came about."""
    definition, _access = object_for(object_name)
    unit, language = reading(), current.language()
    record = read_record(unit, object_name, record_id)
    parts = tuple(parts_of(unit, object_name, record_id))
    found = explain_entry(unit, object_name, record_id, entry_id, parts)
    entry = found.written.entry
    columns = Columns(unit.catalog, unit.records(), language)
    timeline = Timeline(unit, definition, columns, record_id)
    names = timeline.names_in([entry])
    people = names_of(unit, {entry.by, found.by})
    changes = {name: timeline.change(name, pair, names) for name, pair in entry.changes.items()}
    labels = {one.name: unit.catalog.message(one.label, language) for one in found.rules}
    title, href = origin_of(unit, found, object_name, record_id)
    page = WhyPage(
        object=definition,
        title=str(record.get(definition.name_field) or "–"),
        address=record_address(object_name, record_id),
        at=entry.at,
        by=name_of(people, entry.by),
        set_off=name_of(people, found.by) if found.by != entry.by else "",
        origin=title,
        origin_href=href,
        chain=tuple(labels.get(name, name) for name in found.chain),
        lines=tuple(
            Line(change, source_text(unit, found.fields.get(name), labels))
            for name, change in changes.items()
            if change is not None
        ),
        rules=tuple(rule_line(unit, one) for one in found.rules),
    )
    return render_template("why_changed.html", page=page)


def origin_of(
    unit: Unit, found: Because, object_name: str, record_id: str
) -> tuple[str, str | None]:
    """Gives the record whose save began it, when it is another one that the reader sees."""
    if found.object is None or found.record is None:
        return "", None
    if (found.object, found.record) == (object_name, record_id):
        return "", None
    names = unit.records().names(found.object, {found.record})
    return names.get(found.record, "–"), record_address(found.object, found.record)


def source_text(unit: Unit, source: Source | None, labels: Mapping[str, str]) -> str:
    """Says what gave a field its value; nothing where it is not known, as for what was entered."""
    if source is None:
        return ""
    if source.kind == RULE:
        return gettext("by the rule “%(rule)s”", rule=labels.get(source.name, source.name))
    if source.kind == FORMULA:
        return gettext("computed")
    scores = {one.name: one.label for one in unit.catalog.written.scores}
    label = unit.catalog.message(scores.get(source.name, source.name), current.language())
    return gettext("by the score “%(score)s”", score=label)


def rule_line(unit: Unit, one: Involved) -> RuleLine:
    """Gives a rule in words."""
    language = current.language()
    definition = unit.catalog.objects.get(one.object)
    because = ""
    if one.condition is not None and definition is not None:
        reasons = Reasons(definition, unit.principal.access(definition.name), language)
        because = reasons.entry(one.condition.to_json())
    place = f"{one.file}:{one.line}" if one.file else ""
    if one.version is not None:
        place = gettext("%(place)s, version %(number)s", place=place, number=one.version)
    known = {rule.name for rule in unit.catalog.written.rules}
    href = f"/setup/rules/rule/{one.name}" if one.file and one.name in known else None
    return RuleLine(
        unit.catalog.message(one.label, language), because, one.is_of_today, href, place
    )
