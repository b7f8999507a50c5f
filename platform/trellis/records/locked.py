"""Locked records: who may still change what of them, and what rules say of the lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from metadata.catalog import Translated
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.automation.holds import Hold, hold_of
from trellis.automation.requests import release, take_hold
from trellis.errors import Conflict
from trellis.records.incoming import Incoming, pointer
from trellis.records.judge import Judgement
from trellis.unit import Unit

Record = Mapping[str, object]


def refuse_locked(
    unit: Unit, definition: ObjectDefinition, old: Record, incoming: Incoming
) -> Hold | None:
    """Gives what holds a record. Raises Conflict when it keeps this person from her change."""
    hold = hold_of(unit, definition, str(old["id"]))
    if hold is None or unit.principal.unrestricted:
        return hold
    touched = [name for name, value in incoming.values.items() if old.get(name) != value]
    refused = [name for name in touched if not hold.allows(name, unit.user_id)]
    if refused:
        cause = unit.catalog.rule_text(hold.cause or "")
        raise Conflict(
            Problem(pointer(name), "locked", {"field": name, "cause": cause}) for name in refused
        )
    return hold


def refuse_computed(
    unit: Unit, definition: ObjectDefinition, record_id: str, names: Collection[str]
) -> None:
    """Raises Conflict when somebody's change of another record changes fields of a locked one that
    she may not change: nobody gets round a lock by changing what the record is computed from."""
    hold = hold_of(unit, definition, record_id) if names else None
    if hold is not None and not all(hold.allows(name, unit.user_id) for name in names):
        cause = unit.catalog.rule_text(hold.cause or "")
        name = unit.records().names(definition.name, [record_id]).get(record_id)
        shown = f" “{name}”" if name else ""
        labels = {language: f"{label}{shown}" for language, label in definition.labels.items()}
        values = {"object": Translated(labels), "cause": cause}
        raise Conflict([Problem("", "parent_locked", values)])


def refuse_rolled_up(
    unit: Unit,
    changed: Mapping[tuple[str, str], Collection[str]],
    asked: Collection[tuple[str, str]],
) -> None:
    """Does what `refuse_computed` does for roll-ups of records; `asked` are those whose locks were
    looked at before. What only looks at another record keeps nobody from changing that one."""
    rolls_up = unit.catalog.computed.rolls_up
    for object_name, record_id in sorted(changed.keys() - asked):
        names = [one for one in changed[object_name, record_id] if rolls_up((object_name, one))]
        refuse_computed(unit, unit.catalog.objects[object_name], record_id, names)


def mind_lock(
    unit: Unit, definition: ObjectDefinition, judgement: Judgement, record_id: str
) -> None:
    """Locks or unlocks a record as rules said."""
    if judgement.locked is True:
        cause = ", ".join(judgement.fired)
        take_hold(unit.connection, definition.id, record_id, cause, unit.moment.now)
    elif judgement.locked is False:
        release(unit.connection, definition.id, record_id)
