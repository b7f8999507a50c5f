"""Service levels on records: looked at after each save, and when their time has come."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from metadata.objects import ObjectDefinition
from rule_engine.program import ServiceLevel
from rule_engine.services.sla import Block, Fired, SlaOutcome, late_effects, observe, tick
from rule_engine.services.sla_clock import Clock, plan
from rule_engine.services.sla_state import SlaState
from trellis.automation.environment import environment_of
from trellis.automation.readable import Reader
from trellis.automation.service_levels import keep, running_on
from trellis.automation.service_timers import note_refused
from trellis.errors import Missing, RecordError
from trellis.records.aftermath import do_effects, first_cause
from trellis.records.reach import definition_of, target_of
from trellis.records.read import read_record
from trellis.records.writers import Writers
from trellis.unit import Unit

Record = Mapping[str, object]


class Look(Protocol):
    """A look at a service level, which may be repeated `without` some blocks."""

    def __call__(self, *, without: Collection[Block] = ()) -> SlaOutcome:
        """Gives what comes of it."""


def watch_levels(
    unit: Unit, definition: ObjectDefinition, record: Record, old: Record | None, writers: Writers
) -> bool:
    """Lets service levels look at a save, and does what they ask for; says whether they asked.

    All note what the save says before the first asks for anything: what one sets is a save of its
    own, at which the others look after this one. `old` is None on create. A level may run even
    then: what a rule or an assignment wrote in the new record was a save of its own, too.
    """
    levels = {one.name: one for one in unit.catalog.rules_of(definition.name).service_levels}
    if unit.silent or not unit.catalog.levels_of(definition.name):
        return False
    known = running_on(unit, definition, str(record["id"]), for_change=True)
    outcomes: dict[str, SlaOutcome] = {}
    looks: dict[str, Look] = {}
    for name in dict.fromkeys((*known, *levels)):
        before = known.get(name)
        level = before.definition if before else levels.get(name)
        if level is None:
            continue
        state, known_now = (before.state if before else None), environment_of(unit)
        environment = before.environment(known_now) if before else known_now
        look = partial(observe, level, state, record, old, environment, unit.directory)
        outcome = look()
        if outcome.state is not None:
            keep(unit, definition, level, before, outcome.state, record)
            outcomes[name], looks[name] = outcome, look
    for name, outcome in outcomes.items():
        follow_level(unit, definition, record, outcome, looks[name], writers)
    return any(outcome.effects for outcome in outcomes.values())


def look_at_level(
    unit: Unit,
    object_name: str,
    record_id: str,
    name: str,
    writers: Writers,
    since: datetime | None = None,
) -> None:
    """Does what the time asks of a service level; of a record or an object that is gone nothing.

    The look was planned for `since`: nothing happens as of before.
    """
    try:
        definition = definition_of(unit, object_name)
        record = target_of(unit, definition, record_id, "update")
    except Missing:
        return
    before = running_on(unit, definition, record_id, for_change=True).get(name)
    if before is None or before.definition is None:
        return
    environment = before.environment(environment_of(unit))
    level, state = before.definition, before.state
    look = partial(tick, level, state, record, environment, unit.directory, since=since)
    outcome = look()
    if outcome.state is not None:
        keep(unit, definition, level, before, outcome.state, record)
        follow_level(unit, definition, record, outcome, look, writers)


def follow_level(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    outcome: SlaOutcome,
    look: Look,
    writers: Writers,
) -> None:
    """Does what a service level asks for, in order, each block by itself.

    One that cannot be carried out is noted and told: it keeps neither the save nor the blocks
    behind it, and these are as they are when it does nothing.
    """
    name = "" if outcome.state is None else outcome.state.sla
    without: set[Block] = set()
    left = list(outcome.fired)
    while left:
        fired, *left = left
        try:
            if fired.effects:
                do_block(unit, definition, record, name, fired, writers)
        except RecordError as error:
            note_refused(unit, definition, str(record["id"]), name, fired.block, error)
            without.add(fired.block)
            if left:
                behind = {one.block for one in left}
                left = [one for one in look(without=without).fired if one.block in behind]


def do_block(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    name: str,
    fired: Fired,
    writers: Writers,
) -> None:
    """Does what one block asks for, or nothing of it. Raises RecordError for one that cannot be
    carried out; then no rule counts as having run because of it."""
    cause = unit.cause or first_cause(unit, definition, record)
    inside = replace(unit, cause=replace(cause, ran=set(cause.ran)))
    with unit.connection.begin_nested():
        do_effects(inside, definition, str(record["id"]), name, fired.effects, writers)
    cause.ran.update(inside.cause.ran if inside.cause else ())


def do_late(
    unit: Unit, object_name: str, record_id: str, name: str, block: Block, writers: Writers
) -> None:
    """Does, when somebody has it tried again, what a block asks for that could not be carried out;
    of a record or an object that is gone nothing. Raises RecordError where it still cannot."""
    try:
        definition = definition_of(unit, object_name)
        record = target_of(unit, definition, record_id, "update")
    except Missing:
        return
    found = running_on(unit, definition, record_id, for_change=True).get(name)
    if found is None or found.definition is None:
        return
    around = record, found.environment(environment_of(unit)), unit.directory
    effects = late_effects(found.definition, found.state, block, *around)
    do_effects(unit, definition, record_id, name, effects, writers)


def explain_levels(
    unit: Unit, object_name: str, record_id: str
) -> list[tuple[ServiceLevel, SlaState, tuple[Clock, ...]]]:
    """Gives the service levels that run on a record, with their clocks as of now.

    One that looks at a field which the principal may not read is left out. Raises Missing when the
    record is not to be seen.
    """
    definition = definition_of(unit, object_name)
    read_record(unit, object_name, record_id, ["id"])
    reader, known = Reader(unit), environment_of(unit)
    record = unit.as_automation().records().get(object_name, record_id) or {}
    found = []
    for one in running_on(unit, definition, record_id).values():
        level = one.definition
        if level is not None and reader.may_see_level(level):
            clocks = plan(level, one.state, record, one.environment(known))
            found.append((level, one.state, clocks))
    return found
