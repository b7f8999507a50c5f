"""Service levels in a test's world: what saves and passing time do to their clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rule_engine.messages import Phrase, verbatim
from rule_engine.program import Program, ServiceLevel
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record
from rule_engine.services.sla import Fired, SlaOutcome, next_look, observe, tick
from rule_engine.services.sla_clock import Clock, plan
from rule_engine.testing.people import People
from rule_engine.testing.world import World


def watch(
    world: World, people: People, record_id: str, old: Record | None, user: str | None
) -> list[Fired]:
    """Lets all service levels of a record's object look at its save; gives the blocks that ran.

    All look before the first block is done: what it sets is a save of its own.
    """
    if record_id not in world.values:
        return []
    fired: list[Fired] = []
    for definition in _levels(world, record_id):
        record, environment = world.values[record_id], world.environment(user)
        world.note(record_id, record, old, user)
        state = world.levels.get((record_id, definition.name))
        outcome = observe(definition, state, record, old, environment, people)
        fired += _keep(world, record_id, definition, outcome)
    return fired


def due_clocks(world: World) -> Iterator[tuple[datetime, str, str]]:
    """Gives when which service level of which record (its id, its name) has something to do."""
    for record_id, name in world.levels:
        definition = _level(world, record_id, name)
        if definition is None or record_id not in world.values:
            continue
        state = world.levels[record_id, name]
        at = next_look(definition, state, world.values[record_id], world.environment())
        if at is not None:
            yield at, record_id, name


def let_tick(world: World, people: People, record_id: str, name: str) -> tuple[Fired, ...]:
    """Lets a service level look at the clock; gives the blocks that ran."""
    definition = _level(world, record_id, name)
    if definition is None:
        return ()
    record, environment = world.values[record_id], world.environment()
    world.note(record_id, record, record, None)
    outcome = tick(definition, world.levels[record_id, name], record, environment, people)
    return _keep(world, record_id, definition, outcome)


def show_clocks(world: World, name: str) -> None:
    """Makes the clocks of a service level visible to expectations, as of now."""
    world.clock_names.clear()
    world.clocks.clear()
    for (record_id, level), state in world.levels.items():
        definition = _level(world, record_id, level)
        record = world.values.get(record_id)
        if definition is None or record is None or level != name:
            continue
        names = world.clock_names.setdefault(record_id, {})
        for clock in plan(definition, state, record, world.environment()):
            key = names[clock.target] = f"{record_id}.{clock.target}"
            world.clocks[key] = _shown(key, clock)


def calendar_of(program: Program, name: str) -> str:
    """Gives the calendar in which a tested process counts business time; "": the organisation's.

    Where the process names none and the organisation has none, it is the only one there is.
    """
    for level in program.service_levels:
        if level.name == name and level.calendar is not None:
            return level.calendar
    for approval in program.approvals:
        named = [step.calendar for step in approval.steps if step.calendar is not None]
        if approval.name == name and named:
            return named[0]
    for assignment in program.assignments:
        if assignment.name == name and assignment.calendar is not None:
            return assignment.calendar
    known = list(program.calendars)
    return known[0] if len(known) == 1 and "" not in program.business_time else ""


def _levels(world: World, record_id: str) -> tuple[ServiceLevel, ...]:
    return world.program.for_object(world.objects[record_id]).service_levels


def _level(world: World, record_id: str, name: str) -> ServiceLevel | None:
    return next((one for one in _levels(world, record_id) if one.name == name), None)


def _keep(
    world: World, record_id: str, definition: ServiceLevel, outcome: SlaOutcome
) -> tuple[Fired, ...]:
    """Keeps the new facts, and gives the blocks that ran."""
    if outcome.state is not None:
        world.levels[record_id, definition.name] = outcome.state
    titles = {target.name: target.label for target in definition.targets}
    for fired in outcome.fired:
        values = {"target": titles[fired.target], "share": f"{fired.percent:.0%}"}
        world.reasons.append(Phrase("{target}: {share}", values))
        world.reasons += [_told(effect) for effect in fired.effects]
    return outcome.fired


def _told(effect: Effect) -> Phrase:
    """Gives a line about what an `at` block did."""
    values = (f"{name}: {value}" for name, value in effect.arguments.items() if value)
    return verbatim(f"{effect.action} {', '.join(values)}")


def _shown(key: str, clock: Clock) -> dict[str, object]:
    return {
        "id": key,
        "elapsed": clock.elapsed,
        "due": clock.due,
        "breached": clock.breached,
    }
