"""What a save did to rows and links, in a few words for the timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metadata.objects import LinkDefinition, ObjectDefinition
from trellis.unit import Unit
from trellis.web.columns import Column
from trellis.web.words import gettext

Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class ListChanges:
    """The lists of an object that histories tell of: its tables, and links from both sides."""

    unit: Unit
    definition: ObjectDefinition
    language: str

    def link(self, name: str) -> LinkDefinition | None:
        """Gives the list of a name; None for a field of another kind."""
        link = self.unit.catalog.children(self.definition.name).get(name)
        is_list = link is not None and (link.nested is not None or link.beyond is not None)
        return link if is_list else None

    def linked(self, name: str, pair: Sequence[object]) -> tuple[str, set[str]]:
        """Gives the object of linked records and their ids; rows are not named."""
        link = self.link(name)
        if link is None or link.beyond is None:
            return "", set()
        target = self.unit.catalog.objects[link.target].fields[link.beyond].target
        return str(target), ids_in(pair[0]) | ids_in(pair[1])

    def column(self, name: str) -> Column | None:
        """Gives a list as a column of text."""
        link = self.link(name)
        if link is None:
            return None
        field = self.unit.catalog.objects[link.target].fields[link.field]
        nested = self.definition.fields.get(link.nested or "")
        label = nested.label(self.language) if nested else link.label(self.language)
        return Column(name, field, label, "text", self.language)

    def said(self, name: str, pair: Sequence[object], names: Names) -> str:
        """Gives what was added, changed and removed: links by name, rows by number."""
        before, after = ids_in(pair[0]), ids_in(pair[1])
        target, _ = self.linked(name, pair)
        known = names.get(target, {}) if target else None
        if before == after and not any(len(item) > 1 for item in items_of(pair[1])):
            return gettext("put in another order")
        parts = (
            (gettext("added %(what)s"), after - before),
            (gettext("changed %(what)s"), before & after),
            (gettext("removed %(what)s"), before - after),
        )
        return " · ".join(text % {"what": named(ids, known)} for text, ids in parts if ids)


def named(ids: set[str], names: Mapping[str, str] | None) -> str:
    """Gives the names of records, or how many there are."""
    if names is None:
        return str(len(ids))
    return ", ".join(sorted(names.get(one) or "…" for one in ids))


def items_of(items: object) -> list[Mapping[str, Any]]:
    """Gives the members of one side of a change."""
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def ids_in(items: object) -> set[str]:
    """Gives the ids in one side of a change."""
    return {str(item["id"]) for item in items_of(items)}
