"""Assignments of records: decided when they are saved, looked at again when a time has passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from metadata.objects import ObjectDefinition
from rule_engine.program import Assignment
from rule_engine.services.assign import Assigned, assign, look_due, next_look, reassign
from rule_engine.services.automate import SaveEvent
from rule_engine.services.effects import Effect
from trellis.automation.assignments import (
    Look,
    decisions_on,
    keep_turns,
    last_given,
    note_decision,
    plan_look,
    take_turns,
)
from trellis.automation.environment import environment_of
from trellis.automation.workload import OwnedRecords
from trellis.errors import Missing
from trellis.records.aftermath import do_effects
from trellis.records.history import has_changed
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
    unit: Unit, object_name: str, record_id: str, look: Look, writers: Writers
) -> None:
    """Gives a record to somebody else when what a `reassign` line says of it still holds.

    Of a record that is gone, or was given on meanwhile, nothing happens, nor of an assignment, a
    line, or an object that is gone. A line that has more time by now is asked when it is over.
    """
    one = assignment_named(unit, object_name, look.assignment)
    if one is None or look.line >= len(one.reassign):
        return
    try:
        definition = definition_of(unit, object_name)
        record = target_of(unit, definition, record_id, "update")
    except Missing:
        return
    if not is_as_given(unit, definition, record_id, look):
        return
    environment = environment_of(unit)
    due = look_due(one, look.line, look.since, environment)
    if due is None or due > look.due:
        plan_look(unit, definition, record_id, look, due)
        return
    turns = take_turns(unit.connection, one.name)
    people = unit.directory, OwnedRecords(unit.connection, unit.catalog, unit.directory)
    around = (environment, *people, turns, look.key)
    decision, effects, turns = reassign(one, look.line, record, *around)
    keep_turns(unit.connection, one.name, turns)
    settle(unit, definition, record, one, decision, effects, writers)
    due = next_look(one, look.line, decision, record, environment)
    plan_look(unit, definition, record_id, replace(look, since=unit.moment.now), due)


def look_anew(unit: Unit, object_name: str, record_id: str, name: str, since: datetime) -> None:
    """Plans when the lines are asked of a record that got somebody then, if it is there."""
    one = assignment_named(unit, object_name, name)
    try:
        definition = definition_of(unit, object_name)
        given = last_given(unit, definition, record_id)
        if one is not None and given is not None:
            plan_looks(unit, definition, record_id, one, given, since)
    except Missing:
        return


def assignment_named(unit: Unit, object_name: str, name: str) -> Assignment | None:
    """Gives an assignment that is in force."""
    found = unit.catalog.rules_of(object_name).assignments
    return next((one for one in found if one.name == name), None)


def is_as_given(unit: Unit, definition: ObjectDefinition, record_id: str, look: Look) -> bool:
    """Says whether a record is still whose it became by the decision that the look followed."""
    given = last_given(unit, definition, record_id)
    if given is None or given[0] != look.decision:
        return False
    return not has_changed(unit, definition, record_id, ("owner", "owner_queue"), look.version)


def settle(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    assignment: Assignment,
    decision: Assigned,
    effects: tuple[Effect, ...],
    writers: Writers,
) -> bool:
    """Writes a decision down, does it, and plans when to look again; says whether it gives.

    To find nobody once more for the same reasons is not written down again.
    """
    record_id = str(record["id"])
    if not effects and is_last(unit, definition, record_id, decision):
        return False
    key = note_decision(unit, definition, record_id, decision)
    if not effects:
        return False
    do_effects(unit, definition, record_id, assignment.name, effects, writers)
    plan_looks(unit, definition, record_id, assignment, (key, decision), unit.moment.now)
    return True


def is_last(unit: Unit, definition: ObjectDefinition, record_id: str, decision: Assigned) -> bool:
    """Says whether the newest decision on a record was the same."""
    known = decisions_on(unit, definition, record_id)
    return bool(known) and known[0][1].to_json() == decision.to_json()


def plan_looks(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    assignment: Assignment,
    given: tuple[str, Assigned],
    since: datetime,
) -> None:
    """Plans for each `reassign` line when it is asked of a record that somebody got by a decision,
    unless a rule gave it on at once.
    """
    if not assignment.reassign:
        return
    record = target_of(unit.as_automation(), definition, record_id, "read")
    key, decision = given
    if record["owner"] != decision.user:
        return
    for line in range(len(assignment.reassign)):
        look = Look(assignment.name, line, key, int(str(record["version"])), since, since)
        due = look_due(assignment, line, since, environment_of(unit))
        plan_look(unit, definition, record_id, look, due)
