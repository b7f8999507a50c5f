"""What follows a save, in this order: assignments, rules, service levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metadata.objects import ObjectDefinition
from rule_engine.services.automate import SaveEvent
from trellis.records.aftermath import rules_after, run_after
from trellis.records.assigning import assign_saved
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
    whole = unit.catalog.rules_of(object_name)
    return bool(rules or unit.catalog.levels_of(object_name) or whole.assignments)


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
    steps: tuple[Callable[[Record], bool], ...] = (
        lambda now: assign_saved(unit, definition, event, now, old, writers),
        lambda now: run_after(unit, definition, event, now, old, writers),
        lambda now: watch_levels(unit, definition, now, old, writers),
    )
    now: Record | None = None
    for step in steps:
        if step(record if now is None else now):
            now = target_of(rules, definition, record_id, "read")
    return now
