"""Somebody has to be there who may administer: whoever takes that from the last one is refused."""

from __future__ import annotations

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.problems import Problem
from trellis.errors import Conflict
from trellis.security.access import held_roles, roles_by_account, roles_of
from trellis.security.tables import ab_role, ab_user, accounts_roles


def administers(connection: sa.Connection, catalog: Catalog, account_id: int) -> bool:
    """Says whether an account administers once it may log in."""
    roles = held_roles(catalog, roles_of(connection, account_id))
    return any(role.administer for role in roles)


def keep_administrator(connection: sa.Connection, catalog: Catalog, path: str) -> None:
    """Raises Conflict, at `path` of what was sent, when nobody who may log in administers now.

    Asked when the write is done: it has moved the security version (`versions`), which one
    transaction at a time can do, so of two at once the second sees here what the first did.
    """
    if not has_administrator(connection, catalog):
        raise Conflict([Problem(path, "last_administrator")])


def has_administrator(connection: sa.Connection, catalog: Catalog) -> bool:
    """Says whether anybody who may log in administers."""
    names = [role.name for role in catalog.roles.values() if role.administer]
    held = accounts_roles().subquery()
    holders = (
        sa.select(held.c.user_id)
        .join(ab_role, ab_role.c.id == held.c.role_id)
        .join(ab_user, ab_user.c.id == held.c.user_id)
        .where(ab_role.c.name.in_(names), ab_user.c.active.is_(True))
    )
    found = roles_by_account(connection, connection.scalars(holders).all())
    return any(role.administer for held in found.values() for role in held_roles(catalog, held))
