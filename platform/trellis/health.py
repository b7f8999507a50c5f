"""`/healthz` and `/readyz`: for what watches over the processes."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify

from metadata.store import read_versions
from trellis.current import platform
from trellis.db import SYSTEM_TABLES
from trellis.declared import declares
from trellis.runtime import Platform

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@declares("", "")
def healthz() -> Response:
    """Says that the process serves."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@declares("", "")
def readyz() -> tuple[Response, int]:
    """Says whether database, tables and Redis are right."""
    checks = {"database": database_state(platform()), "redis": redis_state(platform())}
    is_ready = all(state in {"ok", "none"} for state in checks.values())
    return jsonify(status="ok" if is_ready else "not ready", **checks), 200 if is_ready else 503


def database_state(platform: Platform) -> str:
    """Gives "ok", or in a few words what is wrong with the database."""
    try:
        with platform.database.read() as connection:
            if read_versions(connection).catalog == 0:
                return "empty: run `trellis init`"
        missing = platform.database.missing_tables(SYSTEM_TABLES.tables)
    except sa.exc.SQLAlchemyError:
        return "not reachable, or not set up: run `trellis init`"
    return f"tables are missing: {', '.join(missing)}: run `trellis init`" if missing else "ok"


def redis_state(platform: Platform) -> str:
    """Gives "ok", "none" without Redis, or what is wrong with it."""
    if platform.settings.redis_url is None:
        return "none"
    return "ok" if platform.wake_ups.answers() else "not reachable"
