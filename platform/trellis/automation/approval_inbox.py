"""Approvals as people see them: what waits for somebody, and what happened to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from rule_engine.program import Approval, Program
from trellis.automation.approval_store import Request, object_by_id, request_of
from trellis.automation.requests import OPEN, approval_approver, approval_request
from trellis.automation.rulebook import approval_named, program_of
from trellis.records.errors import Missing
from trellis.records.reach import definition_of
from trellis.records.unit import Unit

INBOX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that waits for the acting user.

    Being asked shows the record's name and, of the fields that the approval looks at, those this
    user may see: `summary` maps field names to values, in the object's order.
    """

    request: Request
    step: str
    record_name: str
    summary: Mapping[str, object]


def pending_for(unit: Unit, *, limit: int = INBOX_LIMIT) -> tuple[Pending, ...]:
    """Gives what waits for the acting user, the oldest first."""
    table = approval_request
    rows = (
        unit.connection.execute(
            sa.select(table)
            .join(approval_approver, approval_approver.c.request == table.c.id)
            .where(
                approval_approver.c.user == unit.user_id,
                approval_approver.c.open,
                table.c.status == OPEN,
            )
            .order_by(table.c.submitted_at, table.c.id)
            .limit(limit)
        )
        .mappings()
        .all()
    )
    return tuple(found for row in rows if (found := pending(unit, dict(row))) is not None)


def count_pending(unit: Unit) -> int:
    """Gives how many requests wait for the acting user."""
    statement = (
        sa.select(sa.func.count())
        .select_from(approval_approver)
        .where(approval_approver.c.user == unit.user_id, approval_approver.c.open)
    )
    return unit.connection.execute(statement).scalar_one()


def pending(unit: Unit, row: Mapping[str, object]) -> Pending | None:
    """Makes an inbox line of a request; None when its record is gone."""
    definition = object_by_id(unit, str(row["object"]))
    if definition is None:
        return None
    record = unit.as_automation().records().get(definition.name, str(row["record_id"]))
    if record is None:
        return None
    approval = approval_of(unit, definition, row)
    request = request_of(
        row, definition, str(row["approval"]) if approval is None else approval.label
    )
    return Pending(
        request=request,
        step=", ".join(step.label for step in request.state.open_steps),
        record_name=str(record.get(definition.name_field) or ""),
        summary=summary_of(unit, definition, approval, record),
    )


def summary_of(
    unit: Unit,
    definition: ObjectDefinition,
    approval: Approval | None,
    record: Mapping[str, object],
) -> dict[str, object]:
    """Gives the fields that an approval looks at, as far as the acting user may see them."""
    if approval is None:
        return {}
    reads = Program(unit.catalog.schema, approvals=(approval,)).reads(definition.name)
    looked_at = {path[0] for path in reads.paths}
    access = unit.principal.access(definition.name)
    return {
        name: record[name]
        for name in definition.fields
        if name in looked_at and name in record and access.reads(name)
    }


def approval_of(
    unit: Unit, definition: ObjectDefinition, row: Mapping[str, object]
) -> Approval | None:
    """Gives the rules of a request; None when they do not fit the definitions any more."""
    program = program_of(unit.connection, unit.catalog, str(row["rules"]))
    if program is None:
        return None
    return approval_named(program, definition.name, str(row["approval"]))


def of_record(unit: Unit, object_name: str, record_id: str) -> tuple[Request, ...]:
    """Gives a record's requests, newest first, each with its path and decisions in `state`.

    Raises Missing when the record is not to be seen.
    """
    definition = definition_of(unit, object_name)
    if unit.records().get(object_name, record_id, ["id"]) is None:
        raise Missing
    table = approval_request
    rows = (
        unit.connection.execute(
            sa.select(table)
            .where(table.c.object == definition.id, table.c.record_id == record_id)
            .order_by(table.c.submitted_at.desc(), table.c.id.desc())
        )
        .mappings()
        .all()
    )
    return tuple(
        request_of(row, definition, row["approval"] if approval is None else approval.label)
        for row in map(dict, rows)
        for approval in (approval_of(unit, definition, row),)
    )
