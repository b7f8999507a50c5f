"""The JSON door: `/api/v1`, and the schemas that editors complete definitions with."""

from __future__ import annotations

from flask import Flask

from trellis.api import (
    absences,
    aggregate,
    api_keys,
    approvals,
    background,
    bulk,
    changes,
    docs,
    duplicates,
    files,
    history,
    meta,
    meta_changes,
    open_clocks,
    openapi,
    packages,
    readers,
    record_actions,
    records,
    rules,
    schemas,
    scores,
    search,
    service_levels,
    shares,
    transfer,
    upsert,
)
from trellis.api.blueprint import API, FILES, META, PACKAGES

__all__ = ["install"]

# Their routes are on the blueprints once they are imported.
ROUTES = (
    absences,
    aggregate,
    api_keys,
    approvals,
    background,
    bulk,
    changes,
    duplicates,
    files,
    history,
    meta,
    meta_changes,
    open_clocks,
    openapi,
    packages,
    readers,
    record_actions,
    records,
    rules,
    scores,
    search,
    service_levels,
    shares,
    transfer,
    upsert,
)


def install(app: Flask) -> None:
    """Adds the routes to the application."""
    app.register_blueprint(META)
    app.register_blueprint(PACKAGES)
    app.register_blueprint(FILES)
    app.register_blueprint(API)
    app.register_blueprint(schemas.blueprint)
    app.register_blueprint(docs.blueprint)
