"""Checks of `rule` and `assign`."""

from __future__ import annotations

from typing import Literal, cast

from rule_engine import program, tree
from rule_engine.check.session import Place, is_kind, place_on
from rule_engine.check.statements.actions import Stage, before_save_stage, check_actions
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.people import check_person
from rule_engine.check.times import read_length
from rule_engine.check.words import say
from rule_engine.errors import Span
from rule_engine.types import Kind

MAX_DEPTH = 8

#: The events before which rules run in this version.
RUN_EVENTS = frozenset({"create", "update", "save"})


def check_rule(context: Context, written: tree.Rule) -> program.Rule | None:
    """Gives the checked rule; what this version does not run brings a warning."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner, sees_changes=isinstance(written.trigger, tree.OnEvent))
    runs = is_run(written)
    trigger = _trigger(context, place, written.trigger)
    guard = context.condition(place, written.guard)
    stage = before_save_stage(place) if runs else Stage(place)
    actions = check_actions(context, stage, written.actions)
    if trigger is None:
        return None
    if not runs:
        _warn(context, written.head.name, "rule", "only rules before save run")
    return program.Rule(
        *context.naming(written.head, owner, written.span),
        trigger=trigger,
        order=None if written.order is None else written.order.value,
        max_depth=_depth(context, written.max_depth),
        guard=guard,
        actions=actions,
        runs=runs,
    )


def is_run(process: object) -> bool:
    """Says whether this version runs a rule: those before create, update or save."""
    trigger = process.trigger if isinstance(process, tree.Rule) else None
    if not isinstance(trigger, tree.OnEvent):
        return False
    return trigger.timing == "before" and set(trigger.events) <= RUN_EVENTS


def _depth(context: Context, written: tree.Number | None) -> int | None:
    if written is None:
        return None
    if 1 <= written.value <= MAX_DEPTH and written.value == int(written.value):
        return int(written.value)
    message = f"the depth is a whole number from 1 to {MAX_DEPTH}"
    context.session.report("bad_depth", message, written.span)
    return None


def _warn(context: Context, name: tree.Name, word: str, why: str) -> None:
    message = f'this version does not run the {word} "{name.text}"'
    context.session.warn("not_run", message, name.span, why, name=name.text)


def _trigger(context: Context, place: Place, written: tree.Trigger) -> program.Trigger | None:
    session = context.session
    match written:
        case tree.OnEvent():
            timing = cast("Literal['before', 'after']", written.timing)
            for position, event in enumerate(written.events):
                if event in written.events[:position]:
                    span = Span(written.span.line, written.span.column)
                    session.report("twice", f'"{event}" stands here twice', span)
            return program.OnEvent(timing, written.events)
        case tree.OnSchedule():
            if isinstance(written.every, str):
                return program.OnSchedule(written.every, written.at)
            every = read_length(session, written.every)
            return None if every is None else program.OnSchedule(every, written.at)
    length = read_length(session, written.length)
    path = session.check(place, written.path)
    if length is None or path is None:
        return None
    if not is_kind(path, Kind.DATE, Kind.INSTANT) or not hasattr(path, "hops"):
        message = f"a date or a point in time is needed here, not {say(path)}"
        session.report("wrong_type", message, written.path.span)
        return None
    timing = cast("Literal['before', 'after']", written.timing)
    return program.OnDate(length, timing, path, written.at)  # type: ignore[arg-type]


def check_assign(context: Context, written: tree.Assign) -> program.Assignment | None:
    """Gives the checked assignment; this version does not run it and says so."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner, sees_changes=isinstance(written.trigger, tree.OnEvent))
    trigger = _trigger(context, place, written.trigger)
    conditions, people = [], []
    for statement in written.statements:
        match statement:
            case tree.AssignEntry():
                conditions.append(context.condition(place, statement.condition))
                people.append(check_person(context, place, statement.to))
            case tree.AssignSkip():
                conditions.append(context.condition(place, statement.condition))
            case tree.AssignAgain():
                conditions.append(context.condition(place, statement.guard))
                read_length(context.session, statement.length)
            case tree.AssignAvailable():
                context.calendar(statement.calendar)
    if trigger is None:
        return None
    _warn(context, written.head.name, "assignment", "it is checked only")
    return program.Assignment(
        *context.naming(written.head, owner, written.span),
        trigger=trigger,
        conditions=tuple(node for node in conditions if node is not None),
        people=tuple(person for person in people if person is not None),
    )
