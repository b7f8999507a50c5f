"""Rights that follow from others: on link objects, and on fields that show other records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from metadata.access import EVERYTHING, Access, FieldRight, nothing
from metadata.links import Links
from metadata.objects import LinkSides, ObjectDefinition

Grants = Mapping[str, Access]
Objects = Mapping[str, ObjectDefinition]


def with_relations(grants: Grants, objects: Objects, links: Links) -> dict[str, Access]:
    """Gives rights by object with those on links, and without fields whose records are hidden.

    A link is there for who reads the field that lists it and the objects on both sides; which
    links that are is decided row by row by `metadata.query`. Nobody writes links but by that field.
    """
    made = {name: access for name, access in grants.items() if not is_link(objects.get(name))}
    for definition in objects.values():
        if definition.link_of is not None:
            made[definition.name] = link_access(definition, definition.link_of, made)
    for name in objects.keys() & made.keys():
        hidden = {
            link.nested: FieldRight.HIDDEN
            for link in links.get(name, {}).values()
            if link.nested is not None and not is_shown(made.get(link.target), link.field)
        }
        if hidden:
            made[name] = replace(made[name], fields={**made[name].fields, **hidden})
    return made


def is_link(definition: ObjectDefinition | None) -> bool:
    """Says whether an object is made of links."""
    return definition is not None and definition.link_of is not None


def is_shown(access: Access | None, reference: str) -> bool:
    """Says whether records with a reference to the one at hand may be listed beside it."""
    return access is not None and access.may("read") and access.reads(reference)


def link_access(definition: ObjectDefinition, sides: LinkSides, grants: Grants) -> Access:
    """Gives the rights on a link object."""
    here, there = grants.get(sides.object), grants.get(sides.target)
    if here is None or there is None:
        return nothing(definition.name)
    if not (here.may("read") and there.may("read") and here.reads(sides.field)):
        return nothing(definition.name)
    rows = {action: EVERYTHING for action in ("read", "export", "report") if here.may(action)}
    return Access(definition.name, False, rows, {}, FieldRight.READ)
