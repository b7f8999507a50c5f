"""Approvals as a pure state machine: (definition, state, event, now) gives (state, effects).

Two decisions at once are kept apart by whoever stores the state: it compares `revision` first.
Who clicks on what they saw gives its revision as `expected`. What time brings is `approval_clock`.
Codes of refusals: does_not_qualify not_submitter nobody_to_ask too_few_to_ask failed closed
outdated already_decided not_approver not_your_turn not_substitute comment_required text_too_long
no_delegation self_approval not_submitter_recall. Bringing in others is `approval_signers`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from rule_engine.backends.python import Trace, trace_node
from rule_engine.messages import Phrase
from rule_engine.program import Approval
from rule_engine.services.approval_settle import settle
from rule_engine.services.approval_speaker import closed, speaker, text_refusal
from rule_engine.services.approval_state import (
    ApprovalState,
    Decision,
    Json,
    Outcome,
    Refusal,
    StepPlan,
    Verdict,
    refused,
)
from rule_engine.services.approval_transition import Transition, finish, plan
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record, holds
from rule_engine.services.people import Company, describe, find_people
from rule_engine.services.substitutes import step_named, with_stand_ins
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
            'The record does not meet the condition of "{approval}"',
            approval=definition.label,
        )
    if not _may_submit(definition, record, user_id, environment, directory):
        who = describe(definition.submitters)
        return refused(None, "not_submitter", "Only {submitters} may submit this", submitters=who)
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

    return finish(transition, begin, None)


def route(
    definition: Approval,
    record: Record,
    submitter: str,
    environment: Environment,
    directory: Directory,
) -> dict[str, tuple[str, ...]]:
    """Gives whom each step, by name, would ask if the record were submitted as it is now; nobody
    where its approvers give nobody, though a later step then asks the fallback."""
    state = ApprovalState(definition.name, str(record.get("id") or ""), submitter)
    around = record, environment, directory, environment.now
    transition = Transition(definition, state, *around)
    return {step.name: transition.asked(step) for step in definition.steps}


def foreseen(
    definition: Approval,
    record: Record,
    submitter: str,
    environment: Environment,
    directory: Directory,
) -> ApprovalState:
    """Gives the path of a request that is not made: each step with whom it would ask and why it
    is needed or not, as the record is now. Later steps without anybody ask the fallback."""
    state = ApprovalState(definition.name, str(record.get("id") or ""), submitter)
    around = record, environment, directory, environment.now
    transition = Transition(definition, state, *around)
    path = plan(definition, record, environment)
    first = min((step.stage for step in path if step.needed), default=0)

    def asked(step: StepPlan) -> tuple[str, ...]:
        found = transition.asked(transition.step(step.name))
        return found or (transition.fallback() if step.stage > first else ())

    return replace(state, path=tuple(replace(step, approvers=asked(step)) for step in path))


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
    expected: int | None = None,
    files: tuple[Json, ...] = (),
) -> Outcome:
    """Counts one approver's word; in a parallel block for all their open steps.

    A rejection takes a comment; none is longer than MAX_COMMENT. `on_behalf_of` is the approver in
    whose place `user_id` speaks; without it, that is the first one asked for whom the directory
    lets them stand in. The step's delegation must allow it. With `expected` the request must still
    have that revision. `files` are kept with the word.
    """
    said = speaker(
        definition, state, user_id, directory, on_behalf_of=on_behalf_of, expected=expected
    )
    if isinstance(said, Refusal):
        return Outcome(state, problems=(said,))
    why = Refusal("comment_required", Phrase("A rejection needs a comment that says why"))
    refusal = text_refusal(comment, why if verdict == "reject" else None)
    if refusal is not None:
        return Outcome(state, problems=(refusal,))
    revision, behind = state.revision + 1, (said.on_behalf_of, said.away_until)
    spoken = tuple(
        Decision(step.name, user_id, verdict, comment.strip(), now, revision, *behind, files)
        for step in said.steps
    )
    heard = replace(state, decisions=(*state.decisions, *spoken), revision=revision)
    transition = Transition(definition, heard, record, environment, directory, now, user_id)

    def weigh() -> None:
        for decision in spoken:
            settle(transition, decision.step)
        transition.tell_new(state)

    return finish(transition, weigh, state)


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
        return Outcome(state, problems=(closed(state),))
    if user_id != state.submitter:
        return refused(state, "not_submitter_recall", "Only who submitted this may recall it")
    moved = replace(state, revision=state.revision + 1)
    transition = Transition(definition, moved, record, environment, directory, now)

    def take_back() -> None:
        transition.close("recalled")
        transition.run(definition.phases, "recall")

    return finish(transition, take_back, state)


def withdraw(state: ApprovalState, now: datetime) -> Outcome:
    """Takes back an open request whose rules are gone: nothing of them is run, but the record is
    unlocked."""
    if state.status != "open":
        return Outcome(state, problems=(closed(state),))
    moved = replace(state, revision=state.revision + 1, locked=False)
    freed = (Effect("unlock"),) if state.locked else ()
    return Outcome(moved.closed("recalled", now), freed)


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
    return finish(transition, lambda: transition.open_from(0), state)


def editors(
    definition: Approval, state: ApprovalState, directory: Directory
) -> dict[str, frozenset[str]]:
    """Gives who may change which fields of the record while it is locked.

    These are, for the `editable` fields of each open step, those who are asked in that step and
    those who may speak in their place.
    """
    found: dict[str, frozenset[str]] = {}
    for step in state.open_steps:
        users = with_stand_ins(definition, state, step, state.waiting(step), directory)
        for name in step_named(definition, step.name).editable:
            found[name] = found.get(name, frozenset()).union(users)
    return found


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
