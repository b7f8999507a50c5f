"""Rights as pure data: which rows and fields of an object somebody may touch.

Grants of several roles merge to the most permissive one. Everything here is decided without a
database; `metadata.query` turns `Rows` into SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache

from metadata.profile import UNRESTRICTED, shape_of
from rule_engine.types import NO_MEMBERSHIPS, Memberships

ACTIONS = (
    *("read", "update", "delete", "assign", "share"),
    *("export", "import", "report", "approve", "run"),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A set of rows: all of them, or those that one of these reaches.

    They are owned by `owners`, owned by one of `teams`, lie in one of `territories`, wait in one
    of `queues`, were shared by hand with one of `grantees` (ids of users and teams), or fulfil one
    of `conditions` (expressions of the rule language).
    """

    all: bool = False
    owners: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    conditions: tuple[str, ...] = ()
    territories: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    grantees: frozenset[str] = frozenset()

    def __or__(self, other: Rows) -> Rows:
        if self.all or other.all:
            return EVERYTHING
        return Rows(
            False,
            self.owners | other.owners,
            self.teams | other.teams,
            tuple(dict.fromkeys((*self.conditions, *other.conditions))),
            self.territories | other.territories,
            self.queues | other.queues,
            self.grantees | other.grantees,
        )

    def __bool__(self) -> bool:
        return self.all or bool(
            self.owners
            or self.teams
            or self.conditions
            or self.territories
            or self.queues
            or self.grantees
        )


NOTHING = Rows()
EVERYTHING = Rows(all=True)


class FieldRight(StrEnum):
    """What may be done with a field, from least to most."""

    HIDDEN = "hidden"  # the field does not exist for this person
    MASKED = "masked"  # seen in part; neither filtered nor sorted
    READ = "read"
    EDIT = "edit"

    @property
    def rank(self) -> int:
        """Gives the order of rights: a higher one includes the lower ones."""
        return RANKS[self]


RANKS = {right: rank for rank, right in enumerate(FieldRight)}


def most(rights: Iterable[FieldRight]) -> FieldRight:
    """Gives the most permissive right; hidden when there is none."""
    return max(rights, key=lambda right: right.rank, default=FieldRight.HIDDEN)


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody may do with one object.

    `rows` maps each action but create to the rows it reaches; `fields` holds the rights that
    differ from `default_field`. An object without readable rows and without create does not
    exist for this person.
    """

    object: str
    create: bool = False
    rows: Mapping[str, Rows] = field(default_factory=dict)
    fields: Mapping[str, FieldRight] = field(default_factory=dict)
    default_field: FieldRight = FieldRight.HIDDEN

    def reach(self, action: str) -> Rows:
        """Gives the rows on which `action` is allowed."""
        return self.rows.get(action, NOTHING)

    def may(self, action: str) -> bool:
        """Says whether `action` is allowed on any row; `create` is an action too."""
        return self.create if action == "create" else bool(self.reach(action))

    @property
    def exists(self) -> bool:
        """Says whether the object is there for this person at all."""
        return self.create or self.may("read")

    def right(self, field_name: str) -> FieldRight:
        """Gives the right on a field."""
        return self.fields.get(field_name, self.default_field)

    def reads(self, field_name: str) -> bool:
        """Says whether the field's value may be seen, filtered and sorted in full."""
        return self.right(field_name).rank >= FieldRight.READ.rank

    def sees(self, field_name: str) -> bool:
        """Says whether the field exists for this person, if only masked."""
        return self.right(field_name) is not FieldRight.HIDDEN

    def edits(self, field_name: str) -> bool:
        """Says whether the field may be written."""
        return self.right(field_name) is FieldRight.EDIT

    def __or__(self, other: Access) -> Access:
        names = {*self.fields, *other.fields}
        return Access(
            object=self.object,
            create=self.create or other.create,
            rows={action: self.reach(action) | other.reach(action) for action in ACTIONS},
            fields={name: most((self.right(name), other.right(name))) for name in names},
            default_field=most((self.default_field, other.default_field)),
        )


@lru_cache(maxsize=1_000)
def nothing(object_name: str) -> Access:
    """Gives the access of somebody without any grant: the object does not exist."""
    return Access(object_name)


@lru_cache(maxsize=1_000)
def everything(object_name: str) -> Access:
    """Gives the access of the system itself."""
    rows = dict.fromkeys(ACTIONS, EVERYTHING)
    return Access(object_name, True, rows, {}, FieldRight.EDIT)


@dataclass(frozen=True)  # without slots: the profile is made when first asked for
class Principal:
    """Somebody who acts: a person, or the system.

    `user` holds the person's own fields, by which expressions know `user.region` (id, username,
    team, …); None for the system. `name` is what history and audit write down: the user's id,
    "system" or "automation". `may_administer` opens setup. `scopes` are what an API key is kept
    to (`metadata.scopes`), which is in `grants` already; None for who is not kept to any.
    `roles` are all that she holds; of those that exclude each other none is in `memberships`, by
    which expressions know `in_role` and `in_team`.
    """

    name: str
    user: Mapping[str, object] | None = None
    roles: frozenset[str] = frozenset()
    grants: Mapping[str, Access] = field(default_factory=dict)
    may_administer: bool = False
    unrestricted: bool = False
    scopes: frozenset[str] | None = None
    memberships: Memberships = NO_MEMBERSHIPS

    def access(self, object_name: str) -> Access:
        """Gives what this principal may do with an object; no database is asked."""
        if self.unrestricted:
            return everything(object_name)
        return self.grants.get(object_name) or nothing(object_name)

    @cached_property
    def profile(self) -> str:
        """The shape of the rights: principals with the same one share what is compiled."""
        return UNRESTRICTED if self.unrestricted else shape_of(self.grants)


SYSTEM = Principal("system", unrestricted=True, may_administer=True)
AUTOMATION = Principal("automation", unrestricted=True, may_administer=True)
