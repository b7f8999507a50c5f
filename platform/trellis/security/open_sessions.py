"""Sessions of people who have logged in: rows that can be ended, whoever holds the cookie.

A cookie brings a random key, of which the row keeps a hash. Tokens have no rows: they live an
hour, and end with the epoch of their account.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
import uuid_utils

from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES, Database, insert_once, note_down

IDLE: Final = timedelta(hours=12)
LONGEST: Final = timedelta(days=7)
# How exactly it is written down when a session was seen last: each writing is a commit.
SEEN_RESOLUTION: Final = timedelta(minutes=10)
KEY_BYTES: Final = 32
MAX_SHOWN: Final = 300

login_session = sa.Table(
    "login_session",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("account", sa.Integer, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("begun_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Index("login_session_account", "account"),
    sa.Index("login_session_seen", "seen_at"),
)
"""`address` is where the session was begun from and `agent` what the browser called itself."""

login_epoch = sa.Table(
    "login_epoch",
    SYSTEM_TABLES,
    sa.Column("account", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
)
"""How often all sessions and tokens of an account were ended; no row means never."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that lets its holder in, as its row tells of it."""

    id: str
    account: int
    address: str
    agent: str
    begun_at: datetime
    seen_at: datetime


def begin_session(connection: sa.Connection, account: int, address: str, agent: str) -> str:
    """Begins a session; gives its key, which nobody can find out again."""
    key, now = secrets.token_urlsafe(KEY_BYTES), datetime.now(UTC)
    row = {
        "id": str(uuid_utils.uuid7()),
        "key": digest(key),
        "account": account,
        "address": address[:MAX_SHOWN],
        "agent": agent[:MAX_SHOWN],
        "begun_at": now,
        "seen_at": now,
    }
    connection.execute(sa.insert(login_session).values(row))
    return key


def find_session(connection: sa.Connection, key: str) -> OpenSession | None:
    """Gives the session of a key; None when it has ended, or its time is over."""
    query = sa.select(login_session).where(login_session.c.key == digest(key), is_open())
    row = connection.execute(query).mappings().first()
    return None if row is None else session_of(row)


def list_sessions(connection: sa.Connection, account: int) -> list[OpenSession]:
    """Gives the open sessions of an account, the one that was used last first."""
    query = sa.select(login_session).where(login_session.c.account == account, is_open())
    newest = query.order_by(login_session.c.seen_at.desc(), login_session.c.id.desc())
    return [session_of(row) for row in connection.execute(newest).mappings()]


def note_seen(database: Database, found: OpenSession) -> None:
    """Writes down that a session is in use, if that was not done a moment ago; others go first."""
    now = datetime.now(UTC)
    if now - found.seen_at < SEEN_RESOLUTION:
        return
    seen = sa.update(login_session).where(login_session.c.id == found.id)
    note_down(database, seen.values(seen_at=now), "the use of a session")


def end_session(connection: sa.Connection, account: int, session_id: str) -> bool:
    """Ends one of an account's sessions; says whether there was one."""
    one = sa.delete(login_session).where(
        login_session.c.id == session_id, login_session.c.account == account
    )
    return connection.execute(one).rowcount > 0


def end_key(connection: sa.Connection, key: str) -> None:
    """Ends the session of a key, if it has not ended."""
    connection.execute(sa.delete(login_session).where(login_session.c.key == digest(key)))


def end_sessions(connection: sa.Connection, account: int) -> int:
    """Ends all sessions and tokens of an account; gives how many sessions there were."""
    ended = sa.delete(login_session).where(login_session.c.account == account)
    number = connection.execute(ended).rowcount
    insert_once(connection, login_epoch, "account", {"account": account, "number": 0})
    further = sa.update(login_epoch).where(login_epoch.c.account == account)
    connection.execute(further.values(number=login_epoch.c.number + 1))
    return number


def epoch_of(connection: sa.Connection, account: int) -> int:
    """Gives how often all sessions and tokens of an account were ended."""
    query = sa.select(login_epoch.c.number).where(login_epoch.c.account == account)
    return connection.execute(query).scalar() or 0


def forget_sessions(database: Database) -> int:
    """Deletes sessions whose time is over; gives how many."""
    with database.write() as connection:
        return connection.execute(sa.delete(login_session).where(~is_open())).rowcount


def is_open() -> sa.ColumnElement[bool]:
    """Gives what is true of sessions that are neither idle nor open for too long."""
    now = datetime.now(UTC)
    return sa.and_(login_session.c.seen_at > now - IDLE, login_session.c.begun_at > now - LONGEST)


def session_of(row: sa.RowMapping) -> OpenSession:
    """Gives a session from its row."""
    return OpenSession(**{name: row[name] for name in OpenSession.__slots__})


def digest(key: str) -> str:
    """Gives what a key is known by: says enough of 256 random bits."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
