"""Service levels: pure steps from facts to facts, with what is to be done on the way.

`observe` looks at a save, `tick` at the clock. What was due before a save runs before it, on the
record as it was, and each `at` block runs as of the instant it was due: how often anybody looks
does not change what happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from rule_engine import core
from rule_engine.program import AtPercent, ServiceLevel, Target
from rule_engine.services.actions import Run
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record, as_of, evaluate, holds
from rule_engine.services.sla_clock import Outlook, look_ahead, measure
from rule_engine.services.sla_state import Pause, SlaState, TargetFacts
from rule_engine.types import Directory, Environment

Block = tuple[int, str, Decimal]
"""An `at` block: the run of the clock, the target and the percentage."""


@dataclass(frozen=True, slots=True)
class Fired:
    """An `at` block that ran, as of `at`, in a run of the clock."""

    target: str
    percent: Decimal
    at: datetime
    run: int
    effects: tuple[Effect, ...]

    @property
    def block(self) -> Block:
        """Gives which block that is: it runs once."""
        return self.run, self.target, self.percent


@dataclass(frozen=True, slots=True)
class SlaOutcome:
    """What came of a look. `state` is None while the service level does not apply."""

    state: SlaState | None
    fired: tuple[Fired, ...] = ()

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Gives all that is to be done, in order."""
        return tuple(effect for one in self.fired for effect in one.effects)


def observe(
    definition: ServiceLevel,
    state: SlaState | None,
    record: Record,
    old: Record | None,
    environment: Environment,
    directory: Directory,
    *,
    without: Collection[Block] = (),
) -> SlaOutcome:
    """Looks at a record that was saved just now; `old` is None for a new one.

    Attaches the service level when it first applies and its start is known; once attached only
    `cancel when` ends it. `restart when` starts a new run when it comes to hold. One that was
    cancelled goes on, with all the time since its start, when what cancelled it holds no more.
    What is done `without` is as `tick` says.
    """
    if state is None:
        started = _attach(definition, record, old, environment)
        if started is None:
            return SlaOutcome(None)
        return _settle(definition, started, record, old, environment, directory, without)
    past = old if old is not None else record
    before = tick(definition, state, past, environment, directory, without=without)
    changed = _change(definition, before.state or state, record, old, environment)
    after = _settle(definition, changed, record, old, environment, directory, without)
    return SlaOutcome(after.state, (*before.fired, *after.fired))


def tick(
    definition: ServiceLevel,
    state: SlaState,
    record: Record,
    environment: Environment,
    directory: Directory,
    *,
    since: datetime | None = None,
    without: Collection[Block] = (),
) -> SlaOutcome:
    """Runs what came due up to now, in order; each block sees what earlier ones set.

    Nothing runs as of before `since`: a promise made shorter does not reach into the past. The
    blocks `without` which it goes on cannot be carried out: they went off, and did nothing.
    """
    current, fired = dict(record), []
    while due := min(
        _due(definition, state, current, environment), key=lambda one: one.at, default=None
    ):
        at = due.at if since is None else max(due.at, since)
        facts = state.target(due.target.name)
        percent = due.trigger.percent
        state = state.with_target(replace(facts, fired=(*facts.fired, percent)))
        if (state.run, due.target.name, percent) in without:
            continue
        run = Run(current, as_of(environment, at), directory=directory)
        run.perform(due.trigger.actions)
        current = run.record
        fired.append(Fired(due.target.name, percent, at, state.run, tuple(run.effects)))
    return SlaOutcome(state, tuple(fired))


def late_effects(
    definition: ServiceLevel,
    state: SlaState,
    block: Block,
    record: Record,
    environment: Environment,
    directory: Directory,
) -> tuple[Effect, ...]:
    """Gives what a block asks for that went off and could not be carried out, as of now.

    Nothing where that is over: the promise met, the service level cancelled or begun anew.
    """
    number, name, percent = block
    target = next((one for one in definition.targets if one.name == name), None)
    is_over = state.run != number or state.cancelled_at is not None
    if target is None or is_over or state.target(name).met_at is not None:
        return ()
    run = Run(dict(record), environment, directory=directory)
    for trigger in target.triggers:
        if trigger.percent == percent:
            run.perform(trigger.actions)
    return tuple(run.effects)


def begin(definition: ServiceLevel, record: Record, environment: Environment) -> SlaState | None:
    """Gives the facts of a service level that begins on a record which is there already.

    None where it does not apply, where all that it promises is met, and where it would take a
    change to begin. Nothing is run yet.
    """
    if definition.applies is not None and looks_back(definition.applies):
        return None
    state = _attach(definition, record, None, environment)
    if state is None:
        return None
    noted = _note_targets(definition, state, record, record, environment)
    return None if all(one.met_at is not None for one in noted.targets) else noted


def move(
    definition: ServiceLevel | None, state: SlaState, record: Record, environment: Environment
) -> SlaState:
    """Gives the facts under other rules: what happened stays, what they cancel ends now, and what
    they promise besides may be met. Without rules it ends. Nothing is run yet."""
    if definition is None:
        return replace(state, cancelled_at=state.cancelled_at or environment.now)
    moved = replace(state, version=definition.version)
    if state.cancelled_at is None and _is_true(definition.cancel, record, environment, record):
        moved = replace(moved, cancelled_at=environment.now)
    return _note_targets(definition, moved, record, record, environment)


