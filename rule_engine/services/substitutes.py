"""Who may speak in an approver's place while the approver is away."""

from __future__ import annotations

from collections.abc import Sequence

from rule_engine.program import Approval, Step
from rule_engine.services.approval_state import ApprovalState, StepPlan
from rule_engine.services.people import last_resort
from rule_engine.types import Directory


def may_decide(definition: Approval, state: ApprovalState, user: str) -> bool:
    """Says whether somebody may decide at all: not who submitted it, unless that is allowed."""
    return user != state.submitter or definition.self_approval == "allowed"


def fallback(definition: Approval, state: ApprovalState, directory: Directory) -> tuple[str, ...]:
    """Gives who is asked when nobody else can be found."""
    everyone = last_resort(directory)
    return tuple(user for user in everyone if may_decide(definition, state, user))


def present(user: str, directory: Directory) -> str | None:
    """Gives who is there for a user: the first of the substitutes' substitutes who is not away.

    The user, while there; None when all are away, in a circle too, or one has named nobody.
    """
    seen: set[str] = set()
    while user not in seen:
        seen.add(user)
        absence = directory.absence(user)
        if absence is None:
            return user
        if absence.substitute is None:
            return None
        user = absence.substitute
    return None


def stand_ins(
    definition: Approval, state: ApprovalState, user: str, directory: Directory
) -> tuple[str, ...]:
    """Gives who may speak in a user's place now; nobody while the user is there.

    Where no substitute is there, or only who submitted the request, that is the fallback.
    """
    found = present(user, directory)
    if found == user:
        return ()
    if found is not None and may_decide(definition, state, found):
        return (found,)
    return tuple(one for one in fallback(definition, state, directory) if one != user)


def represented(
    definition: Approval, state: ApprovalState, user: str, directory: Directory
) -> tuple[str, ...]:
    """Gives the approvers asked in whose place a user may speak now."""
    asked = (
        person
        for plan in state.open_steps
        if step_named(definition, plan.name).delegation
        for person in state.waiting(plan)
    )
    return tuple(
        person
        for person in dict.fromkeys(asked)
        if user in stand_ins(definition, state, person, directory)
    )


def with_stand_ins(
    definition: Approval,
    state: ApprovalState,
    plan: StepPlan,
    users: Sequence[str],
    directory: Directory,
) -> list[str]:
    """Gives some who are asked in a step, and then who may speak in their place."""
    if not step_named(definition, plan.name).delegation:
        return list(users)
    others = (one for user in users for one in stand_ins(definition, state, user, directory))
    return list(dict.fromkeys((*users, *others)))


def step_named(definition: Approval, name: str) -> Step:
    """Gives the definition of a step on a path."""
    return next(step for step in definition.steps if step.name == name)
