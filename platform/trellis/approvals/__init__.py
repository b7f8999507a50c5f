"""Approvals: submit, decide, recall; who is asked, and the path of a record's requests.

The steps themselves are the pure functions of `rule_engine.services.approval`; here are the rights
and the order of things. What an approval changes in the record is written by the automation
principal, named in the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.program import Approval
from rule_engine.services import approval as service
from rule_engine.services import approval_clock
from rule_engine.services.approval_state import Outcome, Verdict
from trellis.approvals.inbox import Pending, of_record, pending_for
from trellis.automation.approval_effects import carry_out, problem_of
from trellis.automation.approval_store import (
    Request,
    advance,
    insert,
    load,
    open_request,
    watch_time,
)
from trellis.automation.environment import environment_of
from trellis.automation.requests import OPEN, approval_approver
from trellis.errors import Conflict, NotAllowed, Refused
from trellis.records.reach import definition_of, target_of
from trellis.records.save import change
from trellis.unit import Unit

__all__ = [
    "Pending",
    "Request",
    "current_request",
    "decide",
    "keep_time",
    "of_record",
    "pending_for",
    "recall",
    "submit",
]


def submit(unit: Unit, object_name: str, record_id: str, name: str | None = None) -> Request:
    """Starts an approval of a record: the one named, else the first that it may enter.

    Raises Missing, NotAllowed, Conflict when a request is open already, or Refused with the
    reasons why the record may not enter.
    """
    definition = definition_of(unit, object_name)
    record = target_of(unit, definition, record_id, "read")
    user_id = acting_user(unit)
    if open_request(unit, definition, record_id) is not None:
        raise Conflict([Problem("", "already_submitted", {"object": object_name})])
    chosen = [
        approval
        for approval in unit.catalog.program.for_object(object_name).approvals
        if name in (None, approval.name)
    ]
    if not chosen:
        raise Refused([Problem("", "no_approval", {"object": object_name, "name": name or ""})])
    refusals: list[Problem] = []
    for approval in submittable(unit, definition, record_id, chosen):
        outcome = service.submit(
            approval, record, user_id, environment_of(unit), unit.directory, unit.moment.now
        )
        if outcome.state is not None and not outcome.problems:
            request = insert(unit, definition, approval, outcome.state)
            carry_out(unit, definition, request, outcome.effects, "submitted", change)
            return request
        refusals += [problem_of(refusal) for refusal in outcome.problems]
    raise Refused(refusals)


def decide(
    unit: Unit,
    request_id: str,
    verdict: Verdict,
    comment: str = "",
    *,
    expected_revision: int | None = None,
) -> Request:
    """Approves or rejects as the acting user; it needs no right but being an open approver.

    Raises Missing, NotAllowed, Refused (a rejection without a comment), or Conflict when the
    request moved on: closed, decided by another, or no longer at `expected_revision`.
    """
    request, definition, approval = load(unit, request_id)
    user_id = acting_user(unit)
    refuse_moved(unit, request, expected_revision)
    record = as_system(unit, definition, request.record_id)
    outcome = service.decide(
        approval,
        request.state,
        user_id,
        verdict,
        comment,
        record,
        environment_of(unit),
        unit.directory,
        unit.moment.now,
    )
    words = {"approve": "approved", "reject": "rejected"}
    return move(unit, definition, request, approval, outcome, words[verdict])


def recall(unit: Unit, request_id: str, *, expected_revision: int | None = None) -> Request:
    """Takes a request back. Raises as `decide` does."""
    request, definition, approval = load(unit, request_id)
    user_id = acting_user(unit)
    if request.submitted_by != user_id:
        refuse_stranger(unit, definition, request, "recall")
    if request.status != OPEN or expected_revision not in (None, request.revision):
        raise moved_on(request)
    record = as_system(unit, definition, request.record_id)
    outcome = service.recall(
        approval,
        request.state,
        user_id,
        record,
        environment_of(unit),
        unit.directory,
        unit.moment.now,
    )
    return move(unit, definition, request, approval, outcome, "recalled")


def keep_time(unit: Unit, request_id: str) -> None:
    """Does what the time asks of a request: reminds, escalates, decides; an ended one is left."""
    request, definition, approval = load(unit, request_id)
    if request.status != OPEN:
        return
    record, environment = as_system(unit, definition, request.record_id), environment_of(unit)
    outcome = approval_clock.tick(
        approval, request.state, record, environment, unit.directory, unit.moment.now
    )
    if outcome.state is None or outcome.state == request.state:
        watch_time(unit, request.id, approval, request.state)
        return
    after = advance(unit, request, approval, outcome.state)
    if after is None:
        raise moved_on(request)
    carry_out(unit, definition, after, outcome.effects, "its time was over", change)


def current_request(unit: Unit, object_name: str, record_id: str) -> str:
    """Gives the id of the request that waits on a record.

    Whether it is there is only told to who sees the record or is asked to decide: Missing for all
    others; Conflict when there is none.
    """
    definition = unit.catalog.objects.get(object_name)
    request = None if definition is None else open_request(unit, definition, record_id)
    if request is not None and was_asked(unit, request) is not None:
        return request
    target_of(unit, definition_of(unit, object_name), record_id, "read")
    if request is None:
        raise Conflict([Problem("", "no_open_request", {"object": object_name})])
    return request


def as_system(unit: Unit, definition: ObjectDefinition, record_id: str) -> dict[str, object]:
    """Gives the whole record, locked: deciding needs no right on it."""
    return target_of(unit.as_automation(), definition, record_id, "update")


def acting_user(unit: Unit) -> str:
    """Gives the acting user's id; approvals are no matter for the system itself."""
    if unit.user_id is None:
        raise NotAllowed([Problem("", "people_only", {})])
    return unit.user_id


