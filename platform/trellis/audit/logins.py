"""Who came in, who did not, and who left, with the address that it was tried from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa
from flask import request

from trellis import current
from trellis.audit.events import write_event

MAX_NAME = 128


def note_login(kind: Literal["login", "login_failed", "logout"], person: str) -> None:
    """Writes an event in a transaction of its own.

    `person` is a user's id, or for a login that failed the name that was given.
    """
    values = {"address": request.remote_addr or "", "door": f"{request.method} {request.path}"}
    by = person[:MAX_NAME].replace("\0", "") or "-"

    def write(connection: sa.Connection) -> None:
        write_event(connection, kind, by=by, at=datetime.now(UTC), values=values)

    current.platform().database.do(write)
