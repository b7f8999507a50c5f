"""The JSON door: `/api/v1`, and the schemas that editors complete definitions with."""

from __future__ import annotations

from flask import Flask

from trellis.api import actions, files, meta, meta_changes, packages, records, schemas
from trellis.api.blueprint import API, FILES, META, PACKAGES

__all__ = ["install"]

# Their routes are on the blueprints once they are imported.
ROUTES = (actions, files, meta, meta_changes, packages, records)


def install(app: Flask) -> None:
    """Adds the routes to the application."""
    app.register_blueprint(META)
    app.register_blueprint(PACKAGES)
    app.register_blueprint(FILES)
    app.register_blueprint(API)
    app.register_blueprint(schemas.blueprint)
