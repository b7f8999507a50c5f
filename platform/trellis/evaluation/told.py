"""What each kind of rule says of a record, and why, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from metadata.fields.numbers import plain
from rule_engine import core
from rule_engine.backends.python import trace_node
from rule_engine.backends.python.trace import Trace
from rule_engine.program import (
    Approval,
    Assignment,
    OnEvent,
    Parallel,
    Rule,
    Score,
    ScoreGroup,
    ScoreItem,
    ServiceLevel,
    Step,
    Validation,
)
from rule_engine.services.automate import SaveEvent, before_save
from rule_engine.services.evaluate import evaluate, holds
from rule_engine.services.people import describe
from rule_engine.services.score import ScoreResult, score
from rule_engine.services.sla import observe
from rule_engine.services.sla_clock import Clock, plan
from rule_engine.types import Environment
from trellis.evaluation.wire import duration, to_json, to_wire

Record = Mapping[str, object]
Lines = Iterator[str]
Explained = Rule | Validation | Score | Assignment | Approval | ServiceLevel


@dataclass(frozen=True, slots=True)
class World:
    """A record with everything around it; `old` is None when it is created."""

    record: Record
    old: Record | None
    environment: Environment

    @property
    def event(self) -> SaveEvent:
        """Gives what happens to the record."""
        return "create" if self.old is None else "update"


class _NoDirectory:
    """People are not looked up: they are told as they are written."""

    def resolve(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        """Gives nobody."""
        del kind, name, scope
        return ()

    def relation(self, kind: str, user: str) -> Sequence[str]:
        """Gives nobody."""
        del kind, user
        return ()


def explain_definition(one: Explained, world: World) -> Lines:
    """Gives what a rule, a score … says of a record."""
    match one:
        case Rule():
            yield from _rule(one, world)
        case Validation():
            yield from _validation(one, world)
        case Score():
            yield from _score(one, world)
        case Assignment():
            yield from _assignment(one, world)
        case Approval():
            yield from _approval(one, world)
        case ServiceLevel():
            yield from _service_level(one, world)


def _condition(node: core.Node | None, world: World, indent: int) -> Lines:
    """Gives a condition with the values of its parts; nothing where none was written."""
    if node is not None:
        yield from _trace(trace_node(node, world.record, world.environment, world.old), indent)


def _trace(trace: Trace, indent: int) -> Lines:
    reason = f" because {trace.reason}" if trace.reason else ""
    yield f"{'  ' * indent}{trace.fact()}{reason}"
    for child in trace.children:
        if not (trace.reason and child.value is None):
            yield from _trace(child, indent + 1)


def _holds(node: core.Node | None, world: World) -> bool:
    return holds(node, world.record, world.environment, world.old)


# Rules, validations.


def _rule(rule: Rule, world: World) -> Lines:
    trigger = rule.trigger
    if isinstance(trigger, OnEvent) and not any(
        trigger.wakes(timing, world.event) for timing in ("before", "after")
    ):
        yield f"rule {rule.name}: sleeps, this is no {' or '.join(trigger.events)}"
        return
    fires = _holds(rule.guard, world)
    yield f"rule {rule.name}: {'fires' if fires else 'does not fire'}"
    yield from _condition(rule.guard, world, 1)
    if fires and isinstance(trigger, OnEvent) and trigger.timing == "before":
        made = before_save([rule], world.event, world.record, world.old, world.environment)
        for name, value in made.values.items():
            yield f"  sets {name} to {to_json(value)}"
        for failure in made.failures:
            yield f"  refuses: {failure.message}"


def _validation(validation: Validation, world: World) -> Lines:
    if not _holds(validation.guard, world):
        yield f"validate {validation.name}: does not apply"
        yield from _condition(validation.guard, world, 1)
        return
    yield f"validate {validation.name}:"
    for check in validation.checks:
        applies = _holds(check.guard, world)
        broken = applies and _holds(check.condition, world) is (check.kind == "forbid")
        state = "refused" if broken else "fine" if applies else "does not apply"
        yield f"  {state}: {check.message}"
        yield from _condition(check.condition if applies else check.guard, world, 2)


# Scores.


def _score(definition: Score, world: World) -> Lines:
    result = score(definition, world.record, world.environment)
    if result is None:
        yield f"score {definition.name}: keeps its value"
        yield from _condition(definition.guard, world, 1)
        return
    grade = f", {definition.grade_into} {result.grade}" if definition.grade_into else ""
    yield f"score {definition.name}: {definition.into} {plain(result.points)}{grade}"
    yield f"  base {plain(result.base)}"
    yield from _entries(definition.entries, result, world, 1)
    yield f"  total {plain(result.total)}{_range(result)}"


def _range(result: ScoreResult) -> str:
    if result.least is None and result.most is None:
        return ""
    ends = [("least", result.least), ("most", result.most)]
    said = ", ".join(f"at {word} {plain(end)}" for word, end in ends if end is not None)
    return f", {said} = {plain(result.points)}"


def _entries(
    entries: Sequence[ScoreItem | ScoreGroup], result: ScoreResult, world: World, indent: int
) -> Lines:
    counted = {item.span: item for item in result.items}
    groups = {group.label: group for group in result.groups}
    for entry in entries:
        if isinstance(entry, ScoreItem):
            item = counted.get(entry.span)
            yield _item(entry, None if item is None else item.amount, indent)
            yield from _condition(entry.guard, world, indent + 2)
            continue
        found = groups[entry.label]
        cap = "" if found.at_most is None else f", at most {plain(found.at_most)}"
        yield (
            f"{'  ' * indent}group {entry.label}: {plain(found.total)}{cap} = {plain(found.points)}"
        )
        yield from _entries(entry.entries, result, world, indent + 1)


def _item(item: ScoreItem, amount: Decimal | None, indent: int) -> str:
    sign = "×" if item.kind == "multiply" else ""
    points = "    —" if amount is None else f"{sign}{_signed(item, amount)}".rjust(5)
    return f"{'  ' * indent}{points}  {item.because}"


def _signed(item: ScoreItem, amount: Decimal) -> str:
    plus = "+" if item.kind != "multiply" and amount >= 0 else ""
    return plus + plain(amount)


# People.


def _assignment(assignment: Assignment, world: World) -> Lines:
    for skip in assignment.skip:
        if _holds(skip, world):
            yield f"assign {assignment.name}: skips the record"
            yield from _condition(skip, world, 1)
            return
    fitting = next((e for e in assignment.entries if _holds(e.guard, world)), None)
    to = "nobody" if fitting is None else describe((fitting.to,))
    yield f"assign {assignment.name}: to {to}"
    for entry in assignment.entries:
        told = describe((entry.to,))
        because = f", {entry.because}" if entry.because else ""
        yield f"  {'chosen' if entry is fitting else 'not'}: {told}{because}"
        yield from _condition(entry.guard, world, 2)
        if entry is fitting:
            return


def _approval(approval: Approval, world: World) -> Lines:
    enters = _holds(approval.enter, world)
    yield f"approval {approval.name}: {'can be submitted' if enters else 'cannot be submitted'}"
    yield from _condition(approval.enter, world, 1)
    for stage in approval.stages if enters else ():
        yield from _stage(stage, world, 1)


def _stage(stage: Step | Parallel, world: World, indent: int) -> Lines:
    needed = _holds(stage.guard, world)
    if isinstance(stage, Parallel):
        yield f"{'  ' * indent}parallel {stage.label}: {'needed' if needed else 'left out'}"
        yield from _condition(stage.guard, world, indent + 1)
        for step in stage.steps if needed else ():
            yield from _stage(step, world, indent + 1)
        return
    who = f"needed, {describe(stage.approvers)}" if needed else "left out"
    yield f"{'  ' * indent}step {stage.name}: {who}"
    yield from _condition(stage.guard, world, indent + 1)


# Service levels.


def _service_level(level: ServiceLevel, world: World) -> Lines:
    applies = _holds(level.applies, world)
    yield f"sla {level.name}: {'applies' if applies else 'does not apply'}"
    yield from _condition(level.applies, world, 1)
    state = observe(level, None, world.record, world.old, world.environment, _NoDirectory()).state
    if state is None:
        if applies and level.clock_from is not None:
            start = evaluate(level.clock_from, world.record, world.environment, world.old)
            yield f"  its clock has no start: {start or 'empty'}"
        return
    for clock in plan(level, state, world.record, world.environment):
        yield from _clock(clock)


def _clock(clock: Clock) -> Lines:
    if clock.length is None:
        yield f"  target {clock.target}: {clock.status}, nothing is promised"
        return
    kind = "working time" if clock.in_business_time else "time"
    yield f"  target {clock.target}: {clock.status}{', late' if clock.breached else ''}"
    yield f"    started {to_wire(clock.started_at)}, {duration(clock.length)} of {kind}"
    paused = f", paused {duration(clock.paused)}" if clock.paused else ""
    yield f"    elapsed {duration(clock.elapsed)}{paused}, due {to_wire(clock.due) or 'never'}"
    upcoming = clock.next_trigger
    if upcoming is not None:
        yield f"    next at {plain(upcoming.percent * 100)}%: {to_wire(upcoming.at)}"
