"""Asking somebody else for what a person was asked to approve."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from rule_engine.services.approval_state import ApprovalState, StepPlan
from trellis.automation.approval_store import advance, load
from trellis.automation.requests import approval_approver
from trellis.errors import RecordError
from trellis.unit import Unit


def hand_on(unit: Unit, user_id: str, to: str, limit: int) -> int:
    """Asks `to` instead of a user in some of the requests that wait for her; gives how many.

    Who made a request is not asked about it herself: the acting person is then. A request whose
    rules are gone waits for nobody any more.
    """
    table = approval_approver
    waiting = sa.select(table.c.request).where(table.c.user == user_id, table.c.open)
    requests = unit.connection.scalars(waiting.order_by(table.c.request).limit(limit)).all()
    for request_id in requests:
        try:
            request, _, approval = load(unit, request_id)
        except RecordError:
            drop(unit, request_id, user_id)
            continue
        other = to if to != request.state.submitter else (unit.user_id or to)
        state = asking_instead(request.state, user_id, other)
        if advance(unit, request, approval, state) is None:
            drop(unit, request_id, user_id)
    return len(requests)


def drop(unit: Unit, request_id: str, user_id: str) -> None:
    """Notes that a user is asked no more."""
    table = approval_approver
    chosen = sa.update(table).where(table.c.request == request_id, table.c.user == user_id)
    unit.connection.execute(chosen.values(open=False))


def asking_instead(state: ApprovalState, user_id: str, other: str) -> ApprovalState:
    """Gives a request whose open steps ask somebody else."""
    open_steps = {step.name for step in state.open_steps}
    path = tuple(
        step_asking(step, user_id, other) if step.name in open_steps else step
        for step in state.path
    )
    return replace(state, path=path, revision=state.revision + 1)


def step_asking(step: StepPlan, user_id: str, other: str) -> StepPlan:
    """Gives a step that asks `other` in the place of a user, and nobody twice."""
    asked = tuple(dict.fromkeys(other if one == user_id else one for one in step.approvers))
    return replace(step, approvers=asked, needs=min(step.needs, len(asked)))
