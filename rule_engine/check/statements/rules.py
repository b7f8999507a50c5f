"""Checks of `rule`."""

from __future__ import annotations

from rule_engine import program, tree
from rule_engine.check.reach import warn_never_run
from rule_engine.check.session import Place, place_on
from rule_engine.check.statements.actions import (
    AFTER_DELETE,
    AFTER_SAVE,
    BEFORE_DELETE,
    BEFORE_SAVE,
    BY_TIME,
    Stage,
    check_actions,
)
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.triggers import check_trigger

MAX_DEPTH = 8


def check_rule(context: Context, written: tree.Rule) -> program.Rule | None:
    """Gives the checked rule; None when its object is unknown or its trigger is wrong."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner, sees_changes=isinstance(written.trigger, tree.OnEvent))
    trigger = check_trigger(context.session, place, written.trigger)
    guard = context.condition(place, written.guard)
    actions = check_actions(context, stage_of(place, written.trigger), written.actions)
    warn_never_run(context.session, actions, guard)
    if trigger is None:
        return None
    return program.Rule(
        *context.naming(written.head, owner, written.span),
        trigger=trigger,
        order=None if written.order is None else written.order.value,
        max_depth=_depth(context, written),
        guard=guard,
        actions=actions,
    )


def stage_of(place: Place, trigger: tree.Trigger) -> Stage:
    """Gives what can be done when a trigger wakes a rule."""
    if not isinstance(trigger, tree.OnEvent):
        return Stage(place, BY_TIME)
    deletes = "delete" in trigger.events
    if trigger.timing == "before":
        return Stage(place, BEFORE_DELETE if deletes else BEFORE_SAVE, own_only=True)
    return Stage(place, AFTER_DELETE if deletes else AFTER_SAVE, own_gone=deletes)


def _depth(context: Context, written: tree.Rule) -> int | None:
    if written.max_depth is None:
        return None
    depth, trigger = written.max_depth, written.trigger
    if not isinstance(trigger, tree.OnEvent) or trigger.timing == "before":
        context.session.report(
            "misplaced",
            "only rules after saving set each other off",
            depth.span,
            'leave out "max depth"',
        )
    if 1 <= depth.value <= MAX_DEPTH and depth.value == int(depth.value):
        return int(depth.value)
    context.session.report(
        "bad_depth",
        "the depth is a whole number from 1 to {most}",
        depth.span,
        most=MAX_DEPTH,
    )
    return None
