"""`/_ui`: every component on one page, for those who build pages and for visual tests.

Only where the application runs in debug mode (FLASK_DEBUG=1).
"""

from __future__ import annotations

from datetime import timedelta

from flask import render_template

from metadata.fields.options import HUES
from trellis import current
from trellis.web.doors import make_blueprint

blueprint = make_blueprint("gallery")


@blueprint.get("/_ui")
def gallery() -> str:
    """Shows all components."""
    return render_template(
        "gallery.html", hues=HUES, earlier=current.moment().now - timedelta(hours=3)
    )
