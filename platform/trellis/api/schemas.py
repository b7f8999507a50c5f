"""`/schemas/<name>.json`: the JSON Schemas of definitions, for editors and other tools."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint, Response, abort

from trellis.current import public
from trellis.declared import declares

blueprint = Blueprint("schemas", __name__)


@blueprint.get("/schemas/<name>.json")
@public
@declares("", "")
def get_schema(name: str) -> Response:
    """Answers a schema as it is in the package."""
    folder = files("metadata").joinpath("schemas")
    known = {item.name for item in folder.iterdir()}
    if f"{name}.json" not in known:
        abort(404)
    text = folder.joinpath(f"{name}.json").read_text("utf-8")
    return Response(text, content_type="application/schema+json")
