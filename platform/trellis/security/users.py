"""Users: the one place that writes Flask-AppBuilder's account and the user record together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import uuid_utils
from werkzeug.security import generate_password_hash

from metadata.catalog import Catalog
from metadata.coerce import coerce
from metadata.columns import to_columns
from metadata.computed.incremental import Change, recompute
from metadata.computed.outside import outside
from metadata.computed.reads import PRESENT
from metadata.fields.base import UTC as UTC_ZONE
from metadata.problems import Problem, sentence
from metadata.roles import incompatible
from metadata.search.entries import reindex
from trellis.security.administrators import administers, keep_administrator
from trellis.security.open_sessions import end_sessions
from trellis.security.tables import ab_group_role, ab_role, ab_user, ab_user_group, ab_user_role

MIN_PASSWORD_LENGTH = 8
ROLE_SEPARATOR = ", "


class UserError(Exception):
    """What was asked for cannot be done; `problems` says all of it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{problem.path}: {sentence(problem)}" for problem in problems))


@dataclass(frozen=True, slots=True)
class Listed:
    """A user as lists of the command line show one."""

    id: str
    username: str
    name: str
    email: str
    active: bool
    roles: str


def create_user(
    connection: sa.Connection,
    catalog: Catalog,
    values: Mapping[str, object],
    *,
    password: str,
    roles: Iterable[str] = (),
    by: str | None = None,
) -> str:
    """Makes a user who may log in; gives the id in records.

    `values` are fields of the object `user` in wire form; `by` is the id of who makes the user.
    Raises UserError with every problem found.
    """
    definition = catalog.objects["user"]
    coerced, problems = coerce(definition, values, partial=False)
    wanted = sorted(set(roles))
    problems = [
        *problems,
        *wrong_roles(catalog, wanted),
        *taken_names(connection, catalog, coerced),
    ]
    if problems:
        raise UserError(problems)
    account_id = insert_account(connection, coerced, hash_password(password))
    user_id = str(uuid_utils.uuid7())
    now = datetime.now(UTC)
    row = {
        **coerced,
        "id": user_id,
        "account": account_id,
        "roles": ROLE_SEPARATOR.join(wanted) or None,
        "version": 1,
        "created_at": now,
        "created_by": by,
        "updated_at": now,
        "updated_by": by,
    }
    users = catalog.tables["user"]
    connection.execute(sa.insert(users).values(to_columns(connection, definition, user_id, row)))
    write_roles(connection, account_id, wanted)
    follow_user(connection, catalog, user_id, {PRESENT})
    return user_id


def update_account(connection: sa.Connection, catalog: Catalog, user_id: str) -> None:
    """Brings the account in line with the user record after a save of the record.

    The sessions of who is locked out are over for good, also when she is let in again. Raises
    Conflict when she was the last one who could administer.
    """
    users = catalog.tables["user"]
    chosen = sa.select(users).where(users.c.id == user_id)
    user = connection.execute(chosen).one()
    account_id, is_active = int(user.account), bool(user.active) and user.deleted_at is None
    mine = ab_user.c.id == account_id
    locks = not is_active and connection.scalar(sa.select(ab_user.c.active).where(mine))
    connection.execute(
        sa.update(ab_user)
        .where(mine)
        .values(
            username=user.username,
            email=user.email,
            first_name=user.name[:64],
            active=is_active,
        )
    )
    if is_active:
        return
    end_sessions(connection, account_id)
    if locks and administers(connection, catalog, account_id):
        keep_administrator(connection, catalog, "" if user.deleted_at else "/active")


def set_active(connection: sa.Connection, catalog: Catalog, user_id: str, *, active: bool) -> None:
    """Lets a user in, or puts her out of every session at once.

    Raises Conflict when she was the last one who could administer.
    """
    change_record(connection, catalog, user_id, {"active": active})
    update_account(connection, catalog, user_id)


