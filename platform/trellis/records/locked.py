"""Locked records: who may still change what of them, and what rules say of the lock."""

from __future__ import annotations

from collections.abc import Mapping

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
    if unit.principal.unrestricted:
        return None
    hold = hold_of(unit, definition, str(old["id"]))
    if hold is None:
        return None
    touched = [name for name, value in incoming.values.items() if old.get(name) != value]
    refused = [name for name in touched if not hold.allows(name, unit.user_id)]
    if refused:
        cause = unit.catalog.rule_text(hold.cause or "")
        raise Conflict(
            Problem(pointer(name), "locked", {"field": name, "cause": cause}) for name in refused
        )
    return hold


def mind_lock(
    unit: Unit, definition: ObjectDefinition, judgement: Judgement, record_id: str
) -> None:
    """Locks or unlocks a record as rules said."""
    if judgement.locked is True:
        cause = ", ".join(judgement.fired)
        take_hold(unit.connection, definition.id, record_id, cause, unit.moment.now)
    elif judgement.locked is False:
        release(unit.connection, definition.id, record_id)
