"""What a reader sees of the rows and links that a record's history tells of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from metadata.fields.base import FieldDefinition
from metadata.objects import LinkDefinition
from trellis.unit import Unit

UNSEEN: Final = ""
"""The key of what is left out; no element has such an id."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A list of rows or links: its name, the object of the ids in it, and its fields by id."""

    name: str
    target: str
    fields: Mapping[str, FieldDefinition]


def told_lists(unit: Unit, object_name: str) -> dict[str, Told]:
    """Gives what an object's histories tell of, as far as the reader sees it, by stable ids."""
    definition = unit.catalog.objects[object_name]
    access, found = unit.principal.access(object_name), {}
    for link in unit.catalog.children(object_name).values():
        if link.nested is not None and access.reads(link.nested):
            found[definition.fields[link.nested].id] = told_list(unit, link)
        elif link.nested is None and link.beyond is not None and may_read(unit, link.target):
            reference = unit.catalog.objects[link.target].fields[link.field]
            found[reference.id] = told_list(unit, link)
    return found


def may_read(unit: Unit, object_name: str) -> bool:
    """Says whether the reader sees any record of an object."""
    return unit.principal.access(object_name).may("read")


def told_list(unit: Unit, link: LinkDefinition) -> Told:
    """Gives one list with the fields of its members that the reader sees in full."""
    child, access = unit.catalog.objects[link.target], unit.principal.access(link.target)
    target = link.target if link.beyond is None else str(child.fields[link.beyond].target)
    fields = {field.id: field for field in child.own_fields if access.reads(field.name)}
    return Told(link.name, target, fields)


def seen_lists(
    unit: Unit, object_name: str, rows: Iterable[Mapping[str, Any]]
) -> tuple[list[Row], dict[str, str]]:
    """Gives rows of the history without members of lists that the reader may not see, and the
    names of the lists by id.

    Members that are deleted by now are judged as they were. One statement per object.
    """
    lists = told_lists(unit, object_name)
    found = [dict(row) for row in rows]
    readable = readable_ids(unit, lists, found)
    for row in found:
        row["changes"] = dict(row["changes"])
        for key in row["changes"].keys() & lists.keys():
            told = lists[key]
            old, new = row["changes"][key]
            pair = [seen(told, items, readable[told.target]) for items in (old, new)]
            if pair == [[], []]:
                del row["changes"][key]
                row["changes"][UNSEEN] = [None, None]
            else:
                row["changes"][key] = pair
    return found, {key: told.name for key, told in lists.items()}


def readable_ids(
    unit: Unit, lists: Mapping[str, Told], rows: Sequence[Row]
) -> dict[str, frozenset[str]]:
    """Gives by object which of the ids in some lists the reader may know."""
    wanted: dict[str, set[str]] = {told.target: set() for told in lists.values()}
    for row in rows:
        for key in row["changes"].keys() & lists.keys():
            members = (item for items in row["changes"][key] for item in items)
            wanted[lists[key].target].update(str(item["id"]) for item in members)
    records = unit.records()
    return {
        name: records.readable(name, ids) if ids else frozenset() for name, ids in wanted.items()
    }


def seen(
    told: Told, items: Iterable[Mapping[str, Any]], readable: frozenset[str]
) -> list[dict[str, object]]:
    """Gives the members of a list that may be seen, with the names of their fields."""
    return [
        {
            "id": item["id"],
            **{told.fields[key].name: value for key, value in item.items() if key in told.fields},
        }
        for item in items
        if str(item["id"]) in readable
    ]
