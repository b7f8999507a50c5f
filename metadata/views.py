"""Views: saved ways to look at the records of an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from metadata.fields.base import ENGLISH, choose_label
from metadata.fields.read import read_labels, readable
from metadata.json_text import mapping, strings, text
from metadata.objects import ObjectDefinition

DEFAULT_COLUMNS: Final = 6
DEFAULT_VIEW: Final = "all"


@dataclass(frozen=True, slots=True)
class ViewDefinition:
    """A view. `columns` and `card` are paths; `sort` has a leading `-` for descending order;
    `filter` is an expression; `totals` maps a column to sum, avg, min, max or count; `roles` who
    is offered the view, everybody when empty."""

    id: str
    name: str
    object: str
    labels: Mapping[str, str]
    type: str = "list"
    columns: tuple[str, ...] = ()
    filter: str | None = None
    sort: tuple[str, ...] = ()
    group: str | None = None
    card: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    color: str | None = None
    totals: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False
    default: bool = False
    roles: tuple[str, ...] = ()
    package: str = "local"

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title in a language."""
        return choose_label(self.labels, language) or self.name

    def offered_to(self, roles: frozenset[str]) -> bool:
        """Says whether holders of some roles are offered the view."""
        return not self.roles or not roles.isdisjoint(self.roles)


def parse_view(
    object_name: str,
    name: str,
    document: Mapping[str, object],
    *,
    identity: str = "",
    package: str = "local",
) -> ViewDefinition:
    """Gives the view a checked document describes."""
    totals = mapping(document.get("totals"))
    return ViewDefinition(
        id=identity or f"{object_name}/{name}",
        name=name,
        object=object_name,
        labels=read_labels(document, "title", readable(name)),
        type=text(document.get("type")) or "list",
        columns=strings(document.get("columns")),
        filter=text(document.get("filter")),
        sort=strings(document.get("sort")),
        group=text(document.get("group")),
        card=strings(document.get("card")),
        start=text(document.get("start")),
        end=text(document.get("end")),
        color=text(document.get("color")),
        totals={column: str(measure) for column, measure in totals.items()},
        locked=document.get("locked") is True,
        default=document.get("default") is True,
        roles=strings(document.get("roles")),
        package=package,
    )


def usual_view(definition: ObjectDefinition) -> ViewDefinition:
    """Gives the list of an object that has no view: its title and its first fields."""
    others = [
        field.name
        for field in definition.own_fields
        if field.name != definition.name_field and field.type.is_brief
    ]
    columns = (definition.name_field, *others[: DEFAULT_COLUMNS - 1])
    return ViewDefinition(
        id=f"{definition.id}/{DEFAULT_VIEW}",
        name=DEFAULT_VIEW,
        object=definition.name,
        labels={"en": "All", "zh": "全部"},
        columns=(*columns, "owner") if definition.owner else columns,
        sort=("-created_at",),
        default=True,
    )
