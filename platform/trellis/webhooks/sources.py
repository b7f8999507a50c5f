"""Messages of others: whether they are signed, and taking them in once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
import uuid_utils

from trellis.db import clock, insert_once
from trellis.records.webhooks import SOURCE
from trellis.runtime import Platform
from trellis.webhooks.endpoints import system_unit
from trellis.webhooks.signing import key_of
from trellis.webhooks.tables import WAITING, webhook_inbox

WINDOW_SECONDS: Final = 300
MAX_BODY: Final = 1024 * 1024
MAX_ID: Final = 200

STANDARD, BODY = "standard", "body"

#: The sources whose signatures hold no time, so that an old message passes as well as a new one.
TIMELESS: Final = 'scheme = "body" or (scheme = "timestamped" and time_header is empty)'


class NotSignedError(Exception):
    """A message that is not signed by its source, or an old one, or to no source at all."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a source signs; names of headers are lower case."""

    kind: str
    secret: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    header: str = "x-signature"
    prefix: str = ""
    time_header: str = ""
    id_header: str = ""


def read_scheme(record: Mapping[str, Any], secret: str) -> Scheme:
    """Gives how a source signs, from its record."""
    kind = str(record["scheme"])
    if kind == STANDARD:
        header, time_header, id_header = "webhook-signature", "webhook-timestamp", "webhook-id"
        return Scheme(kind, secret, "sha256", "base64", header, "v1,", time_header, id_header)
    return Scheme(
        kind=kind,
        secret=secret,
        algorithm=str(record["algorithm"] or "sha256"),
        encoding=str(record["encoding"] or "hex"),
        header=str(record["header"] or "x-signature").lower(),
        prefix=str(record["prefix"] or ""),
        time_header=str(record["time_header"] or "").lower(),
        id_header=str(record["id_header"] or "").lower(),
    )


def message_id(scheme: Scheme, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Gives the id of a message that is signed as it should be. Raises NotSignedError."""
    given = headers.get(scheme.id_header, "")[:MAX_ID] if scheme.id_header else ""
    stamp = headers.get(scheme.time_header, "") if scheme.time_header else ""
    if scheme.time_header and not is_fresh(stamp, now):
        raise NotSignedError
    signed = {
        STANDARD: f"{given}.{stamp}.".encode() + body,
        BODY: body,
    }.get(scheme.kind, f"{stamp}.".encode() + body)
    digest = hmac.new(key_of(scheme.secret), signed, scheme.algorithm).digest()
    wanted = digest.hex() if scheme.encoding == "hex" else base64.b64encode(digest).decode()
    said = headers.get(scheme.header, "")
    tries = said.split() if scheme.kind == STANDARD else [said]
    right = [
        hmac.compare_digest(f"{scheme.prefix}{wanted}".encode(), one.encode()) for one in tries
    ]
    if not any(right) or (scheme.kind == STANDARD and not given):
        raise NotSignedError
    return given or hashlib.sha256(body).hexdigest()


def is_fresh(stamp: str, now: datetime) -> bool:
    """Says whether a time is of the last five minutes, or as little ahead."""
    if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        return False
    return abs(now.timestamp() - int(stamp)) <= WINDOW_SECONDS


def take_in(
    here: Platform, source_id: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> bool:
    """Keeps a message until it is worked through; says whether it was new.

    Raises NotSignedError, in the same way for a source that does not exist.
    """
    with here.database.read() as connection:
        unit = system_unit(here, connection)
        known = SOURCE in unit.catalog.objects
        record = unit.records().get(SOURCE, source_id) if known else None
        secret = unit.records().reveal(SOURCE, source_id, "secret") if record else None
    if record is None or secret is None or record["active"] is not True:
        raise NotSignedError
    found = message_id(read_scheme(record, secret), headers, body, now)

    def keep(connection: sa.Connection) -> bool:
        at = clock(connection)
        row = {
            "id": str(uuid_utils.uuid7()),
            "key": f"{source_id}/{found}",
            "source": source_id,
            "body": body.decode(errors="replace").replace("\0", "\ufffd"),
            "state": WAITING,
            "attempts": 0,
            "available_at": at,
            "received_at": at,
        }
        return insert_once(connection, webhook_inbox, "key", row)

    return here.database.do(keep)
