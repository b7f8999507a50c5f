"""`/healthz` and `/readyz`: for what watches over the processes."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, jsonify

from metadata.store import read_versions
from trellis.current import platform
from trellis.declared import declares
from trellis.runtime import Platform
from trellis.upkeep import Readiness

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
        problems = readiness().problems(platform)
    except sa.exc.SQLAlchemyError:
        return "not reachable, or not set up: run `trellis init`"
    return "; ".join(problems) or "ok"


def readiness() -> Readiness:
    """Gives what this process knows about its tables."""
    found: Readiness = current_app.extensions.setdefault("trellis_readiness", Readiness())
    return found


def redis_state(platform: Platform) -> str:
    """Gives "ok", "none" without Redis, or what is wrong with it."""
    if platform.settings.redis_url is None:
        return "none"
    return "ok" if platform.wake_ups.answers() else "not reachable"
