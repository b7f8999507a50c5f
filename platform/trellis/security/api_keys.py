"""API keys: made, listed, revoked, found again. Only a keyed hash of them is stored."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from flask import current_app

from metadata.problems import Problem
from metadata.scopes import MAX_SCOPES, Scopes, scope_problems
from trellis.audit import note
from trellis.db import Database, note_down
from trellis.errors import Conflict, Missing, NotAllowed, Refused
from trellis.security.access import Account
from trellis.security.tables import ab_api_key
from trellis.security.users import local_now
from trellis.unit import Unit

PREFIX: Final = "trl_"
SHOWN: Final = 8
KEY_BYTES: Final = 32
MAX_NAME: Final = 120
MAX_KEYS: Final = 50
SEPARATOR: Final = ", "

# How exactly the last use of an API key is written down: each writing is a commit.
USE_RESOLUTION: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its row tells of it. `number` is the row's, `account` the owner's in ab_user.

    `prefix` is what may be shown of the key itself; `scopes` are None for all that its owner does.
    """

    number: int
    id: str
    account: int
    name: str
    prefix: str
    scopes: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def is_valid(self) -> bool:
        """Says whether the key lets anybody in."""
        return self.revoked_at is None and not self.is_expired

    @property
    def is_expired(self) -> bool:
        """Says whether the time of the key is over."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    @property
    def limits(self) -> Scopes | None:
        """Gives what the key is kept to."""
        return None if self.scopes is None else Scopes(frozenset(self.scopes))


def make_key(
    unit: Unit,
    account: Account,
    name: str,
    scopes: Sequence[str] | None,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """Makes a key for somebody; gives it with its text, which nobody can find out again.

    Raises NotAllowed for who comes with a key, Refused with every problem found, and Conflict for
    too many keys.
    """
    by_person(account)
    problems = [*name_problems(name), *scopes_problems(unit, scopes)]
    if expires_at is not None and expires_at <= unit.moment.now:
        problems.append(Problem("/expires_at", "expiry_past"))
    if problems:
        raise Refused(problems)
    if sum(key.is_valid for key in list_keys(unit.connection, account.id)) >= MAX_KEYS:
        raise Conflict([Problem("", "api_keys_full", {"limit": MAX_KEYS})])
    text = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    key_id = str(uuid.uuid4())
    row = {
        "uuid": key_id,
        "name": name.strip(),
        "key_hash": "",
        "lookup_hash": lookup_hash(text),
        "key_prefix": text[:SHOWN],
        "user_id": account.id,
        "scopes": None if scopes is None else SEPARATOR.join(dict.fromkeys(scopes)),
        "active": True,
        "created_on": local_now(),
        "expires_on": None if expires_at is None else to_local(expires_at),
    }
    unit.connection.execute(sa.insert(ab_api_key).values(row))
    note(unit, "key_made", values={"key": key_id, "name": row["name"], "scopes": row["scopes"]})
    return get_key(unit.connection, account.id, key_id), text


def by_person(account: Account) -> None:
    """Raises NotAllowed for who comes with an API key: keys do not make or revoke keys."""
    if account.key is not None:
        raise NotAllowed([Problem("", "api_key_by_person")])


def name_problems(name: str) -> list[Problem]:
    """Gives what is wrong with a key's name."""
    if not name.strip():
        return [Problem("/name", "required")]
    if len(name) > MAX_NAME:
        return [Problem("/name", "max_length", {"limit": MAX_NAME, "length": len(name)})]
    return []


def scopes_problems(unit: Unit, scopes: Sequence[str] | None) -> list[Problem]:
    """Gives what is wrong with scopes; objects that the person does not know are unknown ones."""
    if scopes is None:
        return []
    if not scopes:
        return [Problem("/scopes", "scopes_empty")]
    if len(scopes) > MAX_SCOPES:
        return [Problem("/scopes", "scopes_many", {"limit": MAX_SCOPES})]
    known = [name for name in unit.catalog.objects if unit.principal.access(name).exists]
    return scope_problems(scopes, known)


def list_keys(connection: sa.Connection, account_id: int) -> list[ApiKey]:
    """Gives somebody's keys, the newest first; revoked ones too."""
    statement = sa.select(ab_api_key).where(ab_api_key.c.user_id == account_id)
    newest = statement.order_by(ab_api_key.c.created_on.desc(), ab_api_key.c.id.desc())
    return [key_of(row) for row in connection.execute(newest)]


def get_key(connection: sa.Connection, account_id: int, key_id: str) -> ApiKey:
    """Gives one of somebody's keys. Raises Missing for every other."""
    statement = sa.select(ab_api_key).where(
        ab_api_key.c.user_id == account_id, ab_api_key.c.uuid == key_id
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise Missing([Problem("", "missing_api_key")])
    return key_of(row)


def revoke_key(unit: Unit, account: Account, key_id: str) -> None:
    """Makes one of somebody's keys useless at once; one that is already stays as it is.

    Raises Missing, and NotAllowed for who comes with a key.
    """
    by_person(account)
    key = get_key(unit.connection, account.id, key_id)
    if key.revoked_at is None:
        chosen = sa.update(ab_api_key).where(ab_api_key.c.id == key.number)
        unit.connection.execute(chosen.values(revoked_on=local_now(), active=False))
        note(unit, "key_revoked", values={"key": key.id, "name": key.name})


def lookup_hash(text: str) -> str:
    """Gives the keyed hash by which a key is found.

    It says enough of 256 random bits; the slow hash that Flask-AppBuilder keeps beside it would
    take 100 ms on every request.
    """
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hashlib.scrypt(text.encode(), salt=secret, n=2, r=1, p=1, dklen=32).hex()


def find_key(connection: sa.Connection, lookup: str) -> ApiKey | None:
    """Gives the key with this hash, be it valid or not."""
    statement = sa.select(ab_api_key).where(ab_api_key.c.lookup_hash == lookup)
    row = connection.execute(statement).one_or_none()
    return None if row is None else key_of(row)


def note_use(database: Database, key: ApiKey) -> None:
    """Writes down that a key was used, if that was not done a moment ago; others go first."""
    now = datetime.now(UTC)
    if key.last_used_at is not None and now - key.last_used_at < USE_RESOLUTION:
        return
    used = sa.update(ab_api_key).where(ab_api_key.c.id == key.number)
    note_down(database, used.values(last_used_on=local_now()), "the use of an API key")


def key_of(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    """Gives a key from its row; one that Flask-AppBuilder switched off counts as revoked."""
    revoked = from_local(row.revoked_on)
    created = from_local(row.created_on) or datetime.min.replace(tzinfo=UTC)
    patterns = None if row.scopes is None else tuple(row.scopes.split(SEPARATOR))
    return ApiKey(
        number=row.id,
        id=row.uuid,
        account=row.user_id,
        name=row.name,
        prefix=row.key_prefix,
        scopes=patterns,
        created_at=created,
        expires_at=from_local(row.expires_on),
        revoked_at=revoked if row.active else revoked or created,
        last_used_at=from_local(row.last_used_on),
    )


def to_local(instant: datetime) -> datetime:
    """Gives an instant as Flask-AppBuilder keeps it: local and without a zone."""
    return instant.astimezone().replace(tzinfo=None)


def from_local(stored: datetime | None) -> datetime | None:
    """Gives an instant that Flask-AppBuilder keeps, in UTC."""
    return None if stored is None else stored.astimezone(UTC)
