"""Approvals as people see them: what waits for somebody, and what happened to a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query import QueryProblem
from rule_engine.program import Approval, Program
from rule_engine.services.approval_state import ApprovalState
from rule_engine.services.substitutes import represented
from trellis.approvals.access import is_in_scope, voices
from trellis.automation.approval_store import Request, object_by_id, request_of
from trellis.automation.readable import Reader
from trellis.automation.requests import OPEN, approval_approver, approval_request
from trellis.automation.rulebook import approval_of
from trellis.records.history import is_id
from trellis.records.read import read_record, sees
from trellis.security.absences import absence, is_on
from trellis.unit import Unit

Record = Mapping[str, object]

INBOX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that waits for the acting user.

    Being asked shows the record's name and, of the fields that the approval looks at, those this
    user may see: `summary` maps field names to values, in the object's order. `absent` are the
    approvers in whose place she is asked; none where it is she herself.
    """

    request: Request
    step: str
    record_name: str
    summary: Mapping[str, object]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what waits, the oldest first; `next` is the `after` of the next page."""

    items: tuple[Pending, ...]
    next: str | None


def pending_for(unit: Unit, *, limit: int = INBOX_LIMIT) -> tuple[Pending, ...]:
    """Gives the first of what waits for the acting user."""
    return pending_page(unit, limit=limit).items


def pending_page(unit: Unit, *, after: str | None = None, limit: int = INBOX_LIMIT) -> Page:
    """Gives what waits for the acting user, the oldest first: she herself is asked, or somebody
    who is away for whom she stands in. Raises QueryProblem for an `after` that no page gave."""
    if after is not None and not is_id(after):
        raise QueryProblem([Problem("after", "bad_cursor")])
    rules, behind = Rules(unit), sa.true() if after is None else approval_request.c.id > after
    rows = waiting_rows(unit, rules, behind, limit + 1)
    items = lines_of(unit, rows[:limit], rules)
    return Page(items, rows[limit - 1]["id"] if len(rows) > limit else None)


def pending_one(unit: Unit, request_id: str) -> Pending | None:
    """Gives a request if it waits for the acting user."""
    rules = Rules(unit)
    rows = waiting_rows(unit, rules, approval_request.c.id == request_id, 1)
    return next(iter(lines_of(unit, rows, rules)), None)


def lines_of(unit: Unit, rows: Sequence[Mapping[str, Any]], rules: Rules) -> tuple[Pending, ...]:
    """Gives the lines of requests whose records are there."""
    records = records_behind(unit, rows)
    return tuple(
        pending(unit, row, records[row["record_id"]], rules)
        for row in rows
        if row["record_id"] in records
    )


def waiting_rows(
    unit: Unit, rules: Rules, which: sa.ColumnElement[bool], limit: int | None
) -> list[dict[str, Any]]:
    """Gives the requests among some in which the acting user has a word now, the oldest first.

    One statement, unless anybody is away for whom she may stand in.
    """
    if unit.user_id is None:
        return []
    mine = asked_of(unit, [unit.user_id]).where(which).limit(limit).subquery()
    away = sa.select(sa.func.count().label("away")).select_from(absence)
    counted = away.where(is_on(unit.moment.today)).subquery()
    both = sa.select(counted, mine).select_from(counted.outerjoin(mine, sa.true()))
    rows = list(map(dict, unit.connection.execute(both.order_by(mine.c.id)).mappings()))
    if not rows[0]["away"]:
        return [row for row in rows if row["id"] is not None]
    theirs = asked_of(unit, voices(unit)).where(which)
    found = map(dict, unit.connection.execute(theirs).mappings())
    asked = (row for row in found if is_asked(row, unit) or rules.absent(row))
    return list(islice(asked, limit))


def asked_of(unit: Unit, users: Sequence[str]) -> sa.Select[Any]:
    """Gives the question for the open requests in which one of these users is asked, the oldest
    first, about objects that are in use and that the caller's API key is not kept from."""
    table, asked = approval_request, approval_approver
    of_these = sa.select(asked.c.request).where(asked.c.user.in_(users), asked.c.open)
    known = (one.id for one in unit.catalog.objects.values() if is_in_scope(unit, one.name))
    chosen = sa.select(table).where(
        table.c.id.in_(of_these), table.c.status == OPEN, table.c.object.in_(sorted(known))
    )
    return chosen.order_by(table.c.id)


