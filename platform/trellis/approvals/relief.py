"""Asking others in the place of approvers whose login was taken away."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.services.approval_clock import replace_inactive
from trellis.approvals.access import as_system, move
from trellis.automation.approval_store import load
from trellis.automation.environment import environment_of
from trellis.automation.requests import OPEN, approval_approver
from trellis.errors import RecordError
from trellis.unit import Unit


def waiting_for(unit: Unit, user_id: str, limit: int | None = None) -> list[str]:
    """Gives the ids of the requests that wait for a user, or some of them."""
    table = approval_approver
    waiting = sa.select(table.c.request).where(table.c.user == user_id, table.c.open)
    return list(unit.connection.scalars(waiting.order_by(table.c.request).limit(limit)))


def relieve(unit: Unit, request_id: str) -> None:
    """Has a request ask others than those who are gone; one without rules or record asks nobody.

    Raises Refused when a step that goes on without them is held up by what it is to do.
    """
    try:
        request, definition, approval = load(unit, request_id)
        record = as_system(unit, definition, request.record_id)
    except RecordError:
        return
    if request.status != OPEN:
        return
    around = environment_of(unit), unit.directory, unit.moment.now
    outcome = replace_inactive(approval, request.state, record, *around)
    if outcome.problems or outcome.state != request.state:
        move(unit, definition, request, approval, outcome, "handed over")