def submittable(
    unit: Unit, definition: ObjectDefinition, record_id: str, approvals: Sequence[Approval]
) -> list[Approval]:
    """Gives the approvals this user may try: those that name submitters judge by themselves.

    For the others the user has to be allowed to edit the record. Raises NotAllowed for none.
    """
    try:
        target_of(unit, definition, record_id, "update")
    except NotAllowed:
        named = [approval for approval in approvals if approval.submitters]
        if not named:
            raise
        return named
    return list(approvals)


def was_asked(unit: Unit, request_id: str) -> bool | None:
    """Says whether the acting user is asked now; None for somebody who never was."""
    return unit.connection.execute(
        sa.select(approval_approver.c.open).where(
            approval_approver.c.request == request_id,
            approval_approver.c.user == acting_user(unit),
        )
    ).scalar_one_or_none()


def refuse_moved(unit: Unit, request: Request, expected_revision: int | None) -> None:
    """Raises when this user's click comes too late, or is none of this user's business."""
    asked = was_asked(unit, request.id)
    if asked is None:
        refuse_stranger(unit, unit.catalog.objects[request.object], request, "approve")
    if request.status != OPEN or not asked or expected_revision not in (None, request.revision):
        raise moved_on(request)


def refuse_stranger(
    unit: Unit, definition: ObjectDefinition, request: Request, action: str
) -> NoReturn:
    """Raises Missing or NotAllowed, by whether this user sees the record at all."""
    definition_of(unit, definition.name)
    target_of(unit, definition, request.record_id, "read")
    raise NotAllowed([Problem("", "not_allowed", {"action": action, "object": definition.name})])


def moved_on(request: Request) -> Conflict:
    """Gives the answer to a click that came too late."""
    values = {"status": request.status, "revision": request.revision}
    return Conflict([Problem("", "request_moved", values)])


def move(
    unit: Unit,
    definition: ObjectDefinition,
    request: Request,
    approval: Approval,
    outcome: Outcome,
    word: str,
) -> Request:
    """Takes a request to its next state. Raises Refused with the engine's reasons against it."""
    if outcome.problems or outcome.state is None:
        raise Refused([problem_of(refusal) for refusal in outcome.problems])
    after = advance(unit, request, approval, outcome.state)
    if after is None:
        raise moved_on(request)
    carry_out(unit, definition, after, outcome.effects, word, change)
    return after
