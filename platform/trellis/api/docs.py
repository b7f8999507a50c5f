"""`/api/docs`: the API of who looks, to read and to try, with Swagger UI from our own bundle."""

from __future__ import annotations

from flask import Blueprint, render_template

from trellis.declared import declares

ADDRESS = "/api/docs"

blueprint = Blueprint("api_docs", __name__)


@blueprint.get(ADDRESS)
@declares("", "")
def show_docs() -> str:
    """Answers the page; what it shows is the document of /api/v1/openapi.json."""
    return render_template("api_docs.html")
