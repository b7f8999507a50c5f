"""Related lists of a record: the records that point at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from metadata.layouts import LayoutDefinition, RelatedList
from metadata.objects import LinkDefinition, ObjectDefinition
from trellis.unit import Unit
from trellis.web.activities import WAY_BACK
from trellis.web.addresses import new_address, record_address
from trellis.web.columns import Column, Columns, paths_of
from trellis.web.words import gettext

SHOWN = 6


@dataclass(frozen=True, slots=True)
class RelatedRow:
    """One record: its title, what stands below it, and what stands at the right."""

    href: str
    title: str
    second: Column | None
    third: Column | None
    all: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Related:
    """The records of one way back. `count_text` is `5+` when there are more than are shown."""

    label: str
    object: ObjectDefinition
    rows: tuple[RelatedRow, ...]
    count_text: str
    add_href: str | None
    all_href: str | None = None


def related_lists(
    unit: Unit,
    definition: ObjectDefinition,
    layout: LayoutDefinition,
    record_id: str,
    language: str,
) -> tuple[Related, ...]:
    """Gives the related lists of a record as the layout wants them; activities have their place
    in the timeline."""
    named = list(layout.related)
    named += [RelatedList(name) for tab in layout.tabs for name in tab.related]
    links = unit.catalog.children(definition.name)
    found = []
    for wanted in named:
        link = links.get(wanted.name)
        if link is None or link.name == WAY_BACK or link.nested is not None:
            continue
        if is_told(unit, link, wanted):
            found.append(related(unit, link, wanted, record_id, language))
    return tuple(found)


def is_told(unit: Unit, link: LinkDefinition, wanted: RelatedList) -> bool:
    """Says whether a related list has anything to tell: not when it counts on hidden fields."""
    access = unit.principal.access(link.target)
    if not access.may("read") or not access.reads(link.field):
        return False
    return not unit.records().check(link.target, filter=wanted.filter)


def related(
    unit: Unit, link: LinkDefinition, wanted: RelatedList, record_id: str, language: str
) -> Related:
    """Gives one related list."""
    if link.beyond is not None:
        return linked(unit, link, record_id, language)
    target = unit.catalog.objects[link.target]
    records = unit.records()
    usual = wanted.columns or unit.catalog.default_view(target.name).columns
    columns = Columns(unit.catalog, records, language).of(target.name, usual)
    shown = [column for column in columns if not column.is_name and column.path != link.field]
    access = unit.principal.access(target.name)
    named = [target.name_field] if access.reads(target.name_field) else []
    order = wanted.sort or ("-created_at",)
    page = records.list(
        target.name,
        fields=[*named, *paths_of(shown)],
        filter=wanted.filter,
        sort=[one for one in order if not records.check(target.name, sort=[one])],
        match={link.field: record_id},
        limit=SHOWN,
    )
    may_add = access.create and access.edits(link.field)
    rows = tuple(row(target, shown, item) for item in page.items)
    return Related(
        label=link.label(language) if link.field else target.plural(language),
        object=target,
        rows=rows,
        count_text=f"{len(rows)}+" if page.next else str(len(rows)) if rows else "",
        add_href=new_address(target.name, {link.field: record_id}) if may_add else None,
    )


def linked(unit: Unit, link: LinkDefinition, record_id: str, language: str) -> Related:
    """Gives the records beyond links: what stands below each is what its link says."""
    child = unit.catalog.objects[link.target]
    reference = child.fields[str(link.beyond)]
    target = unit.catalog.objects[str(reference.target)]
    records = unit.records()
    own = (f.name for f in child.own_fields if f.name not in (link.field, link.beyond))
    columns = Columns(unit.catalog, records, language).of(child.name, [reference.name, *own])
    page = records.list(
        child.name, fields=paths_of(columns), match={link.field: record_id}, limit=SHOWN
    )
    shown = [column for column in columns if column.path != reference.name]
    title = next((c.name_path for c in columns if c.path == reference.name), None)
    rows = tuple(
        replace(
            row(child, shown, item),
            href=record_address(target.name, str(item[reference.name])),
            title=str(item.get(title or "") or gettext("Untitled")),
        )
        for item in page.items
    )
    count = f"{len(rows)}+" if page.next else str(len(rows)) if rows else ""
    return Related(link.label(language), target, rows, count, None)


def row(target: ObjectDefinition, shown: list[Column], item: Mapping[str, object]) -> RelatedRow:
    """Gives one related record: tags and amounts at the right, the rest below the title."""
    right = next((c for c in shown if c.cell in {"money", "choice", "boolean", "date"}), None)
    below = next((c for c in shown if c is not right), None)
    return RelatedRow(
        href=record_address(target.name, str(item["id"])),
        title=str(item.get(target.name_field) or gettext("Untitled")),
        second=below if below and item.get(below.path) is not None else None,
        third=right if right and item.get(right.path) is not None else None,
        all=item,
    )