def set_roles(
    connection: sa.Connection, catalog: Catalog, user_id: str, roles: Iterable[str]
) -> None:
    """Gives a user exactly these roles, by API name, beside those of her groups.

    Raises UserError for unknown ones, and for those that may not be held together.
    """
    wanted = sorted(set(roles))
    account_id = account_of(connection, catalog, user_id)
    of_groups = connection.scalars(
        sa.select(ab_role.c.name)
        .join(ab_group_role, ab_group_role.c.role_id == ab_role.c.id)
        .join(ab_user_group, ab_user_group.c.group_id == ab_group_role.c.group_id)
        .where(ab_user_group.c.user_id == account_id)
    ).all()
    held = [name for name in of_groups if name in catalog.roles and name not in wanted]
    if problems := wrong_roles(catalog, [*wanted, *held]):
        raise UserError(problems)
    change_record(connection, catalog, user_id, {"roles": ROLE_SEPARATOR.join(wanted) or None})
    write_roles(connection, account_id, wanted)


def set_language(connection: sa.Connection, catalog: Catalog, user_id: str, language: str) -> None:
    """Remembers the language somebody wants the pages in."""
    change_record(connection, catalog, user_id, {"language": language})


def set_channel(connection: sa.Connection, catalog: Catalog, user_id: str, channel: str) -> None:
    """Remembers by what somebody wants to be told: "in_app", or "email" for mail too."""
    change_record(connection, catalog, user_id, {"notify_by": channel})


def channel_of(connection: sa.Connection, catalog: Catalog, user_id: str) -> str:
    """Gives by what somebody wants to be told."""
    users = catalog.tables["user"]
    chosen = sa.select(users.c.notify_by).where(users.c.id == user_id)
    return str(connection.execute(chosen).scalar_one() or "in_app")


def set_password(connection: sa.Connection, catalog: Catalog, user_id: str, password: str) -> None:
    """Changes a password; sessions and tokens made with the old one are void.

    Raises UserError when the password is too short.
    """
    if problems := weak_password(password):
        raise UserError(problems)
    account_id = account_of(connection, catalog, user_id)
    end_sessions(connection, account_id)
    connection.execute(
        sa.update(ab_user)
        .where(ab_user.c.id == account_id)
        .values(password=hash_password(password), changed_on=local_now())
    )


def user_names(
    connection: sa.Connection, catalog: Catalog, user_ids: Collection[str]
) -> dict[str, str]:
    """Gives user names by id, deleted users' too; ids of nobody are left out."""
    users = catalog.tables["user"]
    chosen = sa.select(users.c.id, users.c.username).where(users.c.id.in_(user_ids))
    return {row.id: row.username for row in connection.execute(chosen)}


def find_user(connection: sa.Connection, catalog: Catalog, username: str) -> str | None:
    """Gives the id of the user with this user name, active or not."""
    users = catalog.tables["user"]
    statement = sa.select(users.c.id).where(
        users.c.username == username, users.c.deleted_at.is_(None)
    )
    return connection.execute(statement).scalar_one_or_none()


def list_users(connection: sa.Connection, catalog: Catalog) -> list[Listed]:
    """Gives all users, by user name."""
    users = catalog.tables["user"]
    statement = sa.select(users).where(users.c.deleted_at.is_(None)).order_by(users.c.username)
    return [
        Listed(row.id, row.username, row.name, row.email, bool(row.active), row.roles or "")
        for row in connection.execute(statement)
    ]


def hash_password(password: str) -> str:
    """Gives werkzeug's scrypt hash."""
    return generate_password_hash(password, method="scrypt")


def weak_password(password: str) -> list[Problem]:
    """Gives what is wrong with a new password."""
    if len(password) >= MIN_PASSWORD_LENGTH:
        return []
    return [Problem("/password", "password_too_short", {"length": MIN_PASSWORD_LENGTH})]


def wrong_roles(catalog: Catalog, roles: Iterable[str]) -> list[Problem]:
    """Gives a problem for each role that the catalog does not have, and for those that may not
    be held together."""
    wanted, known = list(roles), sorted(catalog.roles)
    held = [catalog.roles[name] for name in wanted if name in catalog.roles]
    return [
        *(
            Problem("/roles", "unknown_role", {"name": name, "known": known})
            for name in wanted
            if name not in catalog.roles
        ),
        *(
            Problem("/roles", "roles_exclude_each_other", {"one": one, "other": other})
            for one, other in incompatible(held)
        ),
    ]