def number_asked(unit: Unit, user_id: str) -> sa.ScalarSelect[int]:
    """Gives the question for how many open requests a user is asked in herself."""
    mine = asked_of(unit, [user_id]).order_by(None)
    return mine.with_only_columns(sa.func.count()).scalar_subquery()


def is_asked(row: Mapping[str, Any], unit: Unit) -> bool:
    """Says whether the acting user herself is asked in a request."""
    return unit.user_id in row["state"]["approvers"]


def records_behind(unit: Unit, rows: Sequence[Mapping[str, Any]]) -> dict[str, Record]:
    """Gives the records of requests by id, whoever may see them: one statement per object."""
    wanted: dict[str, list[str]] = {}
    for row in rows:
        wanted.setdefault(row["object"], []).append(row["record_id"])
    found: dict[str, Record] = {}
    everything = unit.as_automation().records()
    for object_id, ids in wanted.items():
        definition = object_by_id(unit, object_id)
        if definition is not None:
            found |= everything.by_ids(definition.name, ids)
    return found


@dataclass(frozen=True, slots=True)
class Rules:
    """The approvals behind requests."""

    unit: Unit

    def approval(self, definition: ObjectDefinition, row: Mapping[str, Any]) -> Approval | None:
        """Gives the rules of a request; None when they do not fit the definitions any more."""
        return approval_of(self.unit.connection, self.unit.catalog, definition, row)

    def absent(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Gives the approvers who are away in whose place the acting user is asked."""
        definition = object_by_id(self.unit, row["object"])
        approval = None if definition is None else self.approval(definition, row)
        if approval is None or self.unit.user_id is None:
            return ()
        state = ApprovalState.from_json(row["state"])
        return represented(approval, state, self.unit.user_id, self.unit.directory)

    def request(self, definition: ObjectDefinition, row: Mapping[str, Any]) -> Request:
        """Gives a request as its reader may see it."""
        approval = self.approval(definition, row)
        request = request_of(row, definition, approval)
        return replace(request, state=Reader(self.unit).state(approval, request.state))


def count_pending(unit: Unit) -> int:
    """Gives how many requests wait for the acting user."""
    return len(waiting_rows(unit, Rules(unit), sa.true(), None))


def pending(unit: Unit, row: Mapping[str, Any], record: Record, rules: Rules) -> Pending:
    """Makes an inbox line of a request."""
    definition = next(d for d in unit.catalog.objects.values() if d.id == row["object"])
    request = rules.request(definition, row)
    return Pending(
        request=request,
        step=", ".join(step.label for step in request.state.open_steps),
        record_name=str(record.get(definition.name_field) or ""),
        summary=summary_of(unit, definition, rules.approval(definition, row), record),
        absent=() if is_asked(row, unit) else rules.absent(row),
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


def of_record(unit: Unit, object_name: str, record_id: str) -> tuple[Request, ...]:
    """Gives a record's requests, newest first, each with its path and decisions in `state`.

    Raises Missing when the record is not to be seen.
    """
    read_record(unit, object_name, record_id, ["id"])
    definition = unit.catalog.objects[object_name]
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
    rules = Rules(unit)
    return tuple(rules.request(definition, row) for row in map(dict, rows))


def may_read_request(unit: Unit, row: Mapping[str, Any]) -> bool:
    """Says whether the acting user may read a request: she sees its record, or has a word in it."""
    definition = object_by_id(unit, row["object"])
    if definition is None:
        return False
    if sees(unit, definition.name, row["record_id"]):
        return True
    if unit.user_id is None or row["status"] != OPEN or not is_in_scope(unit, definition.name):
        return False
    return is_asked(row, unit) or bool(Rules(unit).absent(row))
