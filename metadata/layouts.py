"""Layouts: which fields a record page or form shows, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from metadata.fields.base import ENGLISH, FieldDefinition, choose_label
from metadata.fields.read import read_labels, readable
from metadata.json_text import mapping, sequence, strings, text
from metadata.objects import LinkDefinition, ObjectDefinition


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under a heading in 1 to 3 columns, shown when `visible_when` holds."""

    labels: Mapping[str, str]
    fields: tuple[str, ...]
    columns: int = 2
    visible_when: str | None = None

    def label(self, language: str = ENGLISH) -> str:
        """Gives the heading in a language; "" for none."""
        return choose_label(self.labels, language)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab with fields and with related lists, named by ways back, shown as a section is."""

    labels: Mapping[str, str]
    related: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    visible_when: str | None = None
    columns: ClassVar[int] = 2

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title in a language."""
        return choose_label(self.labels, language)


@dataclass(frozen=True, slots=True)
class RelatedList:
    """The records that point here over the way back `name`; no columns mean the usual ones."""

    name: str
    columns: tuple[str, ...] = ()
    filter: str | None = None
    sort: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LayoutDefinition:
    """A layout. `kind` is record, form, quick or print; `device` any, desktop or phone."""

    id: str
    name: str
    object: str
    labels: Mapping[str, str]
    kind: str = "record"
    device: str = "any"
    roles: tuple[str, ...] = ()
    record_types: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    tabs: tuple[Tab, ...] = ()
    related: tuple[RelatedList, ...] = ()
    panels: tuple[str, ...] = field(default=("timeline",))
    package: str = "local"

    @property
    def parts(self) -> tuple[Section | Tab, ...]:
        """Gives what shows fields: the sections, then the tabs with fields."""
        return (*self.sections, *(tab for tab in self.tabs if tab.fields))

    @property
    def fields(self) -> tuple[str, ...]:
        """Gives the fields of all sections and tabs, each once, in order."""
        named = [name for section in self.sections for name in section.fields]
        named += [name for tab in self.tabs for name in tab.fields]
        return tuple(dict.fromkeys(named))

    def offered_to(self, roles: frozenset[str]) -> bool:
        """Says whether the layout is meant for holders of some roles."""
        return not self.roles or not roles.isdisjoint(self.roles)


def parse_layout(
    object_name: str,
    name: str,
    document: Mapping[str, object],
    *,
    identity: str = "",
    package: str = "local",
) -> LayoutDefinition:
    """Gives the layout a checked document describes."""
    return LayoutDefinition(
        id=identity or f"{object_name}/{name}",
        name=name,
        object=object_name,
        labels=read_labels(document, "title", readable(name)),
        kind=text(document.get("kind")) or "record",
        device=text(document.get("device")) or "any",
        roles=strings(document.get("roles")),
        record_types=strings(document.get("record_types")),
        header=strings(document.get("header")),
        sections=tuple(map(parse_section, sequence(document.get("sections")))),
        tabs=tuple(map(parse_tab, sequence(document.get("tabs")))),
        related=tuple(map(parse_related, sequence(document.get("related")))),
        panels=strings(document.get("panels", ["timeline"])),
        package=package,
    )


def parse_section(given: object) -> Section:
    """Gives one section."""
    described = mapping(given)
    columns = described.get("columns")
    return Section(
        labels=read_labels(described, "title", ""),
        fields=strings(described.get("fields")),
        columns=columns if isinstance(columns, int) else 2,
        visible_when=text(described.get("visible_when")),
    )


def parse_tab(given: object) -> Tab:
    """Gives one tab."""
    described = mapping(given)
    return Tab(
        labels=read_labels(described, "title", ""),
        related=strings(described.get("related")),
        fields=strings(described.get("fields")),
        visible_when=text(described.get("visible_when")),
    )


def parse_related(given: object) -> RelatedList:
    """Gives one related list."""
    described = mapping(given)
    return RelatedList(
        name=text(described.get("name")) or "",
        columns=strings(described.get("columns")),
        filter=text(described.get("filter")),
        sort=strings(described.get("sort")),
    )


def usual_layout(
    definition: ObjectDefinition, kind: str, links: Iterable[LinkDefinition]
) -> LayoutDefinition:
    """Gives the layout of an object that has none: all its fields and all ways back."""
    own = tuple(definition.own_fields)
    names = tuple(field.name for field in own)
    return LayoutDefinition(
        id=f"{definition.id}/{kind}",
        name=kind,
        object=definition.name,
        labels={"en": readable(kind)},
        kind=kind,
        header=tuple(field.name for field in own if is_header(definition, field))[:4],
        sections=(Section({"en": "Details", "zh": "详情"}, names),),
        related=tuple(RelatedList(link.name) for link in links),
        panels=("timeline", "score", "approvals"),
    )


def is_header(definition: ObjectDefinition, field: FieldDefinition) -> bool:
    """Says whether a field may stand among those that a record's page shows first."""
    return field.name != definition.name_field and field.type.is_brief
