"""Builds people, actions, automations and assignments from the parser's tree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from rule_engine import tree
from rule_engine.syntax import literals
from rule_engine.syntax.expressions import Branch, ExpressionBuilder, Part, branch_of, token_of
from rule_engine.syntax.statements import because_of, guard_of, head_of, is_branch, pick

# People


def principal(build: ExpressionBuilder, part: Part) -> tree.Principal:
    """Builds a person or a group of people."""
    node = branch_of(part)
    span = build.span(node)
    match node.data:
        case "group":
            kind, name, scope = node.children
            way = None if scope is None else build.path(scope)
            return tree.Group(build.name(kind), build.string(name), way, span)
        case "relation":
            kind, of = node.children
            return tree.Relation(build.name(kind), principal(build, of), span)
    return tree.UserPath(build.path(node.children[0]), span)


def principals(build: ExpressionBuilder, part: Part) -> tuple[tree.Principal, ...]:
    """Builds a list of people."""
    return tuple(principal(build, child) for child in branch_of(part).children)


# Actions

ACTIONS = (
    *("set", "clear", "notify", "create", "assign_to", "start", "call", "escalate"),
    *("lock", "unlock", "stop", "fail", "branch"),
)


def actions(build: ExpressionBuilder, node: Branch) -> tuple[tree.Action, ...]:
    """Builds the actions directly inside a node."""
    return tuple(_action(build, child) for child in pick(node, *ACTIONS))


def _action(build: ExpressionBuilder, node: Branch) -> tree.Action:
    span, parts = build.span(node), node.children
    match node.data:
        case "set":
            return tree.Set(build.path(parts[0]), build.build(parts[1]), span)
        case "clear":
            return tree.Clear(build.path(parts[0]), span)
        case "notify":
            channel = None if parts[1] is None else build.name(parts[1])
            return tree.Notify(principals(build, parts[0]), channel, build.string(parts[2]), span)
        case "create":
            return tree.Create(build.name(parts[0]), record(build, parts[1]), span)
        case "assign_to":
            return tree.AssignTo(principal(build, parts[0]), span)
        case "start":
            return tree.Start(build.name(parts[0]), span)
        case "call":
            values = record(build, parts[1]) if len(parts) > 1 else ()
            return tree.Invoke(build.name(parts[0]), values, span)
        case "escalate":
            return tree.Escalate(principals(build, parts[0]), span)
        case "fail":
            at = None if parts[1] is None else build.path(parts[1])
            return tree.Fail(build.string(parts[0]), at, span)
        case "branch":
            return _branch(build, node)
    return tree.Plain(str(node.data), span)


def _branch(build: ExpressionBuilder, node: Branch) -> tree.Branch:
    condition, block, *others = node.children
    arms = [(build.build(condition), actions(build, branch_of(block)))]
    otherwise: tuple[tree.Action, ...] = ()
    for part in others:
        other = branch_of(part)
        inner = actions(build, branch_of(other.children[-1]))
        if is_branch(other, "else_when"):
            arms.append((build.build(other.children[0]), inner))
        else:
            otherwise = inner
    return tree.Branch(tuple(arms), otherwise, build.span(node))


def record(build: ExpressionBuilder, part: Part) -> tuple[tree.FieldValue, ...]:
    """Builds `{ name: expression, … }`."""
    return tuple(
        tree.FieldValue(build.name(pair.children[0]), build.build(pair.children[1]))
        for pair in pick(branch_of(part), "field_value")
    )


# Automations


def rule(build: ExpressionBuilder, node: Branch) -> tree.Rule:
    """Builds a `rule` statement."""
    order, depth = node.children[2], node.children[3]
    return tree.Rule(
        head=head_of(build, node),
        trigger=_trigger(build, node.children[1]),
        order=None if order is None else build.number(order),
        max_depth=None if depth is None else build.number(depth),
        guard=guard_of(build, node),
        actions=actions(build, node),
        span=build.span(node),
    )


def _trigger(build: ExpressionBuilder, part: Part) -> tree.Trigger:
    node = branch_of(part)
    span, parts = build.span(node), node.children
    match node.data:
        case "on_event":
            return tree.OnEvent(str(parts[0]), tuple(map(str, parts[1:])), span)
        case "on_schedule":
            written = parts[0]
            every = build.duration(written) if is_branch(written, *_DURATIONS) else str(written)
            return tree.OnSchedule(every, _time(build, parts[1]), span)
    length, timing, path, at = parts
    return tree.OnDate(
        build.duration(length), str(timing), build.path(path), _time(build, at), span
    )


_DURATIONS = ("duration", "business_duration")


def _time(build: ExpressionBuilder, part: Part) -> time | None:
    return None if part is None else literals.read_time(token_of(part), build.report)


# Assignment


def assign(build: ExpressionBuilder, node: Branch) -> tree.Assign:
    """Builds an `assign` statement."""
    lines = pick(
        node, "assign_when", "assign_else", "assign_available", "assign_skip", "assign_again"
    )
    return tree.Assign(
        head=head_of(build, node),
        trigger=_trigger(build, node.children[1]),
        statements=tuple(_assign_statement(build, line) for line in lines),
        span=build.span(node),
    )


def _assign_statement(build: ExpressionBuilder, node: Branch) -> tree.AssignStatement:
    span, parts = build.span(node), node.children
    match node.data:
        case "assign_when":
            condition, to, skills, sticky, capacity = parts[:5]
            return tree.AssignEntry(
                build.build(condition),
                principal(build, to),
                None if capacity is None else build.number(capacity),
                because_of(build, node),
                span,
                tuple(map(build.build, _listed(skills))),
                tuple(map(build.path, _listed(sticky))),
            )
        case "assign_else":
            return tree.AssignEntry(None, principal(build, parts[0]), None, None, span)
        case "assign_available":
            return tree.AssignAvailable(None if parts[0] is None else build.name(parts[0]), span)
        case "assign_skip":
            return tree.AssignSkip(build.build(parts[0]), span)
    guard = branch_of(parts[1])
    return tree.AssignAgain(build.duration(parts[0]), build.build(guard.children[0]), span)


def _listed(part: Part) -> Sequence[Part]:
    return [] if part is None else branch_of(part).children
