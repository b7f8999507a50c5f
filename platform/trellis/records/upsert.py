"""Creating a record, or changing the one that has a value in a unique field already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from metadata.fields.base import FieldDefinition
from metadata.fields.base import Refused as ValueRefused
from metadata.fields.values import read_value
from metadata.json_text import nearest
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import Missing, NotAllowed, Refused
from trellis.records.incoming import match, pointer
from trellis.records.reach import definition_of
from trellis.records.save import Saved, save_record
from trellis.unit import Channel, Unit


@dataclass(frozen=True, slots=True)
class Upserted:
    """The record as it stands, and whether it is new."""

    saved: Saved
    is_new: bool


def upsert_record(
    unit: Unit,
    object_name: str,
    field_name: str,
    value: str,
    values: Mapping[str, object],
    *,
    channel: Channel,
    version_of: Callable[[str | None], int | None] = lambda _record_id: None,
) -> Upserted:
    """Changes the visible record whose unique field has this value, else creates it.

    `version_of` gives the version that the record with an id has to have; it is asked with None
    before one is created. Raises Missing for a field that does not exist for the principal and
    what `save_record` raises; Refused where the body says another value than the address.
    """
    definition = definition_of(unit, object_name)
    field = key_field(unit, definition, field_name)
    given = with_value(unit, field, value, values)
    found = match(unit, object_name, field, value)
    if found is None:
        version_of(None)
        try:
            with unit.connection.begin_nested():
                saved = save_record(unit, object_name, None, given, channel=channel)
                return Upserted(saved, is_new=True)
        except Refused as error:
            # Somebody else created it meanwhile.
            found = match(unit, object_name, field, value) if is_taken(error, field) else None
            if found is None:
                raise
    changes = {name: said for name, said in given.items() if name != field.name}
    version = version_of(found)
    return Upserted(
        save_record(unit, object_name, found, changes, channel=channel, expected_version=version),
        is_new=False,
    )


def key_field(unit: Unit, definition: ObjectDefinition, name: str) -> FieldDefinition:
    """Gives the unique field by which records are found.

    Raises Missing for one that does not exist for the principal, NotAllowed for one of which she
    sees only a part, and Refused for one that is not unique.
    """
    access = unit.principal.access(definition.name)
    field = definition.fields.get(name)
    if field is None or not access.sees(name):
        unique = [one.name for one in definition.fields.values() if one.unique]
        known = [one for one in unique if access.reads(one)]
        values = {"name": name, "known": known, "nearest": nearest(name, known)}
        raise Missing([Problem("field", "unknown_value", values)])
    if not access.reads(name):
        raise NotAllowed([Problem("field", "field_forbidden", {"field": name})])
    if not field.unique:
        raise Refused([Problem("field", "field_not_unique", {"field": name})])
    return field


def with_value(
    unit: Unit, field: FieldDefinition, value: str, values: Mapping[str, object]
) -> dict[str, object]:
    """Gives the values with the one of the address. Raises Refused where they do not agree."""
    try:
        wanted = read_value(field, value, unit.moment.zone)
    except ValueRefused as error:
        raise Refused(
            [Problem("value", error.code, {"field": field.name, **error.values})]
        ) from error
    if wanted is None:
        raise Refused([Problem("value", "required", {"field": field.name})])
    if field.name in values:
        try:
            said = read_value(field, values[field.name], unit.moment.zone)
        except ValueRefused:
            said = None
        if said != wanted:
            raise Refused([Problem(pointer(field.name), "address_differs", {"field": field.name})])
    return {**values, field.name: value}


def is_taken(error: Refused, field: FieldDefinition) -> bool:
    """Says whether a save was refused because another record has the field's value."""
    path = pointer(field.name)
    return any(problem.path == path and problem.code == "unique" for problem in error.problems)
