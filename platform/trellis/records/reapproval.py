"""Records that are locked or wait for an approval while what they are about changes.

Whoever or whatever changes such a record: its path starts anew where its rules say so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from metadata.computed.incremental import Recomputed
from metadata.objects import ObjectDefinition
from trellis.automation.approval_effects import Change
from trellis.automation.approval_restart import restart
from trellis.automation.environment import environment_of
from trellis.automation.holds import Hold, hold_of
from trellis.automation.requests import held_among
from trellis.records.reach import target_of
from trellis.unit import Unit

Record = Mapping[str, object]
Key = tuple[str, str]
"""Object and id of a record."""


def differing(old: Record, new: Record) -> set[str]:
    """Gives the fields that differ between two states of a record."""
    return {name for name, value in new.items() if old.get(name) != value}


def held_changes(unit: Unit, found: Iterable[Recomputed]) -> dict[Key, set[str]]:
    """Gives the fields that were worked out anew of records that are locked or wait."""
    changed: dict[Key, set[str]] = {}
    for row in found:
        changed.setdefault((row.object, row.id), set()).update(row.changes)
    return {key: changed[key] for key in held_keys(unit, changed)}


def held_keys(unit: Unit, keys: Iterable[Key]) -> list[Key]:
    """Gives which of some records are locked or wait, in order."""
    of_object = {(unit.catalog.objects[name].id, one): (name, one) for name, one in keys}
    return sorted(of_object[found] for found in held_among(unit.connection, of_object.keys()))


def approve_again(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    hold: Hold | None,
    changed: Collection[str],
    change: Change,
) -> None:
    """Starts the approval anew that waits on a record of which fields have changed; what a step
    of an approval does to its own record starts nothing.

    Raises Conflict when nobody can be asked any more.
    """
    if hold is None or hold.request is None or hold.request in unit.deciding or not changed:
        return
    now = target_of(unit.as_automation(), definition, record_id, "update")
    restart(unit, hold.request, changed, now, environment_of(unit), change)


def approve_all_again(unit: Unit, changed: Mapping[Key, Collection[str]], change: Change) -> None:
    """Does what `approve_again` does for those of many changed records that are held."""
    for key in held_keys(unit, (key for key, names in changed.items() if names)):
        definition = unit.catalog.objects[key[0]]
        hold = hold_of(unit, definition, key[1])
        approve_again(unit, definition, key[1], hold, changed[key], change)
