"""What a person does with her sessions: ending them."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect
from flask_babel import gettext
from werkzeug.wrappers import Response

from trellis.audit import note
from trellis.declared import declares
from trellis.security.open_sessions import end_session, end_sessions
from trellis.security.profile import logged_in
from trellis.security.views import log_in
from trellis.work import writing_now

blueprint = Blueprint("sessions", __name__)


@blueprint.post("/profile/sessions/<session_id>/end")
@declares("", "")
def end_one(session_id: str) -> Response:
    """Ends one of the person's own sessions; answers 404 for every other."""
    person = logged_in()
    with writing_now() as unit:
        is_ended = end_session(unit.connection, person.id, session_id.replace("\0", ""))
        if is_ended:
            note(unit, "logout", object="user", record_ids=[person.user_id])
    if not is_ended:
        abort(404)
    flash(gettext("That session is ended."), "success")
    return redirect("/profile")


@blueprint.post("/profile/sessions/end")
@declares("", "")
def end_others() -> Response:
    """Ends all sessions and tokens of the person; this browser goes on with a new session."""
    person = logged_in()
    with writing_now() as unit:
        number = end_sessions(unit.connection, person.id)
        values = {"ended": number}
        note(unit, "logout", object="user", record_ids=[person.user_id], values=values)
    log_in(person.id)
    flash(gettext("You are logged out everywhere else."), "success")
    return redirect("/profile")
