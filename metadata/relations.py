"""What fields make of other objects: link objects, and the order of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from metadata.fields.base import FieldDefinition
from metadata.fields.nested import NestedType, nested_type
from metadata.fields.read import readable
from metadata.fields.types.many_to_many import link_properties, link_required
from metadata.json_text import mapping, text
from metadata.links import link_name
from metadata.objects import LinkSides, ObjectDefinition
from metadata.parse import REFUSED_FIELDS, parse_object
from metadata.problems import Problem
from metadata.system_fields import ROW_POSITION, system_fields

Objects = Mapping[str, ObjectDefinition]

MAX_TABLE_NAME: Final = 63
KEPT_NAMES: Final = frozenset({"id", "name"})
"""What every link says on the wire besides its own fields."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The link object of a field, with what is wrong in the definition of its own fields.

    The paths of problems are those of the document that makes it.
    """

    definition: ObjectDefinition
    problems: tuple[Problem, ...]


def link_object_name(definition: ObjectDefinition, field: FieldDefinition) -> str:
    """Gives the name of the link object that a field makes."""
    return f"{definition.name}_{field.name}"


def sides_of(definition: ObjectDefinition, field: FieldDefinition) -> LinkSides:
    """Gives the two references of a link object.

    They are called as the objects they lead to; where that is not possible, `linked_…`.
    """
    target = field.text("to") or ""
    taken = REFUSED_FIELDS | link_properties(field).keys()
    here = definition.name if definition.name not in taken else f"linked_{definition.name}"
    there = target if target not in {*taken, here} else f"linked_{target}"
    if there == here:
        there = f"{there}_too"
    named = field.text("reverse")
    plurals = {**definition.plurals, "en": readable(named)} if named else definition.plurals
    reverse = link_name(definition, field)
    return LinkSides(
        definition.name, field.name, here, target, there, reverse, field.labels, plurals
    )


def nested_fields(definition: ObjectDefinition) -> Iterator[tuple[FieldDefinition, NestedType]]:
    """Gives the fields whose values are records of other objects, those out of use too."""
    for field in (*definition.own_fields, *definition.retired_fields.values()):
        kind = nested_type(field)
        if kind is not None and field.text("to"):
            yield field, kind


def link_document(definition: ObjectDefinition, field: FieldDefinition) -> dict[str, object]:
    """Gives the definition of a field's link object, as a document.

    Ids and the table's name follow from the field's id and column, which a rename leaves alone.
    """
    sides = sides_of(definition, field)
    own = {
        name: {**mapping(described), "crm": {"id": f"{field.id}.{name}", **crm_of(described)}}
        for name, described in link_properties(field).items()
    }
    here = reference(sides.object, f"{field.id}.here", "here")
    there = reference(sides.target, f"{field.id}.there", "there", field.text("on_delete"))
    return {
        "title": f"{definition.label()}: {field.label()}",
        "type": "object",
        "required": [sides.here, sides.there, *link_required(field)],
        "properties": {sides.here: here, sides.there: there, **own},
        "crm": {
            "id": f"{field.id}.links",
            "table": link_table(definition, field),
            "plural": f"{definition.label()}: {field.label()}",
            "name_field": sides.there,
            "owner": False,
            "icon": "link",
            "unique": [[sides.here, sides.there]],
        },
    }


def reference(
    target: str, identity: str, column: str, on_delete: str | None = None
) -> dict[str, object]:
    """Gives one of the two references of a link object."""
    crm: dict[str, object] = {"field": "reference", "to": target, "id": identity}
    return {"type": "string", "crm": {**crm, "column": column, "on_delete": on_delete or "cascade"}}


def crm_of(described: object) -> Mapping[str, object]:
    """Gives the `crm` part of a property."""
    return mapping(mapping(described).get("crm"))


def link_table(definition: ObjectDefinition, field: FieldDefinition) -> str:
    """Gives the name of a link object's table, which no other object's can have."""
    owner = text(definition.parameters.get("table")) or f"o_{definition.name}"
    plain = f"{owner}${field.column}"
    if len(plain) <= MAX_TABLE_NAME:
        return plain
    return f"l${sha256(plain.encode()).hexdigest()[:40]}"


def make_link(
    definition: ObjectDefinition, field: FieldDefinition, objects: Objects
) -> Linked | None:
    """Gives the link object of a many_to_many field."""
    document = link_document(definition, field)
    name = link_object_name(definition, field)
    made, problems = parse_object(name, document, package=field.package)
    if made is None:
        return None
    sides = sides_of(definition, field)
    labels = {
        language: f"{definition.label(language)}: {field.label(language)}"
        for language in {*definition.labels, *field.labels}
    }
    own = {**made.fields}
    target = objects.get(sides.target)
    theirs = field.labels if target is None else target.labels
    for side, titles in ((sides.here, definition.labels), (sides.there, theirs)):
        own[side] = replace(own[side], labels=titles)
    made = replace(
        made,
        labels=labels,
        plurals=labels,
        fields=own,
        link_of=sides,
        retired=definition.retired or field.retired,
    )
    return Linked(made, tuple(one for one in problems if one.code != "bad_name"))


def complete_objects(objects: Objects) -> dict[str, ObjectDefinition]:
    """Gives objects with what their fields make: link objects, and the position of rows.

    A link object whose name another object has is left out: `relation_problems` says so.
    """
    made = dict(objects)
    for definition in objects.values():
        for field, kind in nested_fields(definition):
            target = str(field.text("to"))
            if kind.makes_links:
                linked = make_link(definition, field, objects)
                if linked is not None and linked.definition.name not in objects:
                    made[linked.definition.name] = linked.definition
            elif target in objects:
                made[target] = with_position(made[target])
    return made


def with_position(definition: ObjectDefinition) -> ObjectDefinition:
    """Gives an object whose records know their place in a table."""
    position = system_fields()[ROW_POSITION]
    return replace(definition, fields={**definition.fields, ROW_POSITION: position})


def relation_problems(definition: ObjectDefinition, objects: Objects) -> Iterator[Problem]:
    """Finds what is wrong with the link objects that an object's fields make."""
    for field, kind in nested_fields(definition):
        place = f"/properties/{field.name}"
        if not kind.makes_links:
            continue
        name = link_object_name(definition, field)
        taken = objects.get(name)
        if taken is not None and taken.link_of is None:
            yield Problem(place, "link_name_taken", {"name": name})
        for kept in sorted(KEPT_NAMES & link_properties(field).keys()):
            here = f"{place}/crm/link/properties/{kept}"
            yield Problem(here, "refused_field_name", {"name": kept})
        linked = make_link(definition, field, objects)
        for problem in linked.problems if linked is not None else ():
            yield replace(problem, path=inner_path(place, problem.path))


def inner_path(place: str, path: str) -> str:
    """Gives the place of a link object's problem in the field that makes it."""
    return f"{place}/crm/link{path}" if path.startswith("/properties/") else place
