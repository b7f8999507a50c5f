"""Values that depend on other fields of their record: an amount in the record's currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metadata.coerce import problem_of
from metadata.fields.base import Refused
from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem


def dependent_values(
    definition: ObjectDefinition,
    record: Mapping[str, object],
    old: Mapping[str, object] | None,
) -> tuple[dict[str, object], list[Problem]]:
    """Gives the values as they stand in the whole record, and what does not fit there.

    `old` is the record before; None for a new one.
    """
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for field in definition.dependent_fields:
        value = record.get(field.name)
        if value is None:
            continue
        try:
            given = old is None or old.get(field.name) != value
            values[field.name] = field.type.in_record(value, field, record, given=given)
        except Refused as refused:
            problems.append(problem_of(field, refused))
    return values, problems


def neighbour_problems(definition: ObjectDefinition) -> Iterator[Problem]:
    """Finds names of fields that a field depends on and the object does not have."""
    known = [field.name for field in definition.own_fields]
    for field in definition.own_fields:
        for place, name in field.type.neighbours(field).items():
            if name not in known or name == field.name:
                values = {"name": name, "object": definition.name, "known": known}
                path = pointer(("properties", field.name)) + place
                yield Problem(path, "unknown_field", values)
