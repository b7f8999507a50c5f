"""From what people and programs send to values, with all that is wrong at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, Refused
from metadata.fields.values import read_value
from metadata.json_text import nearest, pointer
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem


def coerce(
    definition: ObjectDefinition,
    wire: Mapping[str, object],
    *,
    partial: bool,
    zone: ZoneInfo = UTC,
    known: Collection[str] | None = None,
) -> tuple[dict[str, object], list[Problem]]:
    """Reads a record from its wire form or from text; values that are refused are left out.

    `partial` reads changes; otherwise absent fields get their default, or None, and required ones
    must have a value. `known` are the fields that exist for the caller (all when None): any other
    name is unknown. Whether the caller may write a field is not asked here.
    """
    values: dict[str, object] = {}
    problems: list[Problem] = []
    offered = definition.fields if known is None else known
    for name, given in wire.items():
        field = definition.fields.get(name) if name in offered else None
        if field is None:
            problems.append(unknown_field(definition, name, offered))
            continue
        try:
            values[name] = read_value(field, given, zone)
        except Refused as refused:
            problems.append(problem_of(field, refused))
    if not partial:
        broken = {problem.path for problem in problems}
        values = {**defaults(definition, wire), **values}
        missing = required_problems(definition, values)
        problems.extend(problem for problem in missing if problem.path not in broken)
    return values, problems


def problem_of(field: FieldDefinition, refused: Refused) -> Problem:
    """Gives a refused value as a problem at its field."""
    return Problem(pointer([field.name]), refused.code, {"field": field.name, **refused.values})


def unknown_field(definition: ObjectDefinition, name: str, offered: Collection[str]) -> Problem:
    """Words a name that is no field, with the nearest one that is offered and can be written."""
    fields = definition.fields
    writable = [known for known in offered if known in fields and fields[known].writable]
    values = {"object": definition.name, "name": name, "nearest": nearest(name, writable)}
    return Problem(pointer([name]), "unknown_field", values)


def defaults(
    definition: ObjectDefinition, given: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Gives the values of a new record's fields that were not given: their defaults, or None."""
    return {
        field.name: None if field.default is None else read_value(field, field.default)
        for field in definition.own_fields
        if given is None or field.name not in given
    }


def required_problems(definition: ObjectDefinition, record: Mapping[str, object]) -> list[Problem]:
    """Gives a problem for each required field that a record leaves empty.

    Asked after before-save rules: what a rule fills counts as filled. Rows and links are asked for
    by who saves them.
    """
    return [
        missing_value(field)
        for field in definition.own_fields
        if field.required
        and not (field.computed or field.nested)
        and record.get(field.name) is None
    ]


def missing_value(field: FieldDefinition) -> Problem:
    """Words an empty field that has to be filled."""
    return Problem(pointer([field.name]), "required", {"field": field.name})


def transition_problems(
    definition: ObjectDefinition, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[Problem]:
    """Gives a problem for each step from one option to another that a field does not allow.

    An option without transitions of its own is final. `new` may be a part of the record.
    """
    for field in definition.own_fields:
        if field.transitions is None or field.name not in new:
            continue
        before, after = old.get(field.name), new[field.name]
        allowed = field.transitions.get(str(before), ())
        if before is not None and after != before and after not in allowed:
            values = {"field": field.name, "from": before, "to": after, "allowed": list(allowed)}
            yield Problem(pointer([field.name]), "transition", values)
