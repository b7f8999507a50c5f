"""Asking somebody else for what a person was asked to approve."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.services.approval_signers import succeed
from trellis.approvals.access import as_system, move
from trellis.approvals.relief import waiting_for
from trellis.automation.approval_store import load
from trellis.automation.environment import environment_of
from trellis.automation.requests import approval_approver
from trellis.errors import RecordError
from trellis.unit import Unit


def hand_on(unit: Unit, user_id: str, to: str, limit: int) -> int:
    """Asks `to` instead of a user in some of the requests that wait for her; gives how many.

    Who made a request is not asked about it herself: the acting person is then. A request whose
    rules are gone waits for nobody any more.
    """
    requests = waiting_for(unit, user_id, limit)
    for request_id in requests:
        try:
            request, definition, approval = load(unit, request_id)
        except RecordError:
            drop(unit, request_id, user_id)
            continue
        other = to if to != request.state.submitter else (unit.user_id or to)
        record = as_system(unit, definition, request.record_id)
        outcome = succeed(
            approval,
            request.state,
            user_id,
            other,
            record,
            environment_of(unit),
            unit.directory,
            unit.moment.now,
        )
        try:
            move(unit, definition, request, approval, outcome, "handed over")
        except RecordError:
            drop(unit, request_id, user_id)
    return len(requests)


def drop(unit: Unit, request_id: str, user_id: str) -> None:
    """Notes that a user is asked no more."""
    table = approval_approver
    chosen = sa.update(table).where(table.c.request == request_id, table.c.user == user_id)
    unit.connection.execute(chosen.values(open=False))
