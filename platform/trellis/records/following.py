"""What follows a save, in this order: rules, then service levels."""

from __future__ import annotations

from collections.abc import Mapping

from metadata.objects import ObjectDefinition
from rule_engine.services.automate import SaveEvent
from trellis.records.aftermath import rules_after, run_after
from trellis.records.reach import target_of
from trellis.records.service_levels import watch_levels
from trellis.records.writers import Writers
from trellis.unit import Unit

Record = Mapping[str, object]


def has_followers(unit: Unit, object_name: str) -> bool:
    """Says whether anything may follow when records of an object are created or changed."""
    if unit.silent:
        return False
    rules = (*rules_after(unit, object_name, "create"), *rules_after(unit, object_name, "update"))
    return bool(rules or unit.catalog.rules_of(object_name).service_levels)


def follow_save(
    unit: Unit,
    definition: ObjectDefinition,
    event: SaveEvent,
    record: Record,
    old: Record | None,
    writers: Writers,
) -> Record | None:
    """Lets happen what follows a save; gives the record as it is then, None when nothing did.

    `old` is None on create. Raises Refused when a rule refuses the save, or cannot do what it is
    to do.
    """
    if record == old or not has_followers(unit, definition.name):
        return None
    rules, record_id = unit.as_automation(), str(record["id"])
    acted, now = run_after(unit, definition, event, record, old, writers), record
    if acted:
        now = target_of(rules, definition, record_id, "read")
    if watch_levels(unit, definition, now, old, writers):
        return target_of(rules, definition, record_id, "read")
    return now if acted else None
