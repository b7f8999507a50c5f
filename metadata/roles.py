"""Roles: what their holders may do, and the rights that follow for one person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from metadata.access import ACTIONS, EVERYTHING, NOTHING, Access, FieldRight, Rows
from metadata.fields.base import ENGLISH, choose_label
from metadata.fields.read import read_labels, readable
from metadata.holding import territory_field
from metadata.json_text import mapping, sequence, strings, text
from metadata.objects import ObjectDefinition

ANY_OBJECT: Final = "*"
ANY_FIELD: Final = "*"
IDENTITY: Final = ("id", "version")
"""What every answer with a record says: whoever reads the record reads these."""
SCOPES: Final = ("none", "own", "team", "subtree", "territory", "all")
"""Whose records a grant reaches, from fewest to most."""
HANDED: Final = ("read", "update")
"""What a record that was shared by hand may be shared for, from least to most."""


@dataclass(frozen=True, slots=True)
class Share:
    """Rows that a role reaches because a condition of the rule language holds for them."""

    action: str
    condition: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do with one object. `scopes` maps actions to one of SCOPES."""

    create: bool = False
    scopes: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, FieldRight] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role. A grant for `*` counts for each object that has none of its own.

    Nobody may hold it together with one of the roles that it `excludes`.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    grants: Mapping[str, Grant]
    administer: bool = False
    excludes: tuple[str, ...] = ()
    package: str = "local"

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title in a language."""
        return choose_label(self.labels, language) or self.name

    def grant(self, object_name: str) -> Grant | None:
        """Gives what the role may do with an object."""
        return self.grants.get(object_name) or self.grants.get(ANY_OBJECT)


@dataclass(frozen=True, slots=True)
class Person:
    """Where somebody stands today.

    `subtree` are the users below, `teams` and `territories` all of hers with those below,
    `team_names` what these teams are called;
    `neighbours` the users who belong to one of these territories; `queues` those she takes from;
    `shares` the ids of users and teams through whom records were shared with her, by the id of
    their object.
    """

    id: str
    teams: frozenset[str] = frozenset()
    subtree: frozenset[str] = frozenset()
    territories: frozenset[str] = frozenset()
    neighbours: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    shares: Mapping[str, frozenset[str]] = field(default_factory=dict)
    team_names: frozenset[str] = frozenset()


def parse_role(
    name: str, document: Mapping[str, object], *, identity: str = "", package: str = "local"
) -> RoleDefinition:
    """Gives the role a checked document describes."""
    grants = mapping(document.get("grants"))
    return RoleDefinition(
        id=identity or name,
        name=name,
        labels=read_labels(document, "title", readable(name)),
        grants={target: parse_grant(mapping(given)) for target, given in grants.items()},
        administer=document.get("administer") is True,
        excludes=strings(document.get("excludes")),
        package=package,
    )


def parse_grant(given: Mapping[str, object]) -> Grant:
    """Gives one grant."""
    rights = mapping(given.get("fields"))
    return Grant(
        create=given.get("create") is True,
        scopes={action: scope_of(given[action]) for action in ACTIONS if action in given},
        fields={name: FieldRight(str(right)) for name, right in rights.items()},
        shares=tuple(parse_shares(sequence(given.get("share")))),
    )


def scope_of(given: object) -> str:
    """Gives a scope; `true` means all rows, `false` none."""
    if isinstance(given, bool):
        return "all" if given else "none"
    return given if isinstance(given, str) and given in SCOPES else "none"


def parse_shares(given: Iterable[object]) -> Iterator[Share]:
    """Gives the conditions under which a grant reaches further."""
    for described in map(mapping, given):
        for action in ACTIONS:
            condition = text(described.get(action))
            if condition is not None:
                yield Share(action, condition, text(described.get("because")) or "")


def access_of(
    roles: Iterable[RoleDefinition], person: Person, objects: Mapping[str, ObjectDefinition]
) -> dict[str, Access]:
    """Gives a person's rights by object: those of all her roles together."""
    merged: dict[str, Access] = {}
    for role in roles:
        for name, definition in objects.items():
            grant = role.grant(name)
            if grant is not None:
                access = access_by(grant, person, definition)
                merged[name] = merged[name] | access if name in merged else access
    return {name: with_handed(access, person, objects[name]) for name, access in merged.items()}


def with_handed(access: Access, person: Person, definition: ObjectDefinition) -> Access:
    """Gives rights with the rows that no role names: those shared by hand, and those that wait in
    a queue of hers.

    They reach no further than roles do in kind: who may update none of the records of an object
    may not update a shared one.
    """
    handed = {action: handed_rows(action, person, definition) for action in HANDED}
    more = {name: rows for name, rows in handed.items() if rows and access.may(name)}
    if not more:
        return access
    return replace(
        access, rows={**access.rows, **{name: access.reach(name) | more[name] for name in more}}
    )


def handed_rows(action: str, person: Person, definition: ObjectDefinition) -> Rows:
    """Gives the rows that somebody reaches without any role's saying so."""
    waiting = person.queues if action == "read" and definition.owner else frozenset()
    return Rows(queues=waiting, grantees=person.shares.get(definition.id, frozenset()))


def access_by(grant: Grant, person: Person, definition: ObjectDefinition) -> Access:
    """Gives the rights that one grant gives a person."""
    rows = {action: rows_of(grant, action, person, definition) for action in ACTIONS}
    if not grant.create and not rows["read"]:
        return Access(definition.name)
    writes = grant.create or bool(rows["update"])
    usual = FieldRight.EDIT if writes else FieldRight.READ
    default = grant.fields.get(ANY_FIELD, usual)
    fields = {name: right for name, right in grant.fields.items() if name != ANY_FIELD}
    for name in IDENTITY:
        if fields.get(name, default).rank < FieldRight.READ.rank:
            fields[name] = FieldRight.READ
    return Access(definition.name, grant.create, rows, fields, default)


def rows_of(grant: Grant, action: str, person: Person, definition: ObjectDefinition) -> Rows:
    """Gives the rows that an action reaches; what is shared comes on top of the scope."""
    conditions = tuple(share.condition for share in grant.shares if share.action == action)
    shared = Rows(conditions=conditions) if conditions else NOTHING
    return shared | scope_rows(grant.scopes.get(action, "none"), person, definition)


def scope_rows(scope: str, person: Person, definition: ObjectDefinition) -> Rows:
    """Gives the rows of a scope; without owners only `all` reaches any, and `territory` those in
    a territory."""
    if scope == "all":
        return EVERYTHING
    if scope == "territory":
        return territory_rows(person, definition)
    if scope == "none" or not definition.owner:
        return NOTHING
    own = frozenset({person.id})
    if scope == "team":
        return Rows(owners=own, teams=person.teams)
    return Rows(owners=own | person.subtree) if scope == "subtree" else Rows(owners=own)


def territory_rows(person: Person, definition: ObjectDefinition) -> Rows:
    """Gives what `subtree` reaches with the records in somebody's territories.

    Where records do not say where they lie they lie where their owners belong.
    """
    below = scope_rows("subtree", person, definition)
    if territory_field(definition) is not None:
        return below | Rows(territories=person.territories)
    return below | Rows(owners=person.neighbours) if definition.owner else NOTHING


def incompatible(roles: Iterable[RoleDefinition]) -> list[tuple[str, str]]:
    """Gives the pairs of roles, by name, that may not be held together."""
    held = sorted(roles, key=lambda role: role.name)
    return [
        (one.name, other.name)
        for place, one in enumerate(held)
        for other in held[place + 1 :]
        if other.name in one.excludes or one.name in other.excludes
    ]
