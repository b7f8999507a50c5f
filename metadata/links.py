"""Ways back: from the references of all objects to the lists of records that point here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metadata.fields.base import FieldDefinition
from metadata.fields.read import readable
from metadata.json_text import nearest, pointer
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem

Links = Mapping[str, Mapping[str, LinkDefinition]]


def snake_case(title: str) -> str:
    """Gives an API name made of a title, as in `Quote lines` → `quote_lines`."""
    words = "".join(c.lower() if c.isascii() and c.isalnum() else " " for c in title).split()
    return "_".join(words)


def link_name(child: ObjectDefinition, field: FieldDefinition) -> str:
    """Gives the name of a reference's way back."""
    return field.text("reverse") or snake_case(child.plurals.get("en", "")) or f"{child.name}s"


def linking_fields(child: ObjectDefinition) -> Iterator[FieldDefinition]:
    """Gives the references that have a way back: the object's own.

    A reference to users has one only when it names it.
    """
    for field in child.own_fields:
        if field.target is not None and (field.target != "user" or field.text("reverse")):
            yield field


def find_links(objects: Mapping[str, ObjectDefinition]) -> tuple[Links, list[Problem]]:
    """Gives the ways back of every object, and what stands in their way.

    The path of a problem starts with the object's name.
    """
    links: dict[str, dict[str, LinkDefinition]] = {name: {} for name in objects}
    problems: list[Problem] = []
    for child in objects.values():
        for field in linking_fields(child):
            target = str(field.target)
            if target not in objects:
                problems.append(unknown_target(child, field, list(objects)))
                continue
            link = make_link(child, field)
            taken = links[target].get(link.name)
            if taken is not None or link.name in objects[target].fields:
                problems.append(name_taken(child, field, link.name, taken))
            else:
                links[target][link.name] = link
    return links, problems


def make_link(child: ObjectDefinition, field: FieldDefinition) -> LinkDefinition:
    """Gives the way back of one reference.

    Only its English title stands in the definition: in other languages it is called by what it
    leads to, unless that is the object itself.
    """
    named = field.text("reverse")
    others = child.plurals if field.target != child.name else {}
    return LinkDefinition(
        name=link_name(child, field),
        target=child.name,
        field=field.name,
        labels={**others, "en": readable(named)} if named else child.plurals,
        on_delete=field.text("on_delete") or ("restrict" if field.required else "set_null"),
    )


def unknown_target(child: ObjectDefinition, field: FieldDefinition, known: list[str]) -> Problem:
    """Words a reference to an object that is not there."""
    hint = nearest(str(field.target), known)
    ordered = [hint, *(name for name in known if name != hint)] if hint else known
    values = {"name": field.target, "known": ordered}
    return Problem(
        pointer((child.name, "properties", field.name, "crm", "to")), "unknown_object", values
    )


def name_taken(
    child: ObjectDefinition, field: FieldDefinition, name: str, taken: LinkDefinition | None
) -> Problem:
    """Words a way back whose name another reference or a field has."""
    holder = f"{taken.target}.{taken.field}" if taken else f"{field.target}.{name}"
    place = pointer((child.name, "properties", field.name, "crm", "reverse"))
    return Problem(place, "reverse_taken", {"name": name, "object": field.target, "holder": holder})
