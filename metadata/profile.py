"""The shape of rights: what of them decides how statements look."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from metadata.access import Access, Rows

FEW_VALUES: Final = 3
UNRESTRICTED: Final = "unrestricted"


def shape_of(grants: Mapping[str, Access]) -> str:
    """Gives what tells apart those who need different statements, as a digest.

    Whose rows they are is not part of it: owners, teams and the like are parameters.
    """
    shapes = [access_shape(grants[name]) for name in sorted(grants)]
    return sha256(repr(shapes).encode()).hexdigest()


def access_shape(access: Access) -> tuple[object, ...]:
    """Gives all of an access that decides what statements look like."""
    rows = tuple((action, rows_shape(rows)) for action, rows in sorted(access.rows.items()) if rows)
    fields = tuple(sorted((name, str(right)) for name, right in access.fields.items()))
    return access.object, access.create, rows, fields, str(access.default_field)


def rows_shape(rows: Rows) -> tuple[object, ...]:
    """Gives a row rule without the ids in it."""
    held = (rows.owners, rows.teams, rows.territories, rows.queues)
    return rows.all, *map(how_many, held), bool(rows.grantees), rows.conditions


def how_many(values: frozenset[str]) -> int:
    """Gives 0 for none, 1 for a few and 2 for many values."""
    return bool(values) + (len(values) > FEW_VALUES)