def taken_names(
    connection: sa.Connection, catalog: Catalog, values: Mapping[str, object]
) -> list[Problem]:
    """Gives a problem for a user name or address that somebody has, whatever its case."""
    problems = []
    for name, column in (("username", ab_user.c.username), ("email", ab_user.c.email)):
        value = str(values.get(name) or "")
        taken = sa.select(sa.exists().where(sa.func.lower(column) == value.lower()))
        if value and connection.execute(taken).scalar_one():
            problems.append(Problem(f"/{name}", "unique", {"field": name}))
    return problems


def account_of(connection: sa.Connection, catalog: Catalog, user_id: str) -> int:
    """Gives the account of a user; raises LookupError when there is no such user."""
    users = catalog.tables["user"]
    found = sa.select(users.c.account).where(users.c.id == user_id)
    account_id = connection.execute(found).scalar_one_or_none()
    if account_id is None:
        raise LookupError(f"no user {user_id}")
    return int(account_id)


def insert_account(
    connection: sa.Connection, values: Mapping[str, object], password_hash: str
) -> int:
    """Adds the row by which Flask-AppBuilder logs a user in; gives its id."""
    statement = sa.insert(ab_user).values(
        username=values["username"],
        email=values["email"],
        first_name=str(values["name"])[:64],
        last_name="",
        password=password_hash,
        active=values.get("active", True),
        created_on=local_now(),
        changed_on=local_now(),
        created_by_fk=None,
        changed_by_fk=None,
        login_count=0,
        fail_login_count=0,
    )
    key = connection.execute(statement).inserted_primary_key
    if key is None:
        raise LookupError("ab_user gave no id")
    return int(key[0])


def write_roles(connection: sa.Connection, account_id: int, roles: Iterable[str]) -> None:
    """Gives an account exactly these roles; Flask-AppBuilder's role bears the API name."""
    connection.execute(sa.delete(ab_user_role).where(ab_user_role.c.user_id == account_id))
    for name in roles:
        connection.execute(
            sa.insert(ab_user_role).values(user_id=account_id, role_id=role_id(connection, name))
        )


def role_id(connection: sa.Connection, name: str) -> int:
    """Gives the id of Flask-AppBuilder's role, which is made when it is missing."""
    found = connection.execute(sa.select(ab_role.c.id).where(ab_role.c.name == name)).scalar()
    if found is not None:
        return int(found)
    key = connection.execute(sa.insert(ab_role).values(name=name)).inserted_primary_key
    if key is None:
        raise LookupError("ab_role gave no id")
    return int(key[0])


def change_record(
    connection: sa.Connection, catalog: Catalog, user_id: str, values: Mapping[str, object]
) -> None:
    """Changes fields of a user record and moves its version."""
    users = catalog.tables["user"]
    changed = {**values, "updated_at": datetime.now(UTC)}
    columns = to_columns(connection, catalog.objects["user"], user_id, changed)
    statement = sa.update(users).where(users.c.id == user_id)
    connection.execute(statement.values({**columns, "version": users.c.version + 1}))
    follow_user(connection, catalog, user_id, set(values))


def follow_user(
    connection: sa.Connection, catalog: Catalog, user_id: str, fields: Collection[str]
) -> None:
    """Brings right what is computed from a user, whose own computed fields are among that, and
    what they are found by."""
    changed = Change("user", frozenset({user_id}), frozenset(fields), own=True)
    for row in recompute(connection, catalog, [changed], outside(UTC_ZONE)):
        reindex(connection, catalog, row.object, [row.id])
    reindex(connection, catalog, "user", [user_id])


def local_now() -> datetime:
    """Gives the time as Flask-AppBuilder keeps it: local and without a zone."""
    return datetime.now().astimezone().replace(tzinfo=None)
