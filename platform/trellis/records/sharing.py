"""Sharing one record by hand with a person or a team, for a time or until it is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
import uuid_utils

from metadata.access import AUTOMATION, Principal
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.roles import HANDED
from metadata.shares import LEVELS, RECORD_SHARE, TEAM, UPDATE, USER, in_force
from trellis.audit import note
from trellis.db import Database
from trellis.errors import Missing, NotAllowed, Refused
from trellis.records.incoming import find_record
from trellis.records.reach import definition_of
from trellis.records.read import read_record
from trellis.security.access import load_account
from trellis.unit import Unit

MAX_SHARES: Final = 200
"""With so many a record is shared at once."""


@dataclass(frozen=True, slots=True)
class Grantee:
    """With whom a record is shared: a user or a team. `account` is a user's in ab_user."""

    kind: str
    id: str
    name: str
    account: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A record's share as its readers see it; `name` is that of the person or team."""

    kind: str
    grantee: str
    name: str
    level: str
    until: datetime | None
    by: str
    at: datetime
    why: str | None


def share_record(
    unit: Unit,
    object_name: str,
    record_id: str,
    to: str,
    *,
    level: str,
    until: datetime | None = None,
    why: str | None = None,
) -> Share:
    """Shares a record with a user (id or user name) or a team (id or name); what was shared with
    them before is replaced.

    Only who holds the right to share the record may, for no more and no longer than she has it
    herself. Raises Missing, NotAllowed, or Refused with every problem.
    """
    definition = definition_of(unit, object_name)
    demand_share(unit, definition, record_id)
    grantee = grantee_named(unit, to)
    problems = [*level_problems(unit, definition, record_id, level, until)]
    if grantee is None:
        problems.append(Problem("/to", "unknown_reference", {"field": "to", "value": to}))
    else:
        problems += grantee_problems(unit, definition, grantee, level)
        problems += number_problems(unit, definition, record_id, grantee)
    if problems or grantee is None:
        raise Refused(problems)
    row: dict[str, Any] = {
        "kind": grantee.kind,
        "grantee": grantee.id,
        "level": level,
        "until": until,
        "by": unit.principal.name,
        "at": unit.moment.now,
        "why": why,
    }
    remove(unit, definition, record_id, grantee.id)
    key = {"id": str(uuid_utils.uuid7()), "object": definition.id, "record_id": record_id}
    unit.connection.execute(sa.insert(RECORD_SHARE).values({**key, **row}))
    given = {"kind": grantee.kind, "grantee": grantee.id, "level": level}
    ends = None if until is None else until.isoformat()
    note(
        unit,
        "share",
        object=definition.name,
        record_ids=[record_id],
        values={**given, "until": ends},
        why=why,
    )
    return Share(name=grantee.name, **row)


def unshare_record(unit: Unit, object_name: str, record_id: str, to: str) -> None:
    """Takes a share back; who got it may give it back herself.

    Raises Missing, also for what is not shared, or NotAllowed.
    """
    definition = definition_of(unit, object_name)
    read_record(unit, object_name, record_id, ["id"])
    grantee = grantee_named(unit, to, active=False)
    if grantee is None or grantee.id != unit.user_id:
        demand_share(unit, definition, record_id)
    if grantee is None or not remove(unit, definition, record_id, grantee.id):
        raise Missing([Problem("/to", "missing_share", {"to": to})])
    taken = {"kind": grantee.kind, "grantee": grantee.id}
    note(unit, "unshare", object=definition.name, record_ids=[record_id], values=taken)


def shares_of(unit: Unit, object_name: str, record_id: str) -> tuple[Share, ...]:
    """Gives the shares of a record that are in force: all to who may share it, else those by which
    the acting person sees it herself. Raises Missing."""
    definition = definition_of(unit, object_name)
    read_record(unit, object_name, record_id, ["id"])
    share = RECORD_SHARE
    chosen = sa.select(share).where(*of_record(definition, record_id), in_force(share))
    if not may_share(unit, definition, record_id):
        chosen = chosen.where(share.c.grantee.in_(sorted(own_grantees(unit, definition))))
    ordered = chosen.order_by(share.c.at, share.c.id)
    rows = unit.connection.execute(ordered, {"now": unit.moment.now}).mappings().all()
    return tuple(named(unit, [dict(row) for row in rows]))


def named(unit: Unit, rows: Sequence[Mapping[str, Any]]) -> Iterator[Share]:
    """Gives rows with the names of people and teams, whoever may see these."""
    records = replace(unit, principal=AUTOMATION).records()
    names = {
        kind: records.names(kind, [row["grantee"] for row in rows if row["kind"] == kind])
        for kind in (USER, TEAM)
    }
    for row in rows:
        shown = {key: row[key] for key in ("kind", "grantee", "level", "until", "by", "at", "why")}
        yield Share(name=names[row["kind"]].get(row["grantee"], row["grantee"]), **shown)


def remove(unit: Unit, definition: ObjectDefinition, record_id: str, grantee: str) -> bool:
    """Takes away what one person or team was given; says whether there was anything."""
    gone = sa.delete(RECORD_SHARE).where(
        *of_record(definition, record_id), RECORD_SHARE.c.grantee == grantee
    )
    return bool(unit.connection.execute(gone).rowcount)


def remove_shares_with(unit: Unit, user_id: str) -> int:
    """Takes back all that was ever shared with a user; gives how much it was."""
    gone = sa.delete(RECORD_SHARE).where(RECORD_SHARE.c.grantee == user_id)
    return unit.connection.execute(gone).rowcount


