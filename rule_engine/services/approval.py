"""Approvals as a pure state machine: (definition, state, event, now) gives (state, effects).

Two decisions at once are kept apart by whoever stores the state: it compares `revision` first.
Codes of refusals: does_not_qualify not_submitter nobody_to_ask too_few_to_ask failed closed
already_decided not_approver comment_required no_delegation self_approval not_submitter_recall.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Literal

from rule_engine.backends.python import Trace, trace_node
from rule_engine.program import Approval
from rule_engine.services.approval_state import (
    ApprovalState,
    Decision,
    Outcome,
    Refusal,
    StepPlan,
    Verdict,
    refused,
)
from rule_engine.services.approval_transition import RefusedError, Transition
from rule_engine.services.evaluate import Record, holds
from rule_engine.services.people import Company, describe, find_people
from rule_engine.types import Directory, Environment


def can_submit(definition: Approval, record: Record, environment: Environment) -> Trace | None:
    """Gives the `enter` condition with its answer and leaf values; None where every record may."""
    if definition.enter is None:
        return None
    return trace_node(definition.enter, record, environment, None)


def submit(
    definition: Approval,
    record: Record,
    user_id: str,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Outcome:
    """Starts a request; refused when the record does not qualify or nobody could decide first.

    Without a needed step the request is approved at once.
    """
    if not holds(definition.enter, record, environment):
        return refused(
            None,
            "does_not_qualify",
            f'The record does not meet the condition of "{definition.label}"',
            approval=definition.label,
        )
    if not _may_submit(definition, record, user_id, environment, directory):
        who = describe(definition.submitters)
        return refused(None, "not_submitter", f"Only {who} may submit this", submitters=who)
    state = ApprovalState(
        definition.name,
        str(record.get("id") or ""),
        user_id,
        path=_blank_path(definition),
        revision=1,
        version=definition.version,
        submitted_at=now,
    )
    transition = Transition(definition, state, record, environment, directory, now)

    def begin() -> None:
        transition.run(definition.phases, "submit")
        transition.open_from(0)

    return _finish(transition, begin, None)


def decide(
    definition: Approval,
    state: ApprovalState,
    user_id: str,
    verdict: Verdict,
    comment: str,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
    *,
    on_behalf_of: str | None = None,
) -> Outcome:
    """Counts one approver's word; in a parallel block for all their open steps.

    A rejection takes a comment. `on_behalf_of` is the approver in whose place `user_id` speaks,
    which the step's delegation must allow; that somebody may speak is for the caller to know.
    """
    on_behalf_of = None if on_behalf_of == user_id else on_behalf_of
    refusal = _refusal(definition, state, user_id, verdict, comment, on_behalf_of)
    if refusal:
        return Outcome(state, problems=(refusal,))
    person = on_behalf_of or user_id
    revision = state.revision + 1
    spoken = tuple(
        Decision(step.name, user_id, verdict, comment.strip(), now, revision, on_behalf_of)
        for step in state.open_steps
        if person in state.waiting(step)
    )
    heard = replace(state, decisions=(*state.decisions, *spoken), revision=revision)
    transition = Transition(definition, heard, record, environment, directory, now, user_id)

    def weigh() -> None:
        for decision in spoken:
            _settle(transition, decision.step)

    return _finish(transition, weigh, state)


def recall(
    definition: Approval,
    state: ApprovalState,
    user_id: str,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Outcome:
    """Takes an open request back; only who submitted it may."""
    if state.status != "open":
        return Outcome(state, problems=(_closed(state),))
    if user_id != state.submitter:
        return refused(state, "not_submitter_recall", "Only who submitted this may recall it")
    moved = replace(state, revision=state.revision + 1)
    transition = Transition(definition, moved, record, environment, directory, now)

    def take_back() -> None:
        transition.close("recalled")
        transition.run(definition.phases, "recall")

    return _finish(transition, take_back, state)


def restart(
    definition: Approval,
    state: ApprovalState,
    changed: Collection[str],
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Outcome:
    """Starts the path anew when one of the `restart when` fields is among `changed`.

    Else nothing happens: the same state, no effects. Decisions taken so far stay in the log.
    """
    if state.status != "open" or not set(definition.restart_fields) & set(changed):
        return Outcome(state)
    moved = replace(state, revision=state.revision + 1)
    transition = Transition(definition, moved, record, environment, directory, now)
    return _finish(transition, lambda: transition.open_from(0), state)


def editable_fields(
    definition: Approval, state: ApprovalState, user_id: str
) -> frozenset[str] | None:
    """Gives what a user may change on the record meanwhile; None means that nothing is locked."""
    if not state.locked:
        return None
    by_name = {step.name: step for step in definition.steps}
    return frozenset(
        name
        for step in state.open_steps
        if user_id in state.waiting(step)
        for name in by_name[step.name].editable
    )


def _may_submit(
    definition: Approval,
    record: Record,
    user_id: str,
    environment: Environment,
    directory: Directory,
) -> bool:
    if not definition.submitters:
        return True
    company = Company(record, environment, directory, {"submitter": (user_id,)})
    return user_id in find_people(definition.submitters, company)


def _blank_path(definition: Approval) -> tuple[StepPlan, ...]:
    names = [(step.name, step.label) for step in definition.steps]
    return tuple(StepPlan(name, label, stage=0, needed=False) for name, label in names)


def _finish(
    transition: Transition, work: Callable[[], None], before: ApprovalState | None
) -> Outcome:
    """Does the work; when it is refused half-way nothing of it remains."""
    try:
        work()
    except RefusedError as refusal:
        return Outcome(before, problems=(refusal.refusal,))
    return transition.outcome()


def _refusal(
    definition: Approval,
    state: ApprovalState,
    user_id: str,
    verdict: Verdict,
    comment: str,
    on_behalf_of: str | None,
) -> Refusal | None:
    if state.status != "open":
        return _closed(state)
    person = on_behalf_of or user_id
    asked = [step for step in state.open_steps if person in state.waiting(step)]
    if not asked:
        if any(person in step.approvers for step in state.open_steps):
            return Refusal("already_decided", "You have decided on this step already")
        return Refusal("not_approver", "You are not asked to decide on this now")
    if on_behalf_of:
        by_name = {step.name: step for step in definition.steps}
        if not all(by_name[step.name].delegation for step in asked):
            return Refusal("no_delegation", "This step can only be decided in person")
        if user_id == state.submitter and definition.self_approval != "allowed":
            return Refusal("self_approval", "Who submitted this cannot decide on it")
    if verdict == "reject" and not comment.strip():
        return Refusal("comment_required", "A rejection needs a comment that says why")
    return None


def _closed(state: ApprovalState) -> Refusal:
    message = f"This request is closed: it was {state.status}"
    return Refusal("closed", message, {"status": state.status})


def _settle(transition: Transition, name: str) -> None:
    """Closes a step when its decisions suffice, and goes on from there."""
    state = transition.state
    step = next((step for step in state.open_steps if step.name == name), None)
    if step is None:  # a rejection beside it has closed it
        return
    counted = state.counted(step)
    approvals = sum(decision.verdict == "approve" for decision in counted)
    rejections = len(counted) - approvals
    first_decides = transition.step(name).decide.kind == "anyone"
    if approvals >= step.needs:
        _approve(transition, step)
    elif rejections and (first_decides or len(step.approvers) - rejections < step.needs):
        _reject(transition, step)


def _approve(transition: Transition, step: StepPlan) -> None:
    transition.state = transition.state.with_steps(replace(step, status="approved"))
    transition.run(transition.step(step.name).phases, "approve")
    if not transition.state.open_steps:
        transition.open_from(step.stage + 1)


def _reject(transition: Transition, step: StepPlan) -> None:
    definition = transition.step(step.name)
    target = definition.rejection
    status: Literal["rejected", "returned"] = "rejected" if target.kind == "ends" else "returned"
    transition.state = transition.state.with_steps(replace(step, status=status))
    transition.run(definition.phases, "reject")
    if target.kind == "step":
        back = next(s for s in transition.state.path if s.name == target.step)
        transition.open_from(back.stage)
        return
    transition.close(status)
    transition.run(transition.definition.phases, "reject")
