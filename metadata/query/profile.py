"""The shape of rights: what of them decides how statements look."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from metadata.access import ACTIONS, Access, Principal, Rows
from metadata.cache import Cache

FEW_VALUES = 3
UNRESTRICTED = "unrestricted"


class Profile:
    """The shape of somebody's rights. Those with the same `digest` share statements.

    Whose rows they are is not part of the shape: owners, teams and the like are parameters.
    """

    def __init__(self, grants: Mapping[str, Access]) -> None:
        self.grants = grants
        shapes = [access_shape(grants[name]) for name in sorted(grants)]
        self.digest = sha256(repr(shapes).encode()).hexdigest()


def profile_digest(cache: Cache, principal: Principal) -> str:
    """Gives what tells apart principals who need different statements."""
    if principal.unrestricted:
        return UNRESTRICTED
    grants = principal.grants
    # The entry holds the grants, so nothing else can have their id while it is there.
    key = ("profile", id(grants))
    return cache.get(key, Profile, lambda: Profile(grants)).digest


def access_shape(access: Access) -> tuple[object, ...]:
    """Gives all of an access that decides what statements look like."""
    rows = tuple((action, rows_shape(access.reach(action))) for action in ACTIONS)
    fields = tuple(sorted((name, str(right)) for name, right in access.fields.items()))
    return access.object, access.create, rows, fields, str(access.default_field)


def rows_shape(rows: Rows) -> tuple[object, ...]:
    """Gives a row rule without the ids in it."""
    held = (rows.owners, rows.teams, rows.territories, rows.queues)
    return rows.all, *map(how_many, held), bool(rows.grantees), rows.conditions


def how_many(values: frozenset[str]) -> int:
    """Gives 0 for none, 1 for a few and 2 for many values."""
    return bool(values) + (len(values) > FEW_VALUES)
