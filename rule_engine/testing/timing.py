"""What happens in a test's world while it waits: in order, each at its own moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from rule_engine.messages import Phrase
from rule_engine.program import Assignment, OnDate, OnEvent, OnSchedule, Rule
from rule_engine.services.approval_clock import next_at
from rule_engine.services.automate import run_due
from rule_engine.services.schedule import due_key, due_of, next_run
from rule_engine.testing.clocks import due_clocks, let_tick
from rule_engine.testing.requests import Requests, approval_of
from rule_engine.testing.world import CannotTestError, Refusals, RefusedSaveError, World

#: More than this in one `wait` is a mistake (`every minute` through a year).
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due. `key` is its own: nothing is done twice for the same one."""

    at: datetime
    key: str
    act: Callable[[], None]


def pass_time(requests: Requests, until: datetime) -> Refusals:
    """Moves the clock and does what becomes due; gives the messages of what was refused.

    Raises CannotTestError when that is more than a test can look at.
    What was due at or before the start of the wait is not made up for.
    """
    world = requests.world
    start, messages = world.now, list[Phrase]()
    for _ in range(MOST):
        pending = (due for due in upcoming(requests, start) if start < due.at <= until)
        open_ones = (d for d in pending if d.at >= world.now and d.key not in world.fired)
        due = min(open_ones, key=lambda one: (one.at, one.key), default=None)
        if due is None:
            world.now = until
            return tuple(messages)
        world.now = due.at
        world.fired.add(due.key)
        try:
            with world.transaction():
                due.act()
            requests.start_waiting()
        except RefusedSaveError as refusal:
            messages += refusal.messages
    text = "more than {count} things become due meanwhile; wait less"
    raise CannotTestError(Phrase(text, {"count": f"{MOST:,}"}))


def upcoming(requests: Requests, start: datetime) -> Iterator[Due]:
    """Gives what is due next, of each kind and for each record, after the wait's start."""
    yield from _rules(requests, start)
    yield from _approvals(requests)
    yield from _reassignments(requests)
    yield from _service_levels(requests, start)


def _rules(requests: Requests, start: datetime) -> Iterator[Due]:
    world = requests.world
    definitions: list[Rule | Assignment] = [*world.program.rules, *world.program.assignments]
    for definition in definitions:
        if isinstance(definition.trigger, OnEvent):
            continue
        for record_id in _records(world, definition.object):
            at = _next(world, definition, record_id, start)
            if at is not None:
                key = due_key(definition.name, record_id, at)
                yield Due(at, key, _acting(requests, definition, record_id, at))


def _records(world: World, object_name: str) -> list[str]:
    return [key for key in world.values if world.objects[key] == object_name]


def _next(
    world: World, definition: Rule | Assignment, record_id: str, start: datetime
) -> datetime | None:
    match definition.trigger:
        case OnSchedule() as schedule:
            # What is due at this very moment and not yet done comes first.
            at = next_run(schedule, max(start, world.now - world.now.resolution), world.zone)
            done = at is not None and due_key(definition.name, record_id, at) in world.fired
            return next_run(schedule, world.now, world.zone) if done else at
        case OnDate() as date_trigger:
            return due_of(date_trigger, world.values[record_id], world.environment())
    return None


def _acting(
    requests: Requests, definition: Rule | Assignment, record_id: str, at: datetime
) -> Callable[[], None]:
    world, saver = requests.world, requests.saver

    def act() -> None:
        record = world.values[record_id]
        if isinstance(definition, Assignment):
            saver.assign(definition, record_id, None, None)
            return
        world.note(record_id, record, record, None)
        outcome = run_due(definition, record, at, world.environment(), saver.people)
        if outcome is not None:
            saver.follow(record_id, outcome, None)

    return act


def _approvals(requests: Requests) -> Iterator[Due]:
    world = requests.world
    for record_id, state in world.requests.items():
        at = next_at(approval_of(world, record_id, state.approval), state, world.environment())
        if at is not None:
            key = f"approval/{record_id}/{state.revision}/{at.isoformat()}"
            yield Due(at, key, _ticking(requests, record_id))


def _ticking(requests: Requests, record_id: str) -> Callable[[], None]:
    return lambda: requests.tick(record_id)


def _reassignments(requests: Requests) -> Iterator[Due]:
    world = requests.world
    known = {one.name: one for one in world.program.assignments}
    for record_id, (name, looks) in world.looks.items():
        if record_id in world.values:
            for line, at in looks.items():
                key = due_key(f"{name}/reassign/{line}", record_id, at)
                yield Due(at, key, _reassigning(requests, known[name], record_id, line))


def _reassigning(
    requests: Requests, definition: Assignment, record_id: str, line: int
) -> Callable[[], None]:
    return lambda: requests.saver.assign(definition, record_id, None, None, line=line)


def _service_levels(requests: Requests, start: datetime) -> Iterator[Due]:
    """Gives what service levels do next; what is late already they do at once."""
    world = requests.world
    for at, record_id, name in due_clocks(world):
        state = world.levels[record_id, name]
        done = sum(len(target.fired) for target in state.targets)
        key = f"sla/{record_id}/{name}/{state.run}/{done}"
        at_once = max(at, world.now, start + start.resolution)
        yield Due(at_once, key, _letting_tick(requests, record_id, name))


def _letting_tick(requests: Requests, record_id: str, name: str) -> Callable[[], None]:
    saver = requests.saver

    def act() -> None:
        for fired in let_tick(saver.world, saver.people, record_id, name):
            saver.carry_out(record_id, fired.effects, None)

    return act
