"""Approvers who bring in others: signers who have to decide too (加签), or one instead (forward).

Codes of refusals, besides those of `decide`: reason_required oneself signer_gone signer_asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from rule_engine.messages import Phrase
from rule_engine.program import Approval
from rule_engine.services.approval_settle import settle
from rule_engine.services.approval_speaker import Speaker, speaker, text_refusal
from rule_engine.services.approval_state import (
    ApprovalState,
    Handover,
    Outcome,
    Place,
    Refusal,
    Signer,
    StepPlan,
)
from rule_engine.services.approval_transition import Transition, finish
from rule_engine.services.evaluate import Record
from rule_engine.services.people import works_here
from rule_engine.services.substitutes import may_decide, step_named
from rule_engine.types import Directory, Environment


def add_signer(
    definition: Approval,
    state: ApprovalState,
    user_id: str,
    other: str,
    place: Place,
    reason: str,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
    *,
    on_behalf_of: str | None = None,
    expected: int | None = None,
) -> Outcome:
    """Has `other` decide too, before or after the approver who asks for it.

    The step is approved only when all signers added have approved; one who rejects, rejects it.
    A reason is needed. Nobody is asked twice in a round, and the submitter as little as ever.
    """
    said = speaker(
        definition, state, user_id, directory, on_behalf_of=on_behalf_of, expected=expected
    )
    if isinstance(said, Refusal):
        return Outcome(state, problems=(said,))

    def add(step: StepPlan) -> StepPlan:
        return replace(step, added=(*step.added, Signer(other, said.person, place)))

    around = record, environment, directory, now
    return _bring_in(definition, state, said, other, place, reason, around, add)


def forward(
    definition: Approval,
    state: ApprovalState,
    user_id: str,
    other: str,
    reason: str,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
    *,
    on_behalf_of: str | None = None,
    expected: int | None = None,
) -> Outcome:
    """Has `other` decide instead of the approver who asks for it; what counts stays as it is.

    Limits are those of `add_signer`; a step that takes no delegation cannot be forwarded.
    """
    said = speaker(
        definition, state, user_id, directory, on_behalf_of=on_behalf_of, expected=expected
    )
    if isinstance(said, Refusal):
        return Outcome(state, problems=(said,))
    if not all(step_named(definition, step.name).delegation for step in said.steps):
        refusal = Refusal("no_delegation", Phrase("This step can only be decided in person"))
        return Outcome(state, problems=(refusal,))

    def hand(step: StepPlan) -> StepPlan:
        return asking_instead(state, step, said.person, other)

    around = record, environment, directory, now
    return _bring_in(definition, state, said, other, None, reason, around, hand)


def asking_instead(state: ApprovalState, step: StepPlan, user: str, other: str) -> StepPlan:
    """Gives a step that asks `other` in the place of a user, and nobody twice.

    Who has decided already is not replaced: that word stands.
    """
    if user in state.words(step) or user not in step.people:
        return step
    approvers = tuple(dict.fromkeys(other if one == user else one for one in step.approvers))
    kept: dict[str, Signer] = {}
    for signer in step.added:
        by = other if signer.by == user else signer.by
        who = other if signer.user == user else signer.user
        if who not in approvers and who != by:
            kept.setdefault(who, Signer(who, by, signer.place))
    needs = min(step.needs, len(approvers))
    return replace(step, approvers=approvers, added=tuple(kept.values()), needs=needs)


def succeed(
    definition: Approval,
    state: ApprovalState,
    user_id: str,
    other: str,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Outcome:
    """Has `other` asked in the place of somebody who leaves, in all open steps.

    Where `other` has a word in a step already, what is left may suffice: then it goes on.
    """
    moved = replace(state, revision=state.revision + 1)
    transition = Transition(definition, moved, record, environment, directory, now)
    asked = (asking_instead(state, step, user_id, other) for step in state.open_steps)
    transition.state = moved.with_steps(*asked)

    def weigh() -> None:
        for step in state.open_steps:
            settle(transition, step.name)
        transition.tell_new(state)

    return finish(transition, weigh, state)


Around = tuple[Record, Environment, Directory, datetime]


def _bring_in(
    definition: Approval,
    state: ApprovalState,
    said: Speaker,
    other: str,
    place: Place | None,
    reason: str,
    around: Around,
    change: Callable[[StepPlan], StepPlan],
) -> Outcome:
    record, environment, directory, now = around
    refusal = _refusal(definition, state, said, other, reason, environment)
    if refusal:
        return Outcome(state, problems=(refusal,))
    revision = state.revision + 1
    told = tuple(
        Handover(step.name, said.user, said.person, other, place, reason.strip(), now, revision)
        for step in said.steps
    )
    moved = replace(state, handovers=(*state.handovers, *told), revision=revision)
    transition = Transition(definition, moved, record, environment, directory, now, said.user)
    transition.state = moved.with_steps(*map(change, said.steps))
    transition.tell_new(state)
    return transition.outcome()


def _refusal(
    definition: Approval,
    state: ApprovalState,
    said: Speaker,
    other: str,
    reason: str,
    environment: Environment,
) -> Refusal | None:
    why = Refusal("reason_required", Phrase("Say why somebody else is to decide"))
    unfit = text_refusal(reason, why)
    if unfit is not None:
        return unfit
    if other in (said.user, said.person):
        return Refusal("oneself", Phrase("Name somebody else than yourself"))
    if not may_decide(definition, state, other):
        return Refusal("self_approval", Phrase("Who submitted this cannot decide on it"))
    if not works_here(environment, other):
        return Refusal("signer_gone", Phrase("This person does not work here any more"))
    if any(other in _involved(state, step) for step in said.steps):
        return Refusal("signer_asked", Phrase("This person has been asked in this step already"))
    return None


def _involved(state: ApprovalState, step: StepPlan) -> set[str]:
    """Gives everybody who has or had a part in a step's present round."""
    handed = [h for h in state.handovers if h.step == step.name and h.revision > step.since]
    spoken = (user for one in state.counted(step) for user in (one.user, one.person))
    return {*step.people, *spoken, *(handover.person for handover in handed)}
