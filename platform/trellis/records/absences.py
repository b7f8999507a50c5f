"""Being away: entered by oneself or by an administrator, with who stands in meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
import uuid_utils

from metadata.problems import Problem
from trellis.audit import note
from trellis.automation.outbox import add
from trellis.errors import Missing, NotAllowed, Refused
from trellis.records.incoming import find_record
from trellis.records.people import USER
from trellis.records.reach import definition_of, target_of
from trellis.security.absences import absence
from trellis.unit import Unit

STAND_IN = "stand_in"
MAX_DAYS = 730
MAX_WHY = 200


@dataclass(frozen=True, slots=True)
class Away:
    """One absence: both days and all between them. `by` entered it `at` that moment."""

    id: str
    user: str
    first: date
    last: date
    substitute: str | None
    why: str | None
    by: str
    at: datetime


def enter_absence(
    unit: Unit,
    user_id: str,
    first: date | None,
    last: date | None,
    *,
    substitute: str | None = None,
    why: str | None = None,
) -> Away:
    """Notes that a user is away from the first to the last day; without a first one, from today.

    The substitute is an id or a user name. Raises Missing, NotAllowed for who is neither the user
    nor administers, or Refused with every problem.
    """
    keep_to_oneself(unit, user_id)
    users = unit.catalog.tables[USER]
    unit.connection.execute(sa.select(users.c.id).where(users.c.id == user_id).with_for_update())
    begins = first or unit.moment.today
    other = find_record(unit, USER, substitute) if substitute else None
    problems = [*date_problems(unit, user_id, begins, last)]
    if substitute:
        problems += substitute_problems(unit, user_id, substitute, other)
    if len(why or "") > MAX_WHY:
        problems.append(Problem("/why", "max_length", {"limit": MAX_WHY}))
    if problems or last is None:
        raise Refused(problems)
    away = Away(
        id=str(uuid_utils.uuid7()),
        user=user_id,
        first=begins,
        last=last,
        substitute=other,
        why=why or None,
        by=unit.principal.name,
        at=unit.moment.now,
    )
    row = {column.name: getattr(away, FIELDS.get(column.name, column.name)) for column in absence.c}
    unit.connection.execute(sa.insert(absence).values(row))
    told = {"from": begins.isoformat(), "until": last.isoformat(), "substitute": other}
    note(unit, "away", object=USER, record_ids=[user_id], values=told, why=away.why)
    starts = datetime.combine(begins, time(), unit.moment.zone)
    at = starts if starts > unit.moment.now else None
    payload, key = {"absence": away.id}, f"{STAND_IN}/{away.id}"
    add(unit.connection, STAND_IN, payload, key, object_name=USER, record_id=user_id, at=at)
    return away


FIELDS = {"from": "first", "until": "last"}


def end_absence(unit: Unit, user_id: str, absence_id: str) -> Away:
    """Takes an absence back; what was decided meanwhile stays. Raises as `enter_absence` does."""
    keep_to_oneself(unit, user_id)
    chosen = sa.select(absence).where(absence.c.id == absence_id).with_for_update()
    row = unit.connection.execute(chosen).mappings().one_or_none()
    if row is None or row["user"] != user_id:
        raise Missing([Problem("", "missing_absence", {"id": absence_id})])
    unit.connection.execute(sa.delete(absence).where(absence.c.id == absence_id))
    found = away_of(dict(row))
    told = {"from": found.first.isoformat(), "until": found.last.isoformat()}
    note(unit, "back", object=USER, record_ids=[found.user], values=told)
    return found


def absences_of(unit: Unit, user_id: str | None = None) -> tuple[Away, ...]:
    """Gives the absences of today and to come, the next first: of one user, else of all.

    An administrator sees everybody's, others their own and those in which they stand in.
    """
    table = absence
    mine = sa.or_(table.c.user == unit.user_id, table.c.substitute == unit.user_id)
    chosen = sa.select(table).where(table.c.until >= unit.moment.today)
    if not unit.principal.may_administer:
        chosen = chosen.where(mine)
    if user_id is not None:
        chosen = chosen.where(table.c.user == user_id)
    rows = unit.connection.execute(chosen.order_by(table.c["from"], table.c.id)).mappings()
    return tuple(away_of(dict(row)) for row in rows)


def away_of(row: dict[str, Any]) -> Away:
    """Makes an absence of its row."""
    return Away(**{FIELDS.get(name, name): value for name, value in row.items()})


def keep_to_oneself(unit: Unit, user_id: str) -> None:
    """Raises Missing or NotAllowed for somebody else's absence."""
    if user_id == unit.user_id:
        return
    target_of(unit, definition_of(unit, USER), user_id, "read")
    if not unit.principal.may_administer:
        raise NotAllowed([Problem("", "administer_needed")])


def date_problems(unit: Unit, user_id: str, begins: date, last: date | None) -> Iterator[Problem]:
    """Gives what is wrong with the days."""
    if last is None:
        yield Problem("/until", "required", {"field": "until"})
        return
    if last < begins:
        yield Problem("/until", "absence_backwards", {"from": begins.isoformat()})
    elif last < unit.moment.today:
        yield Problem("/until", "absence_over", {"today": unit.moment.today.isoformat()})
    elif (last - begins).days >= MAX_DAYS:
        yield Problem("/until", "absence_too_long", {"limit": MAX_DAYS})
    shares_a_day = sa.select(absence.c["from"], absence.c.until).where(
        absence.c.user == user_id, absence.c["from"] <= last, absence.c.until >= begins
    )
    other = unit.connection.execute(shares_a_day.limit(1)).first()
    if other is not None and last >= begins:
        values = {"from": other[0].isoformat(), "until": other[1].isoformat()}
        yield Problem("/from", "absence_overlaps", values)


def substitute_problems(
    unit: Unit, user_id: str, named: str, found: str | None
) -> Iterator[Problem]:
    """Gives what is wrong with who is to stand in."""
    values = {"field": "substitute", "value": named}
    if found == user_id:
        yield Problem("/substitute", "absence_oneself")
    elif found is None or not unit.directory.resolve(USER, found, None):
        yield Problem("/substitute", "unknown_reference", values)
