"""What holds a record: a lock, an open approval request; and who may change it all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.prepared import Prepared
from rule_engine.services.approval import editors
from rule_engine.services.approval_state import ApprovalState
from trellis.automation.requests import OPEN, approval_request, record_lock
from trellis.automation.rulebook import approval_of
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds a record: a lock (`cause` says whose), an open request, or both.

    `editors` says of fields who may change them in spite of the lock.
    """

    cause: str | None
    request: str | None
    approval: str | None
    editors: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def allows(self, field: str, user_id: str | None) -> bool:
        """Says whether this user may change the field in spite of the lock."""
        return self.cause is None or user_id in self.editors.get(field, ())


def hold_statement() -> sa.Select[Any]:
    """Gives the question of `hold_of`: always one row, with the record as parameters."""
    request, lock = approval_request, record_lock
    key = sa.select(
        sa.bindparam("object", type_=sa.Text).label("object"),
        sa.bindparam("record_id", type_=sa.Text).label("record_id"),
    ).subquery()
    locked = sa.and_(lock.c.object == key.c.object, lock.c.record_id == key.c.record_id)
    requested = sa.and_(
        request.c.object == key.c.object,
        request.c.record_id == key.c.record_id,
        request.c.status == sa.literal_column(f"'{OPEN}'"),
    )
    asked = request.c
    return sa.select(
        lock.c.cause, asked.id, asked.approval, asked.rules, asked.state, asked.editable
    ).select_from(key.outerjoin(lock, locked).outerjoin(request, requested))


# Asked on every save: built once.
HOLD = Prepared(hold_statement())


def hold_of(unit: Unit, definition: ObjectDefinition, record_id: str) -> Hold | None:
    """Gives what holds a record; None when it is free.

    One statement, unless the record is locked and a step lets some of its fields be edited.
    """
    key = {"object": definition.id, "record_id": record_id}
    ((cause, request, approval, rules, state, editable),) = HOLD.rows(unit.connection, key)
    if cause is None and request is None:
        return None
    hold = Hold(cause, request, approval)
    if cause is None or not editable:
        return hold
    row = {"approval": approval, "rules": rules, "state": state}
    known = approval_of(unit.connection, unit.catalog, definition, row)
    if known is None:
        return hold
    who = editors(known, ApprovalState.from_json(state), unit.directory)
    return Hold(cause, request, approval, who)
