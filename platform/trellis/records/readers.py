"""Everybody who can see one record, page by page, with what lets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from metadata.access import Principal
from metadata.objects import ObjectDefinition
from metadata.roles import Person
from trellis.records.explain_access import Asked, Reason, reason
from trellis.records.reach import definition_of
from trellis.records.read import read_record
from trellis.security.access import held_roles, make_principal, roles_by_account
from trellis.security.standing import Standing
from trellis.unit import Unit

SCANNED: Final = 50
"""As many people are looked at for one page, whether or not they see the record."""
FIELDS: Final = ("name", "account", "active", "team")
ALL: Final = "all"

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who can see the record; `reasons` are those that grant it."""

    user: str
    name: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Readers:
    """A page of readers by name; `next` leads on, None after the last of all people."""

    items: tuple[Reader, ...]
    next: str | None = None


def readers_of(unit: Unit, object_name: str, record_id: str, after: str | None = None) -> Readers:
    """Gives who can see a record that the acting person sees.

    Administrators are told of everybody they see; others of themselves and of those below them.
    People who are locked out are left out. A page looks at SCANNED people, so one may be short or
    empty while `next` leads on. Raises Missing, or QueryProblem for a cursor that is none.
    """
    definition = definition_of(unit, object_name)
    read_record(unit, object_name, record_id, ["id"])
    people, following = people_of(unit, after)
    known = unit.as_automation().records()
    record = known.get(object_name, record_id) or {"id": record_id}
    numbers = {int(str(one["account"])) for one in people if one.get("account") is not None}
    roles = roles_by_account(unit.connection, numbers)
    found = (
        reader_of(unit, definition, record, one, roles.get(int(str(one["account"]))))
        for one in people
        if one.get("account") is not None
    )
    return Readers(tuple(one for one in found if one is not None), following)


def people_of(unit: Unit, after: str | None) -> tuple[Sequence[Record], str | None]:
    """Gives the next people whom the acting person may be told of, by name."""
    records = unit.records()
    if not unit.principal.access("user").exists:
        return (), None
    if unit.principal.may_administer:
        page = records.list(
            "user",
            fields=FIELDS,
            sort=["name"],
            match={"active": True},
            after=after,
            limit=SCANNED,
        )
        return page.items, page.next
    standing = Standing(unit.connection, unit.catalog, unit.moment.today)
    below = standing.people_below(unit.user_id) if unit.user_id else frozenset[str]()
    found = records.by_ids("user", below, FIELDS).values()
    ordered = sorted(found, key=lambda one: (str(one.get("name")), str(one["id"])))
    ids = [str(one["id"]) for one in ordered]
    begin = ids.index(after) + 1 if after in ids else 0
    chosen = ordered[begin : begin + SCANNED]
    more = begin + SCANNED < len(ordered)
    active = [one for one in chosen if one.get("active")]
    return active, str(chosen[-1]["id"]) if more else None


def reader_of(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    user: Record,
    names: frozenset[str] | None,
) -> Reader | None:
    """Gives somebody who can see the record; None for who cannot. `names` are her roles, None for
    an account that is locked.

    Who reads every record needs no look at where she stands; nor does who has no role that names
    the object.
    """
    user_id, name = str(user["id"]), str(user.get("name") or "–")
    roles = tuple(held_roles(unit.catalog, names or ()))
    grants = [(role, role.grant(definition.name)) for role in roles]
    if not any(grant is not None for _role, grant in grants):
        return None
    wide = [
        reason(True, "scope", role, f"access_scope_{ALL}")
        for role, grant in grants
        if grant is not None and grant.scopes.get("read") == ALL
    ]
    bare = Person(user_id)
    if wide and principal_of(unit, user, bare, names).access(definition.name).reach("read").all:
        return Reader(user_id, name, tuple(wide))
    standing = Standing(unit.connection, unit.catalog, unit.moment.today)
    team = user.get("team")
    person = standing.person(user_id, str(team) if team else None, datetime.now(UTC))
    whole = unit.as_automation().records().get("user", user_id) or user
    principal = principal_of(unit, whole, person, names)
    asked = Asked(unit, definition, record, principal, person, roles, (), None)
    told = asked.action("read")
    if not told.allowed:
        return None
    return Reader(user_id, name, tuple(one for one in told.reasons if one.grants))


def principal_of(
    unit: Unit, user: Record, person: Person, names: frozenset[str] | None
) -> Principal:
    """Gives somebody's rights, standing where `person` says."""
    return make_principal(unit.catalog, user, person, names or frozenset())