def forget_ended(database: Database, now: datetime) -> int:
    """Deletes shares that have run out and gives how many; they open nothing any more, and the
    audit keeps that they were."""
    ended = sa.delete(RECORD_SHARE).where(RECORD_SHARE.c.until <= now)
    return database.do(lambda connection: connection.execute(ended).rowcount)


def demand_share(unit: Unit, definition: ObjectDefinition, record_id: str) -> None:
    """Raises Missing for a record that is not to be seen, NotAllowed for one that may not be
    shared."""
    read_record(unit, definition.name, record_id, ["id"])
    if not may_share(unit, definition, record_id):
        values = {"action": "share", "object": definition.name}
        raise NotAllowed([Problem("", "not_allowed", values)])


def may_share(unit: Unit, definition: ObjectDefinition, record_id: str) -> bool:
    """Says whether the acting person holds the right to share a record that she sees."""
    return unit.records().reaches(definition.name, record_id, "share")


def grantee_named(unit: Unit, to: str, *, active: bool = True) -> Grantee | None:
    """Gives the user or team of a name or id, as the acting person sees them."""
    known = replace(unit, principal=AUTOMATION).records()
    user_id = find_record(unit, USER, to)
    if user_id is not None:
        user = known.get(USER, user_id, ["name", "active", "account"]) or {}
        if user.get("active") or not active:
            return Grantee(USER, user_id, str(user.get("name")), int(str(user["account"])))
        return None
    team_id = find_record(unit, TEAM, to)
    if team_id is None:
        return None
    team = known.get(TEAM, team_id, ["name"]) or {}
    return Grantee(TEAM, team_id, str(team.get("name")))


def level_problems(
    unit: Unit, definition: ObjectDefinition, record_id: str, level: str, until: datetime | None
) -> Iterator[Problem]:
    """Finds what the acting person cannot give for lack of having it."""
    if until is not None and until <= unit.moment.now:
        yield Problem("/until", "share_until_past")
    if level not in LEVELS:
        yield Problem("/level", "share_level", {"value": level, "known": list(LEVELS)})
    elif not unit.records().reaches(definition.name, record_id, level):
        yield Problem("/level", "share_more_than_own", {"level": level})
    elif not reaches_unshared(unit, definition, record_id, level):
        ends = own_end(unit, definition, record_id, level)
        if ends is not None and (until is None or until > ends):
            yield Problem("/until", "share_longer_than_own", {"until": ends.isoformat()})


def reaches_unshared(unit: Unit, definition: ObjectDefinition, record_id: str, level: str) -> bool:
    """Says whether somebody would reach a record for a level if nobody had shared it."""
    principal = without_shares(unit.principal, definition.name)
    if not principal.access(definition.name).may("read"):
        return False
    records = replace(unit, principal=principal).records()
    return records.reaches(definition.name, record_id, level)


def without_shares(principal: Principal, object_name: str) -> Principal:
    """Gives the same person without what was shared with her by hand."""
    if principal.unrestricted:
        return principal
    access = principal.access(object_name)
    rows = {name: replace(rows, grantees=frozenset()) for name, rows in access.rows.items()}
    return replace(principal, grants={**principal.grants, object_name: replace(access, rows=rows)})


def own_end(
    unit: Unit, definition: ObjectDefinition, record_id: str, level: str
) -> datetime | None:
    """Gives when the last share ends by which the acting person has a level; None for never."""
    share = RECORD_SHARE
    mine = share.c.grantee.in_(sorted(own_grantees(unit, definition)))
    conditions = [*of_record(definition, record_id), mine, in_force(share)]
    if level == UPDATE:
        conditions.append(share.c.level == UPDATE)
    found = sa.select(share.c.until).where(*conditions)
    ends = unit.connection.scalars(found, {"now": unit.moment.now}).all()
    return None if None in ends else max((end for end in ends if end is not None), default=None)


def own_grantees(unit: Unit, definition: ObjectDefinition) -> frozenset[str]:
    """Gives through whom records of an object are shared with the acting person."""
    access = unit.principal.access(definition.name)
    return frozenset().union(*(access.reach(action).grantees for action in HANDED))


def grantee_problems(
    unit: Unit, definition: ObjectDefinition, grantee: Grantee, level: str
) -> Iterator[Problem]:
    """Finds why a person would have nothing of a share; what a team's people may do differs."""
    if grantee.id == unit.user_id:
        yield Problem("/to", "share_self")
    elif grantee.account is not None and level in LEVELS:
        account = load_account(unit.connection, unit.catalog, grantee.account, unit.moment.today)
        if account is None or not account.principal.access(definition.name).may(level):
            values = {"name": grantee.name, "object": definition.name}
            yield Problem("/to", "share_without_role", values)


def number_problems(
    unit: Unit, definition: ObjectDefinition, record_id: str, grantee: Grantee
) -> Iterator[Problem]:
    """Finds that a record is shared with too many."""
    share = RECORD_SHARE
    others = [*of_record(definition, record_id), share.c.grantee != grantee.id, in_force(share)]
    counted = sa.select(sa.func.count()).select_from(share).where(*others)
    if unit.connection.execute(counted, {"now": unit.moment.now}).scalar_one() >= MAX_SHARES:
        yield Problem("", "too_many_shares", {"limit": MAX_SHARES})


def of_record(definition: ObjectDefinition, record_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Gives the condition of belonging to a record."""
    share = RECORD_SHARE
    return share.c.object == definition.id, share.c.record_id == record_id
