"""The JSON door: `/api/v1`, and the schemas that editors complete definitions with."""

from __future__ import annotations

from flask import Flask

from trellis.api import actions, meta, records, schemas
from trellis.api.blueprint import API, META

__all__ = ["install"]

# Their routes are on the blueprints once they are imported.
ROUTES = (actions, meta, records)


def install(app: Flask) -> None:
    """Adds the routes to the application."""
    app.register_blueprint(META)
    app.register_blueprint(API)
    app.register_blueprint(schemas.blueprint)
