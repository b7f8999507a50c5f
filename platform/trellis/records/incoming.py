"""What somebody sends for a record: judged by rights and by the definition before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from metadata.coerce import coerce
from metadata.fields.base import FieldDefinition
from metadata.fields.base import Refused as ValueRefused
from metadata.fields.values import read_value
from metadata.json_text import pointer as pointer_of
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.duplicates.redirects import unknown_reference
from trellis.errors import NotAllowed
from trellis.unit import Unit

Record = Mapping[str, object]
Finder = Callable[[Unit, str, str], str | None]
"""Gives the id of the visible record of an object that a text means."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Values in Python form that may be written, and what is wrong with the others."""

    values: Record
    problems: tuple[Problem, ...] = ()

    @property
    def broken(self) -> frozenset[str]:
        """Gives the fields that have a problem already."""
        return frozenset(problem.path[1:] for problem in self.problems)


def pointer(*names: str) -> str:
    """Gives the JSON Pointer of a field in a body."""
    return pointer_of(names)


def read_incoming(unit: Unit, definition: ObjectDefinition, wire: Record) -> Incoming:
    """Turns what was sent into values, collecting every problem.

    An unknown field and a hidden one give the same problem. Raises NotAllowed when a visible field
    may not be written by this principal: rights come before everything else.
    """
    takes = takes_of(unit, definition)
    forbidden = [name for name in wire if name in takes.forbidden]
    if forbidden:
        raise NotAllowed(
            [Problem(pointer(name), "field_forbidden", {"field": name}) for name in forbidden]
        )
    fixed = [name for name in wire if name in takes.fixed]
    free = {name: value for name, value in wire.items() if name not in fixed} if fixed else wire
    zone = unit.moment.zone
    values, problems = coerce(definition, free, partial=True, zone=zone, known=takes.known)
    problems += [Problem(pointer(name), "read_only", {"field": name}) for name in fixed]
    return Incoming(values, tuple(problems))


@dataclass(frozen=True, slots=True)
class Takes:
    """The fields of an object as those with equal rights may write them.

    `known` are those that exist for them, in the order of the definition (a dict, to find them);
    of these nobody writes the `fixed` ones and others the `forbidden` ones.
    """

    known: Mapping[str, None]
    fixed: frozenset[str]
    forbidden: frozenset[str]


def takes_of(unit: Unit, definition: ObjectDefinition) -> Takes:
    """Gives the fields as this principal may write them, worked out once for equal rights."""
    principal, fields = unit.principal, definition.fields

    def make() -> Takes:
        access, trusted = principal.access(definition.name), principal.unrestricted
        known = dict.fromkeys(name for name in fields if access.sees(name))
        free = {name for name in known if writable(fields[name], trusted=trusted)}
        forbidden = frozenset(name for name in free if not access.edits(name))
        return Takes(known, frozenset(known.keys() - free), forbidden)

    key = ("takes", principal.profile, definition.name)
    return unit.catalog.queries.get(key, Takes, make)


def writable(field: FieldDefinition, *, trusted: bool) -> bool:
    """Says whether a field can be written at all; the system itself fills read-only ones too."""
    return field.writable or (trusted and not field.computed)


def resolve_references(
    unit: Unit,
    definition: ObjectDefinition,
    incoming: Incoming,
    old: Record | None,
    find: Finder | None = None,
) -> Incoming:
    """Replaces references by the ids they mean, as this principal may see them.

    A reference may be given by id or by a unique field's value; what is not visible is missing.
    Those that stay as they are need no look-up. `find` knows some already.
    """
    find = find or find_record
    values = dict(incoming.values)
    problems = list(incoming.problems)
    for field in definition.pointing_fields:
        value = values.get(field.name)
        if value is None:
            continue
        if old is not None and old.get(field.name) == value:
            continue
        target = field.type.target_of(value, field)
        record_id = find(unit, target, str(value))
        if record_id is not None:
            values[field.name] = field.type.pointing_at(target, record_id, field)
            continue
        del values[field.name]
        problems.append(
            unknown_reference(unit, pointer(field.name), field.name, target, str(value))
        )
    return Incoming(values, tuple(problems))


def find_record(unit: Unit, object_name: str, value: str) -> str | None:
    """Gives the id of the one visible record with this id, or with this unique value."""
    access = unit.principal.access(object_name)
    if not access.exists:
        return None
    if unit.records().get(object_name, value, ["id"]) is not None:
        return value
    for field in unit.catalog.objects[object_name].fields.values():
        if field.unique and access.reads(field.name):
            found = match(unit, object_name, field, value)
            if found is not None:
                return found
    return None


def match(unit: Unit, object_name: str, field: FieldDefinition, value: str) -> str | None:
    """Gives the id of the visible record in which a unique field has this value."""
    try:
        wanted = read_value(field, value, unit.moment.zone)
    except ValueRefused:
        return None
    page = unit.records().list(object_name, fields=["id"], match={field.name: wanted}, limit=2)
    return str(page.items[0]["id"]) if len(page.items) == 1 else None
