"""What belongs to the request at hand: its database connection, definitions, person and language.

`begin_request` fills `flask.g`: account and principal; language, zone, connection, snapshot and
moment come there when they are first asked for. Pages and the API take them from here; nothing
below the web layer does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from itertools import count
from typing import TYPE_CHECKING, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from flask import current_app, g, request, session
from flask_login import current_user

from metadata.access import Principal
from metadata.catalog import Catalog
from metadata.query import Moment
from trellis.catalogs import Snapshot
from trellis.retrying import again
from trellis.runtime import Platform
from trellis.security.access import Account
from trellis.security.sessions import brings_token

if TYPE_CHECKING:
    from flask import Flask

LANGUAGES = ("en", "zh")
LOCALES = {"en": "en", "zh": "zh_CN"}

# Endpoints that need neither a database nor a person.
BARE_ENDPOINTS = frozenset({"static", "appbuilder.static", "health.healthz", "health.readyz"})

# Views of Flask-AppBuilder that need no login; our own are marked by `public`.
PUBLIC_ENDPOINTS = BARE_ENDPOINTS | {
    "LoginView.login",
    "LoginView.logout",
    "SecurityApi.login",
    "SecurityApi.refresh",
}

View = TypeVar("View", bound=Callable[..., object])


def platform(app: Flask | None = None) -> Platform:
    """Gives the platform of the application."""
    found: Platform = (app or current_app).extensions["trellis"]
    return found


def public(view: View) -> View:
    """Marks a view that needs no login; all others do."""
    view.is_public = True  # type: ignore[attr-defined]  # functions take attributes
    return view


def is_public() -> bool:
    """Says whether the view of this request needs no login."""
    view = current_app.view_functions.get(request.endpoint or "")
    return view is None or getattr(view, "is_public", False) or request.endpoint in PUBLIC_ENDPOINTS


def begin_request() -> None:
    """Finds out who asks: by the token that came, else by the session."""
    if request.endpoint in BARE_ENDPOINTS:
        return
    if brings_token(request):
        person = current_app.extensions["appbuilder"].sm.load_from_token(request)
    else:
        person = current_user._get_current_object()
    known = person if person is not None and person.is_authenticated else None
    g.account, g.principal = known, known.principal if known else None


def look_again() -> None:
    """Ends what the request has read so far: the next reading sees what was written meanwhile."""
    end_request()
    for name in ("snapshot", "moment"):
        g.pop(name, None)


def note_written() -> None:
    """Notes that a transaction of this request has been committed."""
    g.has_written = True


def repeating(view: View) -> View:
    """Gives a view that is called again when the database breaks its transaction off.

    One that has written by then is not: what it did would be done twice.
    """

    @wraps(view)
    def repeated(*arguments: object, **named: object) -> object:
        tries = count()

        def once() -> object:
            if next(tries):
                for sent in request.files.values():
                    sent.stream.seek(0)
                look_again()
            return view(*arguments, **named)

        return again(once, may_repeat=lambda: not g.get("has_written"))

    return cast("View", repeated)


def end_request(_error: BaseException | None = None) -> None:
    """Gives the connection back."""
    opened: sa.Connection | None = g.pop("connection", None)
    if opened is not None:
        opened.close()


def opened() -> sa.Connection | None:
    """Gives the request's connection, if it has one already."""
    found: sa.Connection | None = g.get("connection")
    return found


def connection() -> sa.Connection:
    """Gives the request's connection for reading, opened when it is first asked for."""
    found = opened()
    if found is None:
        found = g.connection = platform().database.open()
    return found


def snapshot() -> Snapshot:
    """Gives definitions and security version as the request began with them."""
    found: Snapshot | None = g.get("snapshot")
    if found is None:
        found = g.snapshot = platform().catalogs.snapshot(connection())
    return found


def catalog() -> Catalog:
    """Gives the definitions that the request began with."""
    return snapshot().catalog


def account() -> Account | None:
    """Gives who is logged in; None for somebody unknown."""
    found: Account | None = g.account
    return found


def principal() -> Principal:
    """Gives who acts. Only for what is behind a login."""
    found: Principal | None = g.principal
    if found is None:
        raise PermissionError("nobody is logged in")
    return found


def language() -> str:
    """Gives the reader's language: en or zh."""
    if "language" not in g:
        g.language = choose_language(g.get("account"))
    found: str = g.language
    return found


def zone() -> ZoneInfo:
    """Gives the reader's time zone."""
    if "zone" not in g:
        g.zone = choose_zone(g.get("account"))
    found: ZoneInfo = g.zone
    return found


def moment() -> Moment:
    """Gives the request's only clock, in the organisation's time zone."""
    if "moment" not in g:
        g.moment = Moment(datetime.now(UTC), zone_of_organisation())
    found: Moment = g.moment
    return found


def load_account(account_id: int) -> Account | None:
    """Gives an active account, from memory unless users or definitions have changed."""
    return platform().accounts.account(connection(), snapshot(), account_id)


def choose_language(person: Account | None) -> str:
    """Gives the language that somebody chose, else the one the browser asks for."""
    chosen = person.language if person else None
    chosen = chosen or session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    offered = request.accept_languages.best_match(LANGUAGES)
    return offered or platform().settings.language


def choose_zone(person: Account | None) -> ZoneInfo:
    """Gives somebody's own time zone, else the organisation's."""
    try:
        return ZoneInfo(person.timezone) if person and person.timezone else zone_of_organisation()
    except (ZoneInfoNotFoundError, ValueError):
        return zone_of_organisation()


def zone_of_organisation() -> ZoneInfo:
    """Gives the organisation's time zone."""
    return platform().settings.zone


def locale() -> str:
    """Gives the locale for Flask-Babel."""
    return LOCALES.get(language(), "en")
