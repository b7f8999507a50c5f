"""What becomes of a step when enough has been said: approved, rejected, returned."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rule_engine.services.approval_state import StepPlan
from rule_engine.services.approval_transition import Transition


def settle(transition: Transition, name: str) -> None:
    """Closes a step when its decisions suffice, and goes on from there."""
    state = transition.state
    step = next((step for step in state.open_steps if step.name == name), None)
    if step is None:  # a rejection beside it has closed it
        return
    said = state.words(step)
    rejections = sum(said.get(user) == "reject" for user in step.approvers)
    signed = [said.get(signer.user) for signer in step.added]
    first_decides = transition.step(name).decide.kind == "anyone"
    if "reject" in signed:
        reject_step(transition, step)
    elif state.approvals(step) >= step.needs:
        if all(verdict == "approve" for verdict in signed):
            approve_step(transition, step)
    elif rejections and (first_decides or len(step.approvers) - rejections < step.needs):
        reject_step(transition, step)


def approve_step(transition: Transition, step: StepPlan) -> None:
    """Closes a step as approved and goes on to the next stage."""
    transition.state = transition.state.with_steps(replace(step, status="approved"))
    transition.run(transition.step(step.name).phases, "approve")
    if not transition.state.open_steps:
        transition.open_from(step.stage + 1)


def reject_step(transition: Transition, step: StepPlan) -> None:
    """Closes a step as rejected and goes where its rejection leads."""
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
