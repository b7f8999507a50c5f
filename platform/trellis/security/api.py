"""Tokens for API clients: Flask-AppBuilder's login with our form of errors."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, jsonify
from flask_appbuilder.security.api import SecurityApi as FabSecurityApi


def problem_response(status: int, detail: str, code: str = "") -> Response:
    """Gives an error as problem JSON (RFC 9457)."""
    title = HTTPStatus(status).phrase
    body: dict[str, object] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": [
            {"path": "", "code": code or title.lower().replace(" ", "_"), "message": detail}
        ],
    }
    response = jsonify(body)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


class SecurityApi(FabSecurityApi):
    """`POST /api/v1/security/login` and `…/refresh`."""

    def response_400(self, message: object = None) -> Response:
        """Says what of the body cannot be used."""
        detail = message if isinstance(message, str) else describe(message)
        return problem_response(400, detail or "The body cannot be read.")

    def response_401(self) -> Response:
        """Says no in the same words for an unknown user, a wrong password and a locked user."""
        return problem_response(401, "User name or password is wrong.", "login_failed")


def describe(messages: object) -> str:
    """Gives marshmallow's messages per key as one sentence."""
    if not isinstance(messages, dict):
        return ""
    return "; ".join(
        f"{key}: {' '.join(map(str, found)) if isinstance(found, list) else found}"
        for key, found in sorted(messages.items())
    )
