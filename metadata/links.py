"""Ways back: from the references of all objects to the lists of records that point here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from metadata.fields.base import FieldDefinition
from metadata.fields.nested import nested_type
from metadata.fields.read import readable
from metadata.json_text import nearest, pointer
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem

Links = Mapping[str, Mapping[str, LinkDefinition]]
Objects = Mapping[str, ObjectDefinition]


@dataclass(frozen=True, slots=True)
class Table:
    """A child_table field with the reference in its rows that leads back."""

    parent: ObjectDefinition
    field: FieldDefinition
    reference: str


Tables = Mapping[tuple[str, str], Table]
"""Tables by the object of their rows and its reference."""


def snake_case(title: str) -> str:
    """Gives an API name made of a title, as in `Quote lines` → `quote_lines`."""
    words = "".join(c.lower() if c.isascii() and c.isalnum() else " " for c in title).split()
    return "_".join(words)


def link_name(child: ObjectDefinition, field: FieldDefinition) -> str:
    """Gives the name of a reference's way back."""
    return field.text("reverse") or snake_case(child.plurals.get("en", "")) or f"{child.name}s"


def linking_fields(child: ObjectDefinition) -> Iterator[FieldDefinition]:
    """Gives the references that have a way back: the object's own.

    A reference to people has one only when it names it, a computed one none.
    """
    for field in child.own_fields:
        if field.computed:
            continue
        if field.type.targets(field) and (field.type.has_way_back or field.text("reverse")):
            yield field


def find_links(objects: Objects) -> tuple[Links, list[Problem]]:
    """Gives the ways back of every object, and what stands in their way.

    The path of a problem starts with the object's name.
    """
    links: dict[str, dict[str, LinkDefinition]] = {name: {} for name in objects}
    tables, problems = find_tables(objects)
    for child in objects.values():
        for field in linking_fields(child):
            table = tables.get((child.name, field.name))
            for target in field.type.targets(field):
                if target not in objects:
                    problems.append(unknown_target(child, field, target, list(objects)))
                    continue
                owner = table if table is not None and table.parent.name == target else None
                link = make_link(child, field, target, owner)
                taken = links[target].get(link.name)
                own = objects[target].fields.get(link.name)
                # A table that is not in order has its own problem; its name stays its own.
                is_field = own is not None and not own.nested
                if taken is not None or (is_field and link.nested is None):
                    problems.append(name_taken(child, field, link, target, taken))
                elif own is None or link.nested is not None:
                    links[target][link.name] = link
    return links, problems


def find_tables(objects: Objects) -> tuple[Tables, list[Problem]]:
    """Gives the child tables of all objects, and what is wrong with them."""
    tables: dict[tuple[str, str], Table] = {}
    problems: list[Problem] = []
    for parent in objects.values():
        for field in parent.own_fields:
            kind = nested_type(field)
            if kind is None:
                continue
            child = objects.get(field.text("to") or "")
            if child is None:
                name = field.text("to") or ""
                problems.append(unknown_target(parent, field, name, list(objects)))
            elif not kind.makes_links:
                reference = reference_back(parent, field, child)
                if isinstance(reference, Problem):
                    problems.append(reference)
                else:
                    tables[child.name, reference] = Table(parent, field, reference)
    return tables, problems


def reference_back(
    parent: ObjectDefinition, field: FieldDefinition, child: ObjectDefinition
) -> str | Problem:
    """Gives the reference by which rows belong to their parent, or why there is none."""
    known = [one.name for one in child.own_fields if parent.name in one.type.targets(one)]
    named = field.text("reverse")
    if named in known:
        return str(named)
    if named is None and len(known) == 1:
        return known[0]
    code = "no_way_to_parent" if not known else "which_way_to_parent"
    if known and named is not None:
        code = "wrong_way_to_parent"
    values = {"child": child.name, "object": parent.name, "known": known, "name": named}
    place = pointer((parent.name, "properties", field.name, "crm", "reverse"))
    return Problem(place, code, values)


def make_link(
    child: ObjectDefinition, field: FieldDefinition, target: str, table: Table | None
) -> LinkDefinition:
    """Gives the way back of one reference.

    Only its English title stands in the definition: in other languages it is called by what it
    leads to, unless that is the object itself.
    """
    if child.link_of is not None:
        return link_of_links(child, field)
    if table is not None:
        return LinkDefinition(
            name=table.field.name,
            target=child.name,
            field=field.name,
            labels=table.field.labels,
            on_delete=table.field.text("on_delete") or field.text("on_delete") or "cascade",
            nested=table.field.name,
        )
    named = field.text("reverse")
    others = child.plurals if target != child.name else {}
    return LinkDefinition(
        name=link_name(child, field),
        target=child.name,
        field=field.name,
        labels={**others, "en": readable(named)} if named else child.plurals,
        on_delete=field.text("on_delete") or ("restrict" if field.required else "set_null"),
    )


def link_of_links(child: ObjectDefinition, field: FieldDefinition) -> LinkDefinition:
    """Gives the way from a linked record to its links, whichever side it stands on.

    On the side of the field it bears the field's name; on the other side it is called as the
    objects that have the field.
    """
    sides = child.link_of
    assert sides is not None  # noqa: S101  # asked by who makes links
    on_delete = field.text("on_delete") or "cascade"
    if field.name == sides.here:
        labels = sides.titles
        return LinkDefinition(
            sides.field, child.name, field.name, labels, on_delete, True, sides.field, sides.there
        )
    return LinkDefinition(
        sides.reverse, child.name, field.name, sides.plurals, on_delete, True, None, sides.here
    )


def unknown_target(
    child: ObjectDefinition, field: FieldDefinition, name: str, known: list[str]
) -> Problem:
    """Words a reference to an object that is not there."""
    hint = nearest(name, known)
    ordered = [hint, *(other for other in known if other != hint)] if hint else known
    values = {"name": name, "known": ordered}
    return Problem(
        pointer((child.name, "properties", field.name, "crm", "to")), "unknown_object", values
    )


def name_taken(
    child: ObjectDefinition,
    field: FieldDefinition,
    link: LinkDefinition,
    target: str,
    taken: LinkDefinition | None,
) -> Problem:
    """Words a way back whose name another reference or a field has."""
    holder = f"{taken.target}.{taken.field}" if taken else f"{target}.{link.name}"
    sides = child.link_of
    owner, name = (sides.object, sides.field) if sides is not None else (child.name, field.name)
    place = pointer((owner, "properties", name, "crm", "reverse"))
    return Problem(place, "reverse_taken", {"name": link.name, "object": target, "holder": holder})
