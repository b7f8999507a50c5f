"""Paths over references (`account.owner.name`), resolved against definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from metadata.json_text import mapping, nearest
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem

MAX_HOPS: Final = 3


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field reached over references; `object` is the object that has it."""

    object: ObjectDefinition
    field: FieldDefinition


def resolve_path(
    objects: Mapping[str, ObjectDefinition], object_name: str, path: str, place: str
) -> FieldPath | Problem:
    """Gives the field at the end of a path, or what is wrong with the path."""
    steps = path.split(".")
    if len(steps) > MAX_HOPS + 1:
        return Problem(place, "path_too_deep", {"path": path, "limit": MAX_HOPS})
    here = objects[object_name]
    for step in steps[:-1]:
        field = here.fields.get(step)
        following = objects.get(field.target or "") if field is not None else None
        if field is None:
            return unknown_step(here, step, place)
        if following is None:
            return Problem(place, "no_reference", {"name": step, "object": here.name})
        here = following
    last = here.fields.get(steps[-1])
    return unknown_step(here, steps[-1], place) if last is None else FieldPath(here, last)


def unknown_step(definition: ObjectDefinition, name: str, place: str) -> Problem:
    """Words a name that is no field of an object."""
    hint = nearest(name, definition.fields)
    known = [field.name for field in definition.own_fields]
    values = {
        "object": definition.name,
        "name": name,
        "nearest": hint,
        "known": None if hint else known,
    }
    return Problem(place, "unknown_field", values)


def path_problems(
    objects: Mapping[str, ObjectDefinition], object_name: str, paths: Iterable[tuple[str, str]]
) -> list[Problem]:
    """Gives what is wrong with paths, each given with its place.

    A field that is defined but could not be read has its problem already.
    """
    found = [resolve_path(objects, object_name, path, place) for place, path in paths]
    return [
        problem
        for problem in found
        if isinstance(problem, Problem) and not is_unread(objects, problem)
    ]


def is_unread(objects: Mapping[str, ObjectDefinition], problem: Problem) -> bool:
    """Says whether a name is unknown only because its definition has a problem of its own."""
    definition = objects.get(str(problem.values.get("object")))
    if definition is None:
        return False
    properties = mapping(definition.document.get("properties"))
    name = problem.values.get("name")
    known = {*definition.fields, *definition.retired_fields}
    return name in properties and name not in known
