"""The web application: everything is put together here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Flask, g, redirect, request
from flask_wtf import CSRFProtect
from werkzeug.exceptions import Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from trellis import api, assets, health, web
from trellis.api.idempotency import install_idempotency
from trellis.audit.requests import install_read_audit
from trellis.config import Settings
from trellis.current import begin_request, end_request, is_public, repeating
from trellis.faults import answer_refusal, install_faults
from trellis.files.requests import FileRequest, allow_uploads
from trellis.headers import install_headers
from trellis.rates import install_rates
from trellis.runtime import Platform, open_platform
from trellis.security import key_pages, profile, session_pages
from trellis.security.builder import install_builder
from trellis.security.open_sessions import LONGEST
from trellis.security.preview import refuse_writes
from trellis.security.sessions import CookieSessions, brings_token

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_FORM_BYTES = 4 * 1024 * 1024
MAX_FORM_PARTS = 2_000

API = "/api/"

Function = Callable[..., Any]


class Application(Flask):
    """Flask, told what it would otherwise ask at every request."""

    request_class = FileRequest

    def ensure_sync(self, func: Function) -> Function:
        """Gives a function as it is: none of ours is a coroutine."""
        return func


def create_app(
    settings: Settings, *, platform: Platform | None = None, set_up: bool = False
) -> Flask:
    """Makes the application of an instance.

    `platform` is shared with the caller when given. `set_up` makes Flask-AppBuilder's tables and
    permissions; only `trellis init` does that, in one process.
    """
    app = Application("trellis", instance_path=str(settings.instance))
    configure(app, settings)
    app.extensions["trellis"] = platform or open_platform(settings)
    app.before_request(allow_uploads)
    app.before_request(begin_request)
    app.teardown_request(end_request)
    csrf = CSRFProtect(app)
    install_builder(app, settings, set_up=set_up)
    install_rates(app, settings)
    app.before_request(lambda: keep_out(csrf))
    app.before_request(refuse_writes)
    install_read_audit(app)
    install_headers(app)
    install_faults(app)
    assets.install(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(profile.blueprint)
    app.register_blueprint(key_pages.blueprint)
    app.register_blueprint(session_pages.blueprint)
    api.install(app)
    web.install(app)
    install_idempotency(app)
    for name, view in app.view_functions.items():
        app.view_functions[name] = repeating(view)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]  # Flask's way
    return app


def configure(app: Flask, settings: Settings) -> None:
    """Sets what Flask and its extensions read from the configuration."""
    app.session_interface = CookieSessions()
    app.config.update(
        SECRET_KEY=settings.secret_key,
        JWT_SECRET_KEY=f"jwt:{settings.secret_key}",
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(hours=1),
        JWT_TOKEN_LOCATION=["headers"],
        SESSION_COOKIE_NAME="trellis",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=LONGEST,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="en",
        BABEL_DEFAULT_TIMEZONE=settings.timezone,
    )


def keep_out(csrf: CSRFProtect) -> BaseResponse | None:
    """Turns away who is not logged in, and browsers that were sent by another site."""
    if is_public():
        if not brings_token(request):
            csrf.protect(apply_exemptions=True)
        return None
    if g.account is None:
        return ask_for_login()
    if not brings_token(request):
        csrf.protect()
    return None


def ask_for_login() -> BaseResponse:
    """Answers 401 to programs and leads browsers to the login page."""
    if request.path.startswith(API):
        response = answer_refusal(Unauthorized())
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    target = request.full_path.removesuffix("?") if request.method == "GET" else "/"
    address = f"/login?next={quote(target, safe='/')}"
    if request.headers.get("HX-Request"):
        return BaseResponse(status=401, headers={"HX-Redirect": address})
    return redirect(address)
