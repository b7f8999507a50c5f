"""The read audit of requests: what was read is written before the answer leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from flask import Flask, Response, g, request

from trellis import current
from trellis.audit.reads import Witness


def witness() -> Witness:
    """Gives the one that remembers what this request reads."""
    if "witness" not in g:
        g.witness = Witness()
    found: Witness = g.witness
    return found


def install_read_audit(app: Flask) -> None:
    """Has what each request read written in a transaction of its own, when its answer is made."""

    @app.after_request
    def write_reads(response: Response) -> Response:
        seen: Witness | None = g.pop("witness", None)
        if seen is None or not seen.seen:
            return response
        at, account = datetime.now(UTC), current.account()
        looks = account.real if account is not None else None
        by = current.principal().name if looks is None else looks.principal.name
        door = f"{request.method} {request.url_rule}"

        def write(connection: sa.Connection) -> None:
            seen.write(connection, by, at, door)

        # Its lock is waited for by nobody who reads.
        current.platform().database.do(write)
        return response
