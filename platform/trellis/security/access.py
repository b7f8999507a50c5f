"""Who acts: accounts with their rights, kept as long as neither users nor definitions change."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import SYSTEM, Principal
from metadata.catalog import Catalog
from metadata.query import Moment, Records
from metadata.relation_rights import with_relations
from metadata.roles import Person, RoleDefinition, access_of, incompatible
from metadata.scopes import Scopes, limited
from rule_engine.types import Memberships
from trellis.catalogs import Snapshot
from trellis.security.open_sessions import epoch_of
from trellis.security.standing import Standing
from trellis.security.tables import (
    ab_permission,
    ab_permission_view,
    ab_permission_view_role,
    ab_role,
    ab_user,
    ab_view_menu,
    accounts_roles,
    role_ids,
)

# How many accounts a process remembers.
CACHED_ACCOUNTS = 5_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in now, as of one version of users and definitions.

    Flask-Login and Flask-AppBuilder take it as their user. `id` is ab_user's, `user_id` the one in
    records. `stamp` changes with the password, and when all logins are ended: sessions and tokens
    made before are void.
    `permissions` are Flask-AppBuilder's pairs of permission and view. `until` is the first day on
    which all this may be otherwise; None for no day that is known. `key` is the id of the API key
    that speaks for the account, which is kept to `scopes`. `real` is the administrator who only
    looks with this account's eyes; None for the person herself.
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
    until: date | None = None
    key: int | None = None
    scopes: Scopes | None = None
    real: Account | None = None

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
    """The accounts of an installation. A remembered one costs no SQL; thread-safe.

    `today` gives the day in the organisation's zone.
    """

    def __init__(self, today: Callable[[], date]) -> None:
        self._today = today
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
            if key in self._known and not self._is_over(self._known[key]):
                self._known.move_to_end(key)
                return self._known[key]
        account = load_account(connection, snapshot.catalog, account_id, self._today())
        with self._lock:
            self._known[key] = account
            while len(self._known) > CACHED_ACCOUNTS:
                self._known.popitem(last=False)
        return account

    def principal_for(
        self,
        connection: sa.Connection,
        snapshot: Snapshot,
        account_id: int,
        scopes: Scopes | None = None,
    ) -> Principal | None:
        """Gives an account's principal, kept to scopes; None when the account may not act."""
        account = self.account(connection, snapshot, account_id)
        if account is None:
            return None
        return limited(account.principal, scopes, snapshot.catalog)

    def _is_over(self, account: Account | None) -> bool:
        """Says whether a day has come that changes what an account may do."""
        until = account.until if account else None
        return until is not None and self._today() >= until


def load_account(
    connection: sa.Connection, catalog: Catalog, account_id: int, today: date
) -> Account | None:
    """Reads an account with its roles, and where it stands today."""
    row = connection.execute(
        sa.select(ab_user.c.password).where(ab_user.c.id == account_id, ab_user.c.active.is_(True))
    ).one_or_none()
    user = find_user(connection, catalog, account_id)
    if row is None or user is None or not user.get("active"):
        return None
    roles = roles_of(connection, account_id)
    language, timezone, team = (user.get(name) for name in ("language", "timezone", "team"))
    standing = Standing(connection, catalog, today)
    person = standing.person(str(user["id"]), str(team) if team else None, datetime.now(UTC))
    return Account(
        id=account_id,
        user_id=str(user["id"]),
        username=str(user["username"]),
        name=str(user.get("name") or user["username"]),
        email=str(user.get("email") or ""),
        language=str(language) if language else None,
        timezone=str(timezone) if timezone else None,
        stamp=make_stamp(row.password or "", epoch_of(connection, account_id)),
        principal=make_principal(catalog, user, person, roles),
        permissions=permissions_of(connection, account_id),
        until=standing.next_change(),
    )


def make_stamp(password_hash: str, epoch: int) -> str:
    """Gives the stamp of an account in an epoch of its logins."""
    return hashlib.sha256(f"{epoch}:{password_hash}".encode()).hexdigest()[:24]


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


def roles_by_account(
    connection: sa.Connection, account_ids: Collection[int]
) -> dict[int, frozenset[str]]:
    """Gives the API names of the roles of several accounts; those that are locked are left out."""
    wanted = ab_user.c.id.in_(sorted(account_ids))
    active = sa.select(ab_user.c.id).where(wanted, ab_user.c.active.is_(True))
    found: dict[int, set[str]] = {key: set() for key in connection.execute(active).scalars()}
    held = accounts_roles().subquery()
    names = (
        sa.select(held.c.user_id, ab_role.c.name)
        .join(ab_role, ab_role.c.id == held.c.role_id)
        .where(held.c.user_id.in_(sorted(found)))
    )
    for account_id, name in connection.execute(names):
        found[account_id].add(name)
    return {account_id: frozenset(roles) for account_id, roles in found.items()}


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
    catalog: Catalog, user: Mapping[str, object], person: Person, roles: frozenset[str]
) -> Principal:
    """Gives what a user who stands where `person` says may do with each object of the catalog."""
    held = held_roles(catalog, roles)
    return Principal(
        name=person.id,
        user=user,
        roles=roles,
        grants=with_relations(
            access_of(held, person, catalog.objects), catalog.objects, catalog.links
        ),
        may_administer=any(role.administer for role in held),
        memberships=Memberships(frozenset(role.name for role in held), person.team_names),
    )


def held_roles(catalog: Catalog, roles: Collection[str]) -> list[RoleDefinition]:
    """Gives the roles that count, by name: of those that exclude each other none does."""
    held = [catalog.roles[name] for name in sorted(roles) if name in catalog.roles]
    refused = {name for pair in incompatible(held) for name in pair}
    if refused:
        logger.warning("roles that exclude each other do not count: %s", ", ".join(sorted(refused)))
    return [role for role in held if role.name not in refused]
