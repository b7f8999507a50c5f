"""Sessions: a signed cookie for browsers, none at all for callers that bring a token."""

from __future__ import annotations

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

# The names under which a session keeps its key (`open_sessions`) and the stamp of the account.
KEY = "key"
STAMP = "stamp"


def brings_token(request: Request) -> bool:
    """Says whether the caller means to be known by a token; then no cookie counts."""
    return "Authorization" in request.headers


class NoSession(SecureCookieSession):
    """A session that lasts for one request."""


class CookieSessions(SecureCookieSessionInterface):
    """The session of a request with a token is empty, and no cookie is ever set for it.

    So such a request cannot act with a browser's rights and needs no CSRF token.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Reads the cookie, unless a token came."""
        if brings_token(request):
            return NoSession()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Writes the cookie, unless a token came."""
        if not isinstance(session, NoSession):
            super().save_session(app, session, response)
