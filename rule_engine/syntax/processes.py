"""Builds approvals and service levels from the parser's tree."""

from __future__ import annotations

from decimal import Decimal

from rule_engine import tree
from rule_engine.syntax import literals
from rule_engine.syntax.actions import actions, principals
from rule_engine.syntax.expressions import Branch, ExpressionBuilder, Part, branch_of, token_of
from rule_engine.syntax.statements import guard_of, head_of, is_branch, label_of, pick


def _children(node: Branch, skip: tuple[str, ...]) -> list[Branch]:
    return [
        branch_of(part)
        for part in node.children
        if hasattr(part, "data") and not is_branch(part, *skip)
    ]


# Approval


def approval(build: ExpressionBuilder, node: Branch) -> tree.Approval:
    """Builds an `approval` statement."""
    lines = _children(node, ("head",))
    return tree.Approval(
        head_of(build, node),
        tuple(_approval_statement(build, line) for line in lines),
        build.span(node),
    )


def _approval_statement(build: ExpressionBuilder, node: Branch) -> tree.ApprovalStatement:
    span, parts = build.span(node), node.children
    match node.data:
        case "appr_enter":
            return tree.Enter(build.build(parts[0]), span)
        case "appr_submitters":
            return tree.Submitters(principals(build, parts[0]), span)
        case "appr_self":
            return tree.SelfApproval(str(parts[0]), span)
        case "appr_restart":
            return tree.Restart(tuple(build.path(part) for part in parts), span)
        case "appr_parallel":
            steps = tuple(_step(build, step) for step in pick(node, "appr_step"))
            return tree.ParallelSteps(label_of(build, node), guard_of(build, node), steps, span)
        case "appr_on":
            return _phase(build, node)
    return _step(build, node)


def _phase(build: ExpressionBuilder, node: Branch) -> tree.PhaseBlock:
    phase, block = node.children
    return tree.PhaseBlock(str(phase), actions(build, branch_of(block)), build.span(node))


def _step(build: ExpressionBuilder, node: Branch) -> tree.Step:
    lines = _children(node, ("label", "guard"))
    return tree.Step(
        name=build.name(node.children[0]),
        label=label_of(build, node),
        guard=guard_of(build, node),
        statements=tuple(_step_statement(build, line) for line in lines),
        span=build.span(node),
    )


def _step_statement(build: ExpressionBuilder, node: Branch) -> tree.StepStatement:
    span, parts = build.span(node), node.children
    match node.data:
        case "step_approvers":
            return tree.Approvers(principals(build, parts[0]), build.build_optional(parts[1]), span)
        case "step_editable":
            return tree.Editable(tuple(build.path(part) for part in parts), span)
        case "step_decide":
            return _decide(build, node)
        case "step_delegate":
            return tree.Delegation(str(parts[0]) == "allowed", span)
        case "step_due":
            calendar = None if parts[1] is None else build.name(parts[1])
            return tree.Due(build.duration(parts[0]), calendar, span)
        case "step_remind":
            return tree.Remind(_percents(build, parts[0]), span)
        case "step_timeout":
            return _overdue(build, node)
        case "reject_ends":
            return tree.RejectionLine(True, None, None, span)
        case "reject_to_person":
            return tree.RejectionLine(False, build.name(parts[0]), None, span)
        case "reject_to_step":
            return tree.RejectionLine(False, None, build.name(parts[0]), span)
    return _phase(build, node)


def _decide(build: ExpressionBuilder, node: Branch) -> tree.DecideBy:
    token, span = token_of(node.children[0]), build.span(node)
    if token.type == "NUMBER":
        return tree.DecideBy("count", literals.read_number(token, build.report), span)
    if token.type == "PERCENT":
        return tree.DecideBy("percent", literals.read_percent(token, build.report), span)
    return tree.DecideBy(str(token), None, span)


def _overdue(build: ExpressionBuilder, node: Branch) -> tree.Overdue:
    part, span = node.children[0], build.span(node)
    if is_branch(part, "escalate"):
        people = principals(build, branch_of(part).children[0])
        return tree.Overdue(tree.Escalate(people, build.span(branch_of(part))), None, span)
    return tree.Overdue(None, str(part), span)


def _percents(build: ExpressionBuilder, part: Part) -> tuple[Decimal, ...]:
    return tuple(
        literals.read_percent(token_of(token), build.report) for token in branch_of(part).children
    )


# Service levels

_CONDITIONS = {
    "sla_applies": "applies",
    "sla_pause": "pause",
    "sla_cancel": "cancel",
    "sla_restart": "restart",
    "target_met": "met",
}


def sla(build: ExpressionBuilder, node: Branch) -> tree.Sla:
    """Builds an `sla` statement."""
    lines = _children(node, ("head",))
    return tree.Sla(
        head_of(build, node),
        tuple(_sla_statement(build, line) for line in lines),
        build.span(node),
    )


def _sla_statement(build: ExpressionBuilder, node: Branch) -> tree.SlaStatement:
    span, parts = build.span(node), node.children
    match node.data:
        case "sla_calendar":
            return tree.SlaCalendar(build.name(parts[0]), span)
        case "sla_clock":
            return tree.SlaClock(build.path(parts[0]), span)
        case "sla_target":
            return _target(build, node)
    return tree.SlaCondition(_CONDITIONS[node.data], build.build(parts[0]), span)


def _target(build: ExpressionBuilder, node: Branch) -> tree.Target:
    lines = _children(node, ("label",))
    return tree.Target(
        build.name(node.children[0]),
        label_of(build, node),
        tuple(_target_statement(build, line) for line in lines),
        build.span(node),
    )


def _target_statement(
    build: ExpressionBuilder, node: Branch
) -> tree.SlaCondition | tree.Within | tree.AtPercent:
    span, parts = build.span(node), node.children
    match node.data:
        case "target_within":
            return tree.Within(build.duration(parts[0]), build.build(parts[1]), span)
        case "target_else":
            return tree.Within(build.duration(parts[0]), None, span)
        case "target_at":
            block = actions(build, branch_of(parts[1]))
            return tree.AtPercent(_percents(build, parts[0]), block, span)
    return tree.SlaCondition(_CONDITIONS[node.data], build.build(parts[0]), span)
