"""Telling who comes to stand in for somebody what already waits for that one."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.services.approval_state import ApprovalState
from rule_engine.services.substitutes import represented, stand_ins
from rule_engine.types import Directory
from trellis.approvals.inbox import Rules, asked_of
from trellis.automation import outbox
from trellis.automation.approval_store import object_by_id
from trellis.security.absences import absence, absences_on, is_on
from trellis.unit import Unit
from trellis.wording import TOLD


def tell_substitutes(unit: Unit, absence_id: str) -> None:
    """Tells of requests that wait for somebody whose absence begins, and for others who are away
    and led to that one; of an absence that was taken back, or is over, nothing."""
    query = sa.select(absence.c.user).where(absence.c.id == absence_id, is_on(unit.moment.today))
    user = unit.connection.scalar(query)
    if user is None:
        return
    away = absences_on(unit.connection, unit.catalog, unit.moment.today)
    for one in away:
        if leads_to(one, user, unit.directory):
            tell_of(unit, one, absence_id)


def leads_to(user: str, to: str, directory: Directory) -> bool:
    """Says whether somebody, or a substitute of hers in turn, is the other one."""
    seen: set[str] = set()
    while user != to and user not in seen:
        seen.add(user)
        found = directory.absence(user)
        if found is None or found.substitute is None:
            return False
        user = found.substitute
    return user == to


def tell_of(unit: Unit, user: str, absence_id: str) -> None:
    """Leaves messages about what waits for a user, for all who may speak in her place."""
    rules = Rules(unit)
    for row in map(dict, unit.connection.execute(asked_of(unit, [user])).mappings()):
        definition = object_by_id(unit, row["object"])
        approval = None if definition is None else rules.approval(definition, row)
        if definition is None or approval is None:
            continue
        state = ApprovalState.from_json(row["state"])
        values = {"approval": approval.label, "request": row["id"], "record": row["record_id"]}
        for other in stand_ins(approval, state, user, unit.directory):
            if user not in represented(approval, state, other, unit.directory):
                continue
            outbox.add(
                unit.connection,
                "notify",
                {"recipients": [other], "kind": TOLD["waiting"], "title": "", "values": values},
                f"stand_in/{absence_id}/{row['id']}/{user}/{other}",
                object_name=definition.name,
                record_id=row["record_id"],
            )