def next_look(
    definition: ServiceLevel, state: SlaState, record: Record, environment: Environment
) -> datetime | None:
    """Gives when `tick` has something to do next, if nothing changes; None: not by itself."""
    return first_look(look_ahead(definition, state, record, environment))


def first_look(outlooks: Iterable[Outlook]) -> datetime | None:
    """Gives when the first trigger of several targets goes off."""
    return min((one.next_at for one in outlooks if one.next_at is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Due:
    target: Target
    trigger: AtPercent
    at: datetime


def _due(
    definition: ServiceLevel, state: SlaState, record: Record, environment: Environment
) -> Iterator[_Due]:
    """Gives the first trigger of each target that should have gone off by now."""
    for target in definition.targets:
        measured = measure(definition, target, state, record, environment)
        if measured.ended_at is not None:
            continue
        upcoming = measured.upcoming(environment.now)
        if upcoming is not None and upcoming[1] <= environment.now:
            yield _Due(target, *upcoming)


def _attach(
    definition: ServiceLevel, record: Record, old: Record | None, environment: Environment
) -> SlaState | None:
    if not holds(definition.applies, record, environment, old):
        return None
    if _is_true(definition.cancel, record, environment, old):
        return None
    start = _start(definition, record, environment)
    if start is None:
        return None
    targets = tuple(TargetFacts(target.name) for target in definition.targets)
    record_id = str(record.get("id") or "")
    return SlaState(definition.name, record_id, start, targets, version=definition.version)


def _start(definition: ServiceLevel, record: Record, environment: Environment) -> datetime | None:
    """Gives where the clock counts from; None while the field for it is empty."""
    if definition.clock_from is None:
        return environment.now
    start = evaluate(definition.clock_from, record, environment)
    return start if isinstance(start, datetime) else None


def _change(
    definition: ServiceLevel,
    state: SlaState,
    record: Record,
    old: Record | None,
    environment: Environment,
) -> SlaState:
    """Gives the state after a restart or an end."""
    if _comes_to_hold(definition.restart, record, old, environment):
        start = _start(definition, record, environment)
        if start is None or start <= state.started_at:
            start = environment.now
        targets = tuple(TargetFacts(target.name) for target in definition.targets)
        state = replace(
            state, started_at=start, targets=targets, run=state.run + 1, cancelled_at=None
        )
    is_cancelled = _is_true(definition.cancel, record, environment, old)
    if state.cancelled_at is None:
        return replace(state, cancelled_at=environment.now) if is_cancelled else state
    if not is_cancelled and _applies_again(definition, record, environment):
        return replace(state, cancelled_at=None)
    return state


def _applies_again(definition: ServiceLevel, record: Record, environment: Environment) -> bool:
    """Says whether one that was cancelled goes on. What was a change cannot cease to hold."""
    if definition.cancel is None or looks_back(definition.cancel):
        return False
    if definition.applies is not None and looks_back(definition.applies):
        return False
    return holds(definition.applies, record, environment)


def _settle(
    definition: ServiceLevel,
    state: SlaState,
    record: Record,
    old: Record | None,
    environment: Environment,
    directory: Directory,
    without: Collection[Block],
) -> SlaOutcome:
    """Notes what the record says of each target, then runs what is due at once."""
    noted = _note_targets(definition, state, record, old, environment)
    around = environment, directory
    return tick(definition, noted, record, *around, since=environment.now, without=without)


def _note_targets(
    definition: ServiceLevel,
    state: SlaState,
    record: Record,
    old: Record | None,
    environment: Environment,
) -> SlaState:
    """Gives the state with what the record says of each target.

    Of one that is cancelled too: it may go on, and what happened meanwhile happened.
    """
    paused = _is_true(definition.pause, record, environment)
    for target in definition.targets:
        stands = paused or _is_true(target.pause, record, environment)
        met = _is_true(target.met, record, environment, old)
        facts = state.target(target.name)
        state = state.with_target(_note(facts, environment.now, met=met, stands=stands))
    return state


def _note(facts: TargetFacts, now: datetime, *, met: bool, stands: bool) -> TargetFacts:
    if facts.met_at is not None:
        return facts
    if facts.is_paused and (met or not stands):
        *earlier, last = facts.pauses
        facts = replace(facts, pauses=(*earlier, replace(last, until=now)))
    elif stands and not met and not facts.is_paused:
        facts = replace(facts, pauses=(*facts.pauses, Pause(now)))
    return replace(facts, met_at=now) if met else facts


def _comes_to_hold(
    condition: core.Node | None, record: Record, old: Record | None, environment: Environment
) -> bool:
    """Says whether a condition holds that did not hold before the save."""
    if condition is None or old is None or not holds(condition, record, environment, old):
        return False
    return not holds(condition, old, environment, old)


def looks_back(condition: core.Node) -> bool:
    """Says whether a condition is about a change rather than about how things are."""
    return any(
        isinstance(node, core.Changed) or getattr(node, "scope", None) is core.Scope.OLD
        for node in core.walk(condition)
    )


def _is_true(
    condition: core.Node | None,
    record: Record,
    environment: Environment,
    old: Record | None = None,
) -> bool:
    """Says whether a condition that was written holds."""
    return condition is not None and holds(condition, record, environment, old)
