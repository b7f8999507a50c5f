"""Who speaks on a request, and in whose place: what stands in the way of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rule_engine.messages import Phrase
from rule_engine.program import Approval
from rule_engine.services.approval_state import ApprovalState, Refusal, StepPlan
from rule_engine.services.substitutes import (
    may_decide,
    present,
    represented,
    stand_ins,
    step_named,
)
from rule_engine.text import is_blank
from rule_engine.types import Directory

MAX_COMMENT = 4_000
"""So many characters a comment or a reason may have."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One who has a word now. `on_behalf_of` is the absent approver whose word it is, if any."""

    user: str
    on_behalf_of: str | None
    away_until: date | None
    steps: tuple[StepPlan, ...]

    @property
    def person(self) -> str:
        """The approver whose word it counts as."""
        return self.on_behalf_of or self.user


def speaker(
    definition: Approval,
    state: ApprovalState,
    user: str,
    directory: Directory,
    *,
    on_behalf_of: str | None = None,
    expected: int | None = None,
) -> Speaker | Refusal:
    """Gives in whose place and in which open steps a user speaks, or why not.

    Without `on_behalf_of` that is the user, when asked, else the first approver asked for whom the
    user stands in. With `expected` the request must still have that revision.
    """
    if state.status != "open":
        return closed(state)
    if expected not in (None, state.revision):
        text = "Somebody else was faster; look at the request again"
        return Refusal("outdated", Phrase(text))
    if on_behalf_of in (None, user):
        on_behalf_of = _stands_for(definition, state, user, directory)
    elif user not in stand_ins(definition, state, on_behalf_of or "", directory):
        return _no_substitute(definition, state, user, on_behalf_of or "", directory)
    person = on_behalf_of or user
    steps = tuple(step for step in state.open_steps if person in state.waiting(step))
    if not steps:
        return _not_asked(state, person)
    if on_behalf_of and not all(step_named(definition, step.name).delegation for step in steps):
        return Refusal("no_delegation", Phrase("This step can only be decided in person"))
    absence = directory.absence(on_behalf_of) if on_behalf_of else None
    return Speaker(user, on_behalf_of, absence.until if absence else None, steps)


def text_refusal(text: str, missing: Refusal | None) -> Refusal | None:
    """Gives what is wrong with what somebody says: it is too long, or has nothing to read where
    that is `missing`. It is kept with the request as long as that is kept."""
    if missing is not None and is_blank(text):
        return missing
    if len(text) > MAX_COMMENT:
        values = {"limit": MAX_COMMENT, "length": len(text)}
        return Refusal(
            "text_too_long", Phrase("At most {limit} characters; here are {length}", values)
        )
    return None


def closed(state: ApprovalState) -> Refusal:
    """Gives why nothing can be said on a request that has ended."""
    status = _STATUSES[state.status]
    return Refusal("closed", Phrase("This request is closed: it was {status}", {"status": status}))


def _stands_for(
    definition: Approval, state: ApprovalState, user: str, directory: Directory
) -> str | None:
    """Gives the first approver asked in whose place somebody may speak who is not asked."""
    if user in state.approvers:
        return None
    found = represented(definition, state, user, directory)
    if found:
        return found[0]
    if any(user in step.people for step in state.open_steps):
        return None
    others = state.approvers
    return next(
        (one for one in others if user in stand_ins(definition, state, one, directory)), None
    )


def _no_substitute(
    definition: Approval, state: ApprovalState, user: str, person: str, directory: Directory
) -> Refusal:
    if present(person, directory) == user and not may_decide(definition, state, user):
        return Refusal("self_approval", Phrase("Who submitted this cannot decide on it"))
    return Refusal("not_substitute", Phrase("You do not stand in for this person now"))


def _not_asked(state: ApprovalState, person: str) -> Refusal:
    steps = [step for step in state.open_steps if person in step.people]
    if any(person in state.words(step) for step in steps):
        return Refusal("already_decided", Phrase("You have decided on this step already"))
    if steps:
        return Refusal("not_your_turn", Phrase("Somebody who was added decides first"))
    return Refusal("not_approver", Phrase("You are not asked to decide on this now"))


_STATUSES = {
    "open": Phrase("open"),
    "approved": Phrase("approved"),
    "rejected": Phrase("rejected"),
    "returned": Phrase("returned"),
    "recalled": Phrase("recalled"),
}
