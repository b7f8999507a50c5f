"""Approval requests as values: read from their rows, written back with each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
import uuid_utils

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.program import Approval
from rule_engine.services.approval_clock import next_at
from rule_engine.services.approval_state import ApprovalState
from trellis.automation.environment import environment_of
from trellis.automation.outbox import add
from trellis.automation.requests import OPEN, approval_approver, approval_request
from trellis.automation.rulebook import approval_named, keep_rules, program_of
from trellis.errors import Conflict, Missing
from trellis.unit import Unit

TIME = "approval_time"


@dataclass(frozen=True, slots=True)
class Request:
    """One approval request. `revision` grows with each decision; send it back with the next."""

    id: str
    object: str
    record_id: str
    approval: str
    label: str
    status: str
    revision: int
    submitted_by: str
    submitted_at: datetime
    closed_at: datetime | None
    state: ApprovalState


def open_request(unit: Unit, definition: ObjectDefinition, record_id: str) -> str | None:
    """Gives the id of a record's open request."""
    return unit.connection.execute(
        sa.select(approval_request.c.id).where(
            approval_request.c.object == definition.id,
            approval_request.c.record_id == record_id,
            approval_request.c.status == OPEN,
        )
    ).scalar_one_or_none()


def load(unit: Unit, request_id: str) -> tuple[Request, ObjectDefinition, Approval]:
    """Gives a request, locked for a change, with the rules it was submitted under."""
    row = (
        unit.connection.execute(
            sa.select(approval_request).where(approval_request.c.id == request_id).with_for_update()
        )
        .mappings()
        .one_or_none()
    )
    definition = None if row is None else object_by_id(unit, str(row["object"]))
    if row is None or definition is None:
        raise Missing([Problem("", "missing_request", {"id": request_id})])
    program = program_of(unit.connection, unit.catalog, str(row["rules"]))
    approval = None
    if program is not None:
        approval = approval_named(program, definition.name, str(row["approval"]))
    if approval is None:
        raise Conflict([Problem("", "rules_outdated", {"name": row["approval"]})])
    return request_of(dict(row), definition, approval.label), definition, approval


def object_by_id(unit: Unit, object_id: str) -> ObjectDefinition | None:
    """Gives an object by its stable id."""
    return next((found for found in unit.catalog.objects.values() if found.id == object_id), None)


def request_of(row: Mapping[str, Any], definition: ObjectDefinition, label: str) -> Request:
    """Makes a request of its row."""
    return Request(
        id=row["id"],
        object=definition.name,
        record_id=row["record_id"],
        approval=row["approval"],
        label=label,
        status=row["status"],
        revision=row["revision"],
        submitted_by=row["submitted_by"],
        submitted_at=row["submitted_at"],
        closed_at=row["closed_at"],
        state=ApprovalState.from_json(row["state"]),
    )


def state_columns(unit: Unit, approval: Approval, state: ApprovalState) -> dict[str, object]:
    """Gives the columns that follow a request's state."""
    current = {step.name for step in state.open_steps}
    editable = sorted({f for step in approval.steps if step.name in current for f in step.editable})
    return {
        "state": state.to_json(),
        "editable": editable,
        "revision": state.revision,
        "status": state.status,
        "closed_at": None if state.status == OPEN else unit.moment.now,
    }


def ask(unit: Unit, request_id: str, state: ApprovalState) -> None:
    """Writes who is asked now; who was asked before stays known as having been."""
    table = approval_approver
    unit.connection.execute(
        sa.update(table).where(table.c.request == request_id, table.c.open).values(open=False)
    )
    for user_id in state.approvers:
        reached = unit.connection.execute(
            sa.update(table)
            .where(table.c.request == request_id, table.c.user == user_id)
            .values(open=True)
        ).rowcount
        if reached == 0:
            unit.connection.execute(
                sa.insert(table).values(request=request_id, user=user_id, open=True)
            )


def insert(
    unit: Unit, definition: ObjectDefinition, approval: Approval, state: ApprovalState
) -> Request:
    """Writes a new request. Raises Conflict when the record has an open one."""
    row = {
        "id": str(uuid_utils.uuid7()),
        "object": definition.id,
        "record_id": state.record_id,
        "approval": approval.name,
        "rules": keep_rules(unit.connection, unit.catalog.rules),
        "submitted_by": state.submitter,
        "submitted_at": unit.moment.now,
        **state_columns(unit, approval, state),
    }
    try:
        unit.connection.execute(sa.insert(approval_request).values(row))
    except sqlalchemy.exc.IntegrityError as error:
        raise Conflict([Problem("", "already_submitted", {"object": definition.name})]) from error
    request = request_of(row, definition, approval.label)
    ask(unit, request.id, state)
    watch_time(unit, request.id, approval, state)
    return request


def watch_time(unit: Unit, request_id: str, approval: Approval, state: ApprovalState) -> None:
    """Has a request looked at when its time asks for something next (`approvals.keep_time`)."""
    at = next_at(approval, state, environment_of(unit))
    if at is not None and state.status == OPEN:
        key = f"{TIME}/{request_id}/{state.revision}/{at.isoformat()}"
        add(unit.connection, TIME, {"request": request_id}, key, at=at)


def advance(
    unit: Unit, request: Request, approval: Approval, state: ApprovalState
) -> Request | None:
    """Writes a request's next state; None when somebody else was first."""
    columns = state_columns(unit, approval, state)
    reached = unit.connection.execute(
        sa.update(approval_request)
        .where(
            approval_request.c.id == request.id,
            approval_request.c.revision == request.revision,
            approval_request.c.status == OPEN,
        )
        .values(columns)
    ).rowcount
    if reached != 1:
        return None
    ask(unit, request.id, state)
    watch_time(unit, request.id, approval, state)
    return replace(
        request,
        status=state.status,
        revision=state.revision,
        closed_at=None if state.status == OPEN else unit.moment.now,
        state=state,
    )
