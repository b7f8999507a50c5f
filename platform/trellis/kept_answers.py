"""Answers of the API that are kept by idempotency key, so that nothing is done twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from metadata.encryption import Cipher, Place
from rule_engine.columns import Instant
from trellis.config import Settings
from trellis.db import SYSTEM_TABLES, Database

KEPT: Final = timedelta(hours=25)
"""How long an answer is kept: a day, and some time for clocks that disagree."""

kept_answer = sa.Table(
    "kept_answer",
    SYSTEM_TABLES,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("headers", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("shown", sa.Text),
    sa.Index("kept_answer_at", "at"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be done once: whose it is (`scope`) and what it asks for, as digests."""

    scope: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered; `shown` is what the read audit is told of it, as JSON."""

    fingerprint: str
    status: int
    headers: Mapping[str, str]
    body: str
    shown: Sequence[Any] = ()


def scope_of(*parts: object) -> str:
    """Gives the digest of what tells requests apart: caller, method, address, key."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


def cipher_for(settings: Settings) -> Cipher:
    """Gives what answers are sealed with: they may hold what is encrypted in its record."""
    secret = hashlib.sha256(f"answers:{settings.secret_key}".encode()).hexdigest()
    return Cipher((*settings.encryption_keys, secret))


def claim(connection: sa.Connection, scope: str) -> bool:
    """Keeps others from doing the same until the transaction ends; False when one is at it.

    On SQLite whoever writes is alone anyway.
    """
    if connection.dialect.name != "postgresql":
        return True
    number = int(scope[:16], 16) - (1 << 63)
    statement = sa.select(sa.func.pg_try_advisory_xact_lock(number))
    return bool(connection.execute(statement).scalar_one())


def find(connection: sa.Connection, scope: str, cipher: Cipher) -> Answered | None:
    """Gives the answer that is kept. Raises EncryptionError when its key is gone."""
    statement = sa.select(kept_answer).where(kept_answer.c.scope == scope)
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    body = cipher.open(row.body, place_of(scope))
    shown = json.loads(row.shown or "[]")
    return Answered(row.fingerprint, row.status, json.loads(row.headers), body, shown)


def keep(
    connection: sa.Connection, asked: Asked, answered: Answered, cipher: Cipher, now: datetime
) -> None:
    """Keeps an answer, in the transaction that did what it tells of."""
    row = {
        "scope": asked.scope,
        "fingerprint": asked.fingerprint,
        "status": answered.status,
        "headers": json.dumps(dict(answered.headers)),
        "body": cipher.seal(answered.body, place_of(asked.scope)),
        "at": now,
        "shown": json.dumps(answered.shown),
    }
    connection.execute(sa.insert(kept_answer).values(row))


def place_of(scope: str) -> Place:
    """Gives the place for which the answer of a request is sealed."""
    return Place("kept_answer", scope, "body")


def purge(database: Database) -> int:
    """Forgets answers whose time is over; says how many."""
    over = sa.delete(kept_answer).where(kept_answer.c.at < datetime.now(UTC) - KEPT)
    with database.write() as connection:
        return connection.execute(over).rowcount
