"""Assignments of records: decided when they are saved, looked at again when a time has passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from metadata.objects import ObjectDefinition
from rule_engine.program import Assignment
from rule_engine.services.assign import Assigned, assign, reassign, reassign_due
from rule_engine.services.automate import SaveEvent
from rule_engine.services.effects import Effect
from trellis.automation.assignments import (
    REASSIGN,
    keep_turns,
    note_decision,
    take_turns,
)
from trellis.automation.environment import environment_of
from trellis.automation.outbox import add
from trellis.automation.workload import OwnedRecords
from trellis.errors import Missing
from trellis.records.aftermath import do_effects
from trellis.records.reach import definition_of, target_of
from trellis.records.writers import Writers
from trellis.unit import Unit

Record = Mapping[str, object]


def assign_saved(
    unit: Unit,
    definition: ObjectDefinition,
    event: SaveEvent,
    record: Record,
    old: Record | None,
    writers: Writers,
) -> bool:
    """Lets assignments decide whose a record is that was saved; says whether one did."""
    given = False
    for one in unit.catalog.rules_of(definition.name).assignments:
        if not one.listens_to("after", event):
            continue
        key = f"{one.name}/{record['id']}/{record['version']}"
        turns = take_turns(unit.connection, one.name)
        people = unit.directory, OwnedRecords(unit.connection, unit.catalog, unit.directory)
        around = (environment_of(unit), *people, turns, key)
        decision, effects, turns = assign(one, record, old, *around)
        keep_turns(unit.connection, one.name, turns)
        given |= settle(unit, definition, record, one, decision, effects, writers)
    return given


def assign_again(
    unit: Unit, object_name: str, record_id: str, name: str, at: datetime, writers: Writers
) -> None:
    """Gives a record to somebody else when what was said about that still holds.

    `at` is when it was assigned; of a record that is gone, or an assignment, or an object, nothing
    happens.
    """
    found = unit.catalog.rules_of(object_name).assignments
    one = next((assignment for assignment in found if assignment.name == name), None)
    try:
        definition = definition_of(unit, object_name)
        record = target_of(unit, definition, record_id, "update")
    except Missing:
        return
    if one is None:
        return
    turns = take_turns(unit.connection, name)
    people = unit.directory, OwnedRecords(unit.connection, unit.catalog, unit.directory)
    key = f"{name}/{record_id}/{at.isoformat()}"
    decision, effects, turns = reassign(one, record, environment_of(unit), *people, turns, key)
    keep_turns(unit.connection, name, turns)
    settle(unit, definition, record, one, decision, effects, writers)


def settle(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    assignment: Assignment,
    decision: Assigned,
    effects: tuple[Effect, ...],
    writers: Writers,
) -> bool:
    """Writes a decision down, does it, and plans when to look again; says whether it gives."""
    record_id = str(record["id"])
    note_decision(unit, definition, record_id, decision)
    if not effects:
        return False
    do_effects(unit, definition, record_id, assignment.name, effects, writers)
    now = unit.moment.now
    due = reassign_due(assignment, now, environment_of(unit))
    if due is not None:
        payload = {"assignment": assignment.name, "at": now.isoformat()}
        key = f"{REASSIGN}/{assignment.name}/{record_id}/{now.isoformat()}"
        about = {"object_name": definition.name, "record_id": record_id}
        add(unit.connection, REASSIGN, payload, key, at=due, **about)
    return True
