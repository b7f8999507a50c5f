"""Finding what somebody wants to change, through that person's rights."""

from __future__ import annotations

from collections.abc import Iterable

from metadata.catalog import Translated
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query import UnknownObject, answers
from trellis.duplicates.redirects import missing_record
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Stale
from trellis.unit import Unit


def definition_of(unit: Unit, object_name: str) -> ObjectDefinition:
    """Gives an object that exists for the principal. Raises Missing for every other."""
    definition = unit.catalog.objects.get(object_name)
    if definition is None or not unit.principal.access(object_name).exists:
        known = [name for name in unit.catalog.objects if unit.principal.access(name).exists]
        raise Missing(UnknownObject(object_name, known).problems)
    return definition


def creatable(unit: Unit, definition: ObjectDefinition) -> None:
    """Raises NotAllowed when the principal may not create records of the object."""
    if not unit.principal.access(definition.name).create:
        raise NotAllowed(
            [Problem("", "not_allowed", {"action": "create", "object": definition.name})]
        )


def target_of(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    action: str,
    *,
    deleted: bool = False,
) -> dict[str, object]:
    """Gives all fields of a record on which the principal may do `action`, locked for a change.

    `deleted` looks among deleted records. Raises Missing for what she does not see, NotAllowed
    for what she only sees, and Conflict for records of an append-only object.
    """
    try:
        target = unit.records().get_for_change(definition.name, record_id, action, deleted=deleted)
    except (answers.Missing, UnknownObject) as error:
        raise missing_record(unit, definition.name, record_id) from error
    if not target.allowed:
        raise NotAllowed(
            [Problem("", "not_allowed", {"action": action, "object": definition.name})]
        )
    if definition.append_only:
        raise Conflict([Problem("", "append_only", {"object": Translated(definition.plurals)})])
    return target.record


def targets_of(
    unit: Unit, definition: ObjectDefinition, ids: Iterable[str], action: str
) -> dict[str, dict[str, object] | RecordError]:
    """Gives what `target_of` gives or raises for each of some records, by one statement."""
    wanted = list(ids)
    found = unit.records().get_many_for_change(definition.name, wanted, action)
    made: dict[str, dict[str, object] | RecordError] = {}
    for record_id in wanted:
        target = found.get(record_id)
        if target is None:
            made[record_id] = missing_record(unit, definition.name, record_id)
        elif not target.allowed:
            values = {"action": action, "object": definition.name}
            made[record_id] = NotAllowed([Problem("", "not_allowed", values)])
        else:
            made[record_id] = target.record
    return made


def stale(unit: Unit, definition: ObjectDefinition, record_id: str) -> Stale:
    """Gives the error for a record that moved on, with what the principal sees of it now."""
    return Stale(unit.records().get(definition.name, record_id) or {"id": record_id, "version": 0})
