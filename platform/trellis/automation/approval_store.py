"""Approval requests as values: read from their rows, written back with each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
from trellis.automation.rulebook import approval_of, keep_rules
from trellis.errors import Conflict, Missing
from trellis.unit import Unit

TIME = "approval_time"
LATER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Request:
    """One approval request. `revision` grows with each decision; send it back with the next.

    One that `has_rules` no more can only be taken back; its approval's name stands for the label.
    """

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
    has_rules: bool = True


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
    """Gives a request, locked for a change, with the rules it was submitted under.

    Raises Missing, or Conflict when they fit the objects no more.
    """
    request, definition, approval = find(unit, request_id)
    if approval is None:
        raise Conflict([Problem("", "rules_outdated", {"name": request.label})])
    return request, definition, approval


def find(unit: Unit, request_id: str) -> tuple[Request, ObjectDefinition, Approval | None]:
    """Gives what `load` does, without rules where they fit the objects no more. Raises Missing."""
    asked = sa.select(approval_request).where(approval_request.c.id == request_id)
    found = unit.connection.execute(asked.with_for_update()).mappings().one_or_none()
    row: dict[str, Any] = dict(found or {})
    definition = object_by_id(unit, row["object"]) if row else None
    if definition is None:
        raise Missing([Problem("", "missing_request", {"id": request_id})])
    approval = approval_of(unit.connection, unit.catalog, definition, row)
    return request_of(row, definition, approval), definition, approval


def object_by_id(unit: Unit, object_id: str) -> ObjectDefinition | None:
    """Gives an object by its stable id."""
    return next((found for found in unit.catalog.objects.values() if found.id == object_id), None)


def request_of(
    row: Mapping[str, Any], definition: ObjectDefinition, approval: Approval | None
) -> Request:
    """Makes a request of its row."""
    return Request(
        id=row["id"],
        object=definition.name,
        record_id=row["record_id"],
        approval=row["approval"],
        label=row["approval"] if approval is None else approval.label,
        status=row["status"],
        revision=row["revision"],
        submitted_by=row["submitted_by"],
        submitted_at=row["submitted_at"],
        closed_at=row["closed_at"],
        state=ApprovalState.from_json(row["state"]),
        has_rules=approval is not None,
    )


def state_columns(unit: Unit, approval: Approval | None, state: ApprovalState) -> dict[str, object]:
    """Gives the columns that follow a request's state."""
    current, steps = {step.name for step in state.open_steps}, approval.steps if approval else ()
    editable = sorted({f for step in steps if step.name in current for f in step.editable})
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
    request = request_of(row, definition, approval)
    ask(unit, request.id, state)
    watch_time(unit, request.id, approval, state)
    return request


def watch_time(unit: Unit, request_id: str, approval: Approval, state: ApprovalState) -> None:
    """Has a request looked at when its time asks for something next (`approvals.keep_time`)."""
    at = next_at(approval, state, environment_of(unit))
    if at is not None and state.status == OPEN:
        look_at(unit, request_id, state.revision, at, (approval.object, state.record_id))


def look_at(
    unit: Unit, request_id: str, revision: int, at: datetime, record: tuple[str | None, str]
) -> None:
    """Has a request about a record (its object and its id) looked at when a time comes."""
    key = f"{TIME}/{request_id}/{revision}/{at.isoformat()}"
    payload, (name, record_id) = {"request": request_id}, record
    add(unit.connection, TIME, payload, key, object_name=name, record_id=record_id, at=at)


def look_later(unit: Unit, request_id: str) -> None:
    """Has a request looked at in a day, if it is open then."""
    asked = approval_request.c
    query = sa.select(asked.revision, asked.object, asked.record_id)
    chosen = query.where(asked.id == request_id, asked.status == OPEN)
    row = unit.connection.execute(chosen).one_or_none()
    if row is not None:
        definition = object_by_id(unit, row.object)
        record = None if definition is None else definition.name, row.record_id
        look_at(unit, request_id, row.revision, unit.moment.now + LATER, record)


def advance(
    unit: Unit, request: Request, approval: Approval | None, state: ApprovalState
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
    if approval is not None:
        watch_time(unit, request.id, approval, state)
    return replace(
        request,
        status=state.status,
        revision=state.revision,
        closed_at=None if state.status == OPEN else unit.moment.now,
        state=state,
    )
