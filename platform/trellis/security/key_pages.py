"""`/profile/keys`: a person's own API keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
)
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from metadata.problems import Problem, sentence
from trellis import current
from trellis.declared import declares
from trellis.errors import Missing, RecordError
from trellis.security.api_keys import ApiKey, list_keys, make_key, revoke_key
from trellis.security.profile import logged_in
from trellis.work import writing_now

blueprint = Blueprint("api_keys", __name__)

LIVES: Final[Mapping[str, int]] = {"30": 30, "90": 90, "365": 365, "": 0}
USUAL_LIFE: Final = "90"


@dataclass(frozen=True, slots=True)
class KeyPage:
    """What the page shows: the keys, one that was just made, and a form that was refused."""

    keys: list[ApiKey]
    made: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def lives(self) -> list[tuple[str, str]]:
        """Gives how long a key may live, in words."""
        days = {value: gettext("%(days)s days", days=number) for value, number in LIVES.items()}
        return [*{**days, "365": gettext("One year"), "": gettext("No expiry")}.items()]


@blueprint.get("/profile/keys")
@declares("", "")
def show_keys() -> Response:
    """Shows a person's keys."""
    return shown()


@blueprint.post("/profile/keys")
@declares("", "")
def add_key() -> Response | tuple[Response, int]:
    """Makes a key and shows it, this once."""
    given = {name: request.form.get(name, "") for name in ("name", "scopes", "life")}
    days = LIVES.get(given["life"], LIVES[USUAL_LIFE])
    scopes = [part for part in re.split(r"[\s,;，；]+", given["scopes"]) if part]
    try:
        with writing_now() as unit:
            expires = expiry(unit.moment.now, days)
            made = make_key(unit, logged_in(), given["name"], scopes or None, expires)[1]
    except RecordError as error:
        return shown(given=given, errors=by_field(error.problems)), 422
    return shown(made=made)


@blueprint.post("/profile/keys/<key_id>/revoke")
@declares("", "")
def end_key(key_id: str) -> BaseResponse:
    """Revokes a key; answers 404 for one that is not the person's own."""
    try:
        with writing_now() as unit:
            revoke_key(unit, logged_in(), key_id.replace("\0", ""))
    except Missing:
        abort(404)
    flash(gettext("The key is revoked."), "success")
    return redirect("/profile/keys")


def expiry(now: datetime, days: int) -> datetime | None:
    """Gives when a key ends that lives so many days; None for one that does not end."""
    return now + timedelta(days=days) if days else None


def by_field(problems: tuple[Problem, ...]) -> dict[str, list[str]]:
    """Gives what is wrong by the input it is shown at."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        name = problem.path.split("/")[1] if problem.path else "name"
        found.setdefault(name, []).append(sentence(problem, current.language()))
    return found


def shown(
    made: str = "",
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, list[str]] | None = None,
) -> Response:
    """Renders the page; no cache keeps it."""
    keys = list_keys(current.connection(), logged_in().id)
    page = KeyPage(keys, made, given or {"life": USUAL_LIFE}, errors or {})
    response = make_response(render_template("security/keys.html", page=page))
    response.headers["Cache-Control"] = "private, no-store"
    return response
