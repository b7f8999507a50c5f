"""Ending a preview: back to the administrator's own eyes."""

from __future__ import annotations

from flask import redirect
from werkzeug.wrappers import Response

from trellis import current
from trellis.declared import declares
from trellis.security.preview import end
from trellis.web.doors import make_blueprint
from trellis.work import writing

blueprint = make_blueprint("preview", "/preview")


@blueprint.post("/end", endpoint="end")
@declares("", "")
def end_preview() -> Response:
    """Ends the preview and leads back to setup."""
    account = current.account()
    real = account.real if account is not None else None
    if real is not None:
        with writing(current.platform(), real.id) as unit:
            end(unit)
        current.note_written()
    return redirect("/setup/people")
