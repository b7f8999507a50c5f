"""Checks of `approval`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, cast

from rule_engine import core, program, tree
from rule_engine.check.assigning import own_field
from rule_engine.check.reach import warn_never_run
from rule_engine.check.reachability import warn_excluded
from rule_engine.check.session import Place, place_on
from rule_engine.check.statements.actions import approval_stage, check_actions
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.people import check_people
from rule_engine.check.times import read_length
from rule_engine.spelling import did_you_mean
from rule_engine.values import BusinessLength

_PHASES_OF_STEP = ("approve", "reject", "overdue")


@dataclass(frozen=True, slots=True)
class Steps:
    """The names of an approval's steps, and of those in the stages before the one at hand."""

    names: Sequence[str]
    earlier: Sequence[str]


def check_approval(context: Context, written: tree.Approval) -> program.Approval | None:
    """Gives the checked approval; None when its object is unknown."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner, sees_changes=True)
    enter = context.only(written.statements, tree.Enter, "enter")
    submitters = context.only(written.statements, tree.Submitters, "submitters")
    self_approval = context.only(written.statements, tree.SelfApproval, "self approval")
    restart = context.only(written.statements, tree.Restart, "restart")
    people = () if submitters is None else submitters.people
    how = "forbidden" if self_approval is None else self_approval.how
    names = _step_names(context, written)
    stages: list[program.Step | program.Parallel] = []
    earlier: list[str] = []
    for one in written.statements:
        if isinstance(one, tree.Step | tree.ParallelSteps):
            stages.append(_stage(context, place, one, Steps(names, tuple(earlier))))
            earlier += (step.name.text for step in _steps_of(one))
    if not stages:
        context.session.report(
            "no_step",
            'the approval "{name}" has no step',
            written.head.name.span,
            name=written.head.name.text,
        )
    return program.Approval(
        *context.naming(written.head, owner, written.span),
        enter=context.condition(place, None if enter is None else enter.condition),
        submitters=check_people(context, place, people),
        self_approval=cast("Literal['forbidden', 'allowed', 'skipped']", how),
        restart_fields=_fields(context, place, () if restart is None else restart.paths),
        stages=tuple(stages),
        phases=_phases(context, place, written.statements),
    )


def _step_names(context: Context, written: tree.Approval) -> list[str]:
    names: list[str] = []
    for stage in written.statements:
        for step in _steps_of(stage):
            if step.name.text in names:
                context.session.report(
                    "name_taken",
                    'there is a step "{name}" already',
                    step.name.span,
                    name=step.name.text,
                )
            names.append(step.name.text)
    return names


def _steps_of(stage: object) -> Iterator[tree.Step]:
    """Gives the steps of a stage; a line that is none has none."""
    for step in stage.steps if isinstance(stage, tree.ParallelSteps) else (stage,):
        if isinstance(step, tree.Step):
            yield step


def _fields(context: Context, place: Place, paths: tuple[tree.Path, ...]) -> tuple[str, ...]:
    found = [own_field(context.session, place, path) for path in paths]
    return tuple(path.field for path in found if path is not None)


def _phases(
    context: Context, place: Place, statements: Iterable[object], *allowed: str
) -> Mapping[str, tuple[program.Action, ...]]:
    phases: dict[str, tuple[program.Action, ...]] = {}
    for block in statements:
        if not isinstance(block, tree.PhaseBlock):
            continue
        if block.phase in phases:
            context.session.report(
                "twice",
                '"on {phase}" stands here twice',
                replace(block.span, width=2),
                phase=block.phase,
            )
        if allowed and block.phase not in allowed:
            context.session.report(
                "misplaced",
                'a step has no "on {phase}"',
                replace(block.span, width=2),
                "write it beside the steps",
                phase=block.phase,
            )
        actions = check_actions(context, approval_stage(place), block.actions)
        warn_never_run(context.session, actions)
        phases[block.phase] = actions
    return phases


def _stage(
    context: Context, place: Place, written: tree.Step | tree.ParallelSteps, known: Steps
) -> program.Step | program.Parallel:
    if isinstance(written, tree.Step):
        return _step(context, place, written, known)
    guard = context.condition(place, written.guard)
    steps = tuple(_step(context, place, step, known) for step in written.steps)
    for step in steps:
        warn_excluded(context.session, guard, step.guard)
    return program.Parallel(written.label or "", guard, steps, written.span)


def _step(context: Context, place: Place, written: tree.Step, known: Steps) -> program.Step:
    lines = written.statements
    approvers = context.only(lines, tree.Approvers, "approvers")
    if approvers is None:
        context.session.report(
            "no_approvers",
            'the step "{name}" has no approvers',
            written.name.span,
            "write  approvers …",
            name=written.name.text,
        )
    editable = context.only(lines, tree.Editable, "editable")
    delegation = context.only(lines, tree.Delegation, "delegation")
    due = context.only(lines, tree.Due, "due")
    remind = context.only(lines, tree.Remind, "remind")
    overdue = context.only(lines, tree.Overdue, "overdue")
    if due is None and (late := remind or overdue):
        context.session.report(
            "no_due",
            "without a due time nothing is ever late",
            replace(late.span, width=6),
            "write  due in …",
        )
    _check_remind(context, remind)
    guard = context.condition(place, written.guard)
    return program.Step(
        name=written.name.text,
        label=written.label or written.name.text,
        guard=guard,
        approvers=_approvers(context, place, approvers),
        until=_until(context, place, approvers),
        editable=_fields(context, place, () if editable is None else editable.paths),
        decide=_decide(context, context.only(lines, tree.DecideBy, "decide")),
        delegation=delegation is None or delegation.allowed,
        due=_due(context, due),
        calendar=None if due is None else context.calendar(due.calendar),
        remind=() if remind is None else remind.at,
        overdue=_overdue(context, place, overdue),
        rejection=_rejection(context, context.only(lines, tree.RejectionLine, "rejection"), known),
        phases=_phases(context, place, lines, *_PHASES_OF_STEP),
        span=written.span,
    )


def _check_remind(context: Context, written: tree.Remind | None) -> None:
    if written is not None and not all(0 < share < 1 for share in written.at):
        context.session.report(
            "bad_share",
            "a reminder comes above 0% and below 100% of the time",
            replace(written.span, width=6),
        )


def _approvers(
    context: Context, place: Place, written: tree.Approvers | None
) -> tuple[program.Principal, ...]:
    if written is None:
        return ()
    return check_people(context, place, written.people, in_approval=True)


def _until(context: Context, place: Place, written: tree.Approvers | None) -> core.Node | None:
    """Gives the condition that ends the climb: names are the record's, else the candidate's."""
    if written is None or written.until is None:
        return None
    candidate = context.session.schema.object("user")
    return context.condition(replace(place, candidate=candidate), written.until)


def _decide(context: Context, written: tree.DecideBy | None) -> program.Decide:
    if written is None:
        return program.Decide("anyone")
    amount = written.amount
    kind = cast("Literal['anyone', 'everyone', 'majority', 'count', 'percent']", written.kind)
    if kind == "count" and amount is not None and (amount < 1 or amount != int(amount)):
        context.session.report("bad_quorum", "people are counted whole, from 1", written.span)
    if kind == "percent" and amount is not None and not 0 < amount <= Decimal(1):
        context.session.report("bad_quorum", "a share is above 0% and at most 100%", written.span)
    return program.Decide(kind, amount)


def _due(context: Context, written: tree.Due | None) -> program.Length | None:
    if written is None:
        return None
    length = read_length(context.session, written.length)
    named = written.calendar is not None or context.has_organisation_calendar
    if isinstance(length, BusinessLength) and not named:
        context.session.report(
            "business_time",
            "business time needs a calendar",
            written.length.span,
            "write  due in {length} using calendar_name",
            length=written.length.text,
        )
    return length


def _overdue(
    context: Context, place: Place, written: tree.Overdue | None
) -> tuple[program.Principal, ...] | Literal["approve", "reject"] | None:
    if written is None:
        return None
    if written.escalate is not None:
        return check_people(context, place, written.escalate.people, in_approval=True)
    return cast("Literal['approve', 'reject']", written.verdict)


def _rejection(
    context: Context, written: tree.RejectionLine | None, known: Steps
) -> program.Rejection:
    if written is None or written.ends:
        return program.Rejection("ends")
    session = context.session
    if (step := written.to_step) is not None:
        if step.text not in known.names:
            session.report(
                "unknown_step",
                'there is no step "{name}"',
                step.span,
                did_you_mean(step.text, known.names),
                name=step.text,
            )
        elif step.text not in known.earlier:
            session.report(
                "later_step",
                'the step "{name}" does not come before this one',
                step.span,
                "a rejection goes back: to an earlier step, to the submitter, or it ends",
                name=step.text,
            )
        return program.Rejection("step", step.text)
    person = written.to_submitter
    if person is not None and person.text != "submitter":
        hint = "write  returns to submitter  or  returns to step name"
        session.report("unknown_people", "it cannot return there", person.span, hint)
    return program.Rejection("submitter")
