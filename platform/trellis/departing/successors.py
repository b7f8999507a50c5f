"""Who gets what somebody leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from metadata.problems import Problem
from trellis.errors import Refused
from trellis.records.incoming import find_record
from trellis.records.successors import QUEUE, USER, Successors
from trellis.security.standing import Standing
from trellis.unit import Unit

MANAGER, TEAM = "manager", "team"
RULES: Final = (MANAGER, USER, TEAM, QUEUE)


def successors_by(unit: Unit, user_id: str, rule: str, to: str | None) -> Successors:
    """Gives who takes over from a user by a rule: her manager, a user, a team in turn, a queue.

    Raises Refused with what is wrong with rule or name.
    """
    if rule not in RULES:
        raise Refused([Problem("/rule", "depart_rule", {"value": rule, "known": list(RULES)})])
    if rule == MANAGER:
        people = managers(unit, user_id)
        if not people:
            raise Refused([Problem("/rule", "depart_no_manager")])
        return Successors(people[:1], None, people[0])
    if not to:
        raise Refused([Problem("/to", "required", {"field": "to"})])
    found = find_record(unit, rule, to)
    if found is None:
        raise Refused([Problem("/to", "unknown_reference", {"field": "to", "value": to})])
    if rule == QUEUE:
        return Successors((), whole_queue(unit, found, to), approver_for(unit, user_id))
    named = [found] if rule == USER else unit.directory.resolve(TEAM, found, None)
    people = active(unit, [one for one in named if one != user_id])
    if not people:
        raise Refused([Problem("/to", "depart_nobody", {"to": to})])
    return Successors(people, None, people[0])


def managers(unit: Unit, user_id: str) -> tuple[str, ...]:
    """Gives the active managers of a user today: of the line, over who is gone; then dotted."""
    lines = Standing(unit.connection, unit.catalog, unit.moment.today).lines()
    direct = sa.select(lines.c.manager).where(lines.c.person == user_id)
    ids = [*unit.directory.relation(MANAGER, user_id), *sorted(unit.connection.scalars(direct))]
    return active(unit, [one for one in dict.fromkeys(ids) if one != user_id])


def active(unit: Unit, ids: Sequence[str]) -> tuple[str, ...]:
    """Gives those of some users who work here, in their order."""
    found = unit.as_automation().records().by_ids(USER, ids, ["active"])
    return tuple(one for one in ids if one in found and found[one]["active"])


def approver_for(unit: Unit, user_id: str) -> str:
    """Gives who is asked instead of a user whose records wait in a queue: her manager, else who
    has her depart."""
    return next(iter(managers(unit, user_id)), unit.user_id or user_id)


def whole_queue(unit: Unit, queue_id: str, name: str) -> str:
    """Gives a queue that takes records of any object. Raises Refused for another one."""
    queue = unit.as_automation().records().get(QUEUE, queue_id, ["object"]) or {}
    if queue.get("object"):
        values = {"queue": name, "object": queue["object"]}
        raise Refused([Problem("/to", "depart_queue_of_one", values)])
    return queue_id
