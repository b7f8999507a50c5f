"""Flask-AppBuilder's tables, as Core sees them."""

from __future__ import annotations

import sqlalchemy as sa
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import (
    ApiKey,
    Group,
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_group_role,
    assoc_permissionview_role,
    assoc_user_group,
    assoc_user_role,
)

FAB_TABLES: sa.MetaData = Model.metadata

ab_user: sa.Table = User.__table__
ab_role: sa.Table = Role.__table__
ab_group: sa.Table = Group.__table__
ab_api_key: sa.Table = ApiKey.__table__
ab_permission: sa.Table = Permission.__table__
ab_view_menu: sa.Table = ViewMenu.__table__
ab_permission_view: sa.Table = PermissionView.__table__
ab_user_role: sa.Table = assoc_user_role
ab_user_group: sa.Table = assoc_user_group
ab_group_role: sa.Table = assoc_group_role
ab_permission_view_role: sa.Table = assoc_permissionview_role


def accounts_roles() -> sa.CompoundSelect[tuple[int, int]]:
    """Gives which account has which role, of its own or of its groups."""
    own = sa.select(ab_user_role.c.user_id, ab_user_role.c.role_id)
    of_groups = sa.select(ab_user_group.c.user_id, ab_group_role.c.role_id).join(
        ab_group_role, ab_user_group.c.group_id == ab_group_role.c.group_id
    )
    return own.union(of_groups)


def role_ids(account_id: int) -> sa.CompoundSelect[tuple[int]]:
    """Gives the ids of an account's roles, its own and those of its groups."""
    own = sa.select(ab_user_role.c.role_id).where(ab_user_role.c.user_id == account_id)
    of_groups = (
        sa.select(ab_group_role.c.role_id)
        .join(ab_user_group, ab_user_group.c.group_id == ab_group_role.c.group_id)
        .where(ab_user_group.c.user_id == account_id)
    )
    return own.union(of_groups)
