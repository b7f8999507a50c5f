"""Who acts: accounts with their rights, kept as long as neither users nor definitions change."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import SYSTEM, Principal
from metadata.catalog import Catalog
from metadata.query import Moment, Records
from metadata.relation_rights import with_relations
from metadata.roles import Person, access_of
from trellis.catalogs import Snapshot
from trellis.security.tables import (
    ab_permission,
    ab_permission_view,
    ab_permission_view_role,
    ab_role,
    ab_user,
    ab_view_menu,
    role_ids,
)

# How many accounts a process remembers.
CACHED_ACCOUNTS = 5_000

# Nobody's manager tree is deeper; a circle of managers ends here.
MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in now, as of one version of users and definitions.

    Flask-Login and Flask-AppBuilder take it as their user. `id` is ab_user's, `user_id` the one in
    records. `stamp` changes with the password: sessions and tokens made before are void.
    `permissions` are Flask-AppBuilder's pairs of permission and view.
    """

    id: int
    user_id: str
    username: str
    name: str
    email: str
    language: str | None
    timezone: str | None
    stamp: str
    principal: Principal
    permissions: frozenset[tuple[str, str]] = field(repr=False, default=frozenset())

    is_authenticated = True
    is_active = True
    is_anonymous = False
    active = True

    def get_id(self) -> str:
        """Gives the id that Flask-Login keeps in the session."""
        return str(self.id)

    def get_full_name(self) -> str:
        """Gives the name that Flask-AppBuilder shows."""
        return self.name


class Accounts:
    """The accounts of an installation. A remembered one costs no SQL; thread-safe."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int, int], Account | None] = OrderedDict()
        self._lock = threading.Lock()

    def account(
        self, connection: sa.Connection, snapshot: Snapshot, account_id: int
    ) -> Account | None:
        """Gives an account; None when there is none, or it is not active."""
        # A record's field `account` holds a Decimal.
        account_id = int(account_id)
        key = (account_id, snapshot.catalog.version, snapshot.security)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        account = load_account(connection, snapshot.catalog, account_id)
        with self._lock:
            self._known[key] = account
            while len(self._known) > CACHED_ACCOUNTS:
                self._known.popitem(last=False)
        return account

    def principal_for(
        self, connection: sa.Connection, snapshot: Snapshot, account_id: int
    ) -> Principal | None:
        """Gives an account's principal; None when the account may not act."""
        account = self.account(connection, snapshot, account_id)
        return account.principal if account else None


def load_account(connection: sa.Connection, catalog: Catalog, account_id: int) -> Account | None:
    """Reads an account with its roles, team and the people below it."""
    row = connection.execute(
        sa.select(ab_user.c.password).where(ab_user.c.id == account_id, ab_user.c.active.is_(True))
    ).one_or_none()
    user = find_user(connection, catalog, account_id)
    if row is None or user is None or not user.get("active"):
        return None
    roles = roles_of(connection, account_id)
    language, timezone = user.get("language"), user.get("timezone")
    return Account(
        id=account_id,
        user_id=str(user["id"]),
        username=str(user["username"]),
        name=str(user.get("name") or user["username"]),
        email=str(user.get("email") or ""),
        language=str(language) if language else None,
        timezone=str(timezone) if timezone else None,
        stamp=hashlib.sha256((row.password or "").encode()).hexdigest()[:24],
        principal=make_principal(connection, catalog, user, roles),
        permissions=permissions_of(connection, account_id),
    )


def find_user(
    connection: sa.Connection, catalog: Catalog, account_id: int
) -> Mapping[str, object] | None:
    """Gives all fields of the user record behind an account."""
    users = catalog.tables["user"]
    statement = sa.select(users.c.id).where(
        users.c.account == account_id, users.c.deleted_at.is_(None)
    )
    user_id = connection.execute(statement).scalar_one_or_none()
    if user_id is None:
        return None
    moment = Moment(datetime.now(UTC), ZoneInfo("UTC"))
    return Records(catalog, connection, SYSTEM, moment).get("user", user_id)


def roles_of(connection: sa.Connection, account_id: int) -> frozenset[str]:
    """Gives the API names of an account's roles."""
    names = sa.select(ab_role.c.name).where(ab_role.c.id.in_(role_ids(account_id)))
    return frozenset(connection.execute(names).scalars())


def permissions_of(connection: sa.Connection, account_id: int) -> frozenset[tuple[str, str]]:
    """Gives Flask-AppBuilder's permissions of an account."""
    statement = (
        sa.select(ab_permission.c.name, ab_view_menu.c.name)
        .select_from(ab_permission_view_role)
        .join(
            ab_permission_view,
            ab_permission_view.c.id == ab_permission_view_role.c.permission_view_id,
        )
        .join(ab_permission, ab_permission.c.id == ab_permission_view.c.permission_id)
        .join(ab_view_menu, ab_view_menu.c.id == ab_permission_view.c.view_menu_id)
        .where(ab_permission_view_role.c.role_id.in_(role_ids(account_id)))
    )
    return frozenset((permission, view) for permission, view in connection.execute(statement))


def make_principal(
    connection: sa.Connection,
    catalog: Catalog,
    user: Mapping[str, object],
    roles: frozenset[str],
) -> Principal:
    """Gives what a user may do with each object of the catalog."""
    user_id = str(user["id"])
    held = [catalog.roles[name] for name in sorted(roles) if name in catalog.roles]
    team = user.get("team")
    person = Person(
        id=user_id,
        teams=teams_of(connection, catalog, user_id, str(team) if team else None),
        subtree=people_below(connection, catalog, user_id),
    )
    return Principal(
        name=user_id,
        user=user,
        roles=roles,
        grants=with_relations(
            access_of(held, person, catalog.objects), catalog.objects, catalog.links
        ),
        may_administer=any(role.administer for role in held),
    )


def people_below(connection: sa.Connection, catalog: Catalog, user_id: str) -> frozenset[str]:
    """Gives a user and everybody below in the manager tree."""
    users = catalog.tables["user"]
    tree = (
        sa.select(users.c.id, sa.literal(0).label("depth"))
        .where(users.c.id == user_id)
        .cte("people_below", recursive=True)
    )
    report = users.alias()
    below = (
        sa.select(report.c.id, tree.c.depth + 1)
        .join(tree, report.c.manager == tree.c.id)
        .where(tree.c.depth < MAX_DEPTH)
    )
    people = tree.union(below)
    return frozenset(connection.execute(sa.select(people.c.id)).scalars())


def teams_of(
    connection: sa.Connection, catalog: Catalog, user_id: str, team: str | None
) -> frozenset[str]:
    """Gives the team of a user and the teams that this user manages."""
    teams = catalog.tables["team"]
    managed = connection.execute(
        sa.select(teams.c.id).where(teams.c.manager == user_id, teams.c.deleted_at.is_(None))
    ).scalars()
    return frozenset({*managed, *([team] if team else [])})
