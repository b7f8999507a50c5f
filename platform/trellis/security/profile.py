"""A person's own settings: profile, password and language."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, session
from flask_babel import gettext, refresh
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response as BaseResponse

from metadata.problems import sentence
from trellis.audit import note
from trellis.current import (
    LANGUAGES,
    account,
    catalog,
    connection,
    language,
    platform,
    public,
)
from trellis.declared import declares
from trellis.mail.optout import opt_in
from trellis.security.access import Account
from trellis.security.devices import devices
from trellis.security.redirects import safe_path
from trellis.security.tables import ab_user
from trellis.security.users import (
    UserError,
    channel_of,
    set_channel,
    set_language,
    set_password,
)
from trellis.security.views import log_in
from trellis.work import writing_now

blueprint = Blueprint("profile", __name__)

CHANNELS = ("in_app", "email")


@blueprint.get("/profile")
@declares("", "")
def profile() -> str:
    """Shows a person's own settings."""
    return shown()


def shown() -> str:
    """Renders the page."""
    person = logged_in()
    return render_template(
        "security/profile.html",
        account=person,
        devices=devices(person.id),
        channel=channel_of(connection(), catalog(), person.user_id),
    )


@blueprint.post("/profile/channel")
@declares("", "")
def change_channel() -> BaseResponse:
    """Has the person told by the bell alone, or by mail too; that undoes having unsubscribed."""
    person, chosen = logged_in(), request.form.get("channel", "")
    if chosen not in CHANNELS:
        abort(422)
    with writing_now() as unit:
        set_channel(unit.connection, unit.catalog, person.user_id, chosen)
        if chosen == "email":
            opt_in(unit.connection, person.email)
    return redirect("/profile")


@blueprint.post("/profile/password")
@declares("", "")
def change_password() -> BaseResponse | tuple[str, int]:
    """Changes the password; all sessions end, and this browser goes on with a new one."""
    person = logged_in()
    old, new = request.form.get("old", ""), request.form.get("new", "")
    if not knows_password(person, old):
        return refuse(gettext("The current password is wrong."))
    try:
        with writing_now() as unit:
            set_password(unit.connection, unit.catalog, person.user_id, new)
            note(unit, "password", object="user", record_ids=[person.user_id])
    except UserError as error:
        return refuse(" ".join(sentence(problem, language()) for problem in error.problems))
    log_in(person.id)
    flash(gettext("Your password is changed."), "success")
    return redirect("/profile")


@blueprint.route("/lang/<code>", methods=["GET", "POST"])
@public
@declares("", "")
def switch_language(code: str) -> Response | BaseResponse:
    """Shows the pages in another language from now on."""
    if code not in LANGUAGES:
        abort(404)
    session["language"] = code
    person = account()
    is_own_click = request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
    if person is not None and person.language != code and is_own_click:
        with platform().database.write() as writing:
            set_language(writing, catalog(), person.user_id, code)
    refresh()
    came_from = request.form.get("next") or request.args.get("next")
    return redirect(safe_path(came_from or own_referrer()))


def own_referrer() -> str | None:
    """Gives the path of the page that a link was clicked on, if it was one of ours."""
    referrer = request.referrer or ""
    return referrer.removeprefix(request.host_url.rstrip("/")) or None


def logged_in() -> Account:
    """Gives who is logged in."""
    person = account()
    if person is None:
        abort(401)
    return person


def knows_password(person: Account, password: str) -> bool:
    """Says whether this is the person's password."""
    stored = (
        connection()
        .execute(sa.select(ab_user.c.password).where(ab_user.c.id == person.id))
        .scalar_one()
    )
    return bool(stored) and check_password_hash(stored, password)


def refuse(message: str) -> tuple[str, int]:
    """Shows the page again with what is wrong."""
    flash(message, "danger")
    return shown(), 422
