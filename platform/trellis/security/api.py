"""Tokens for API clients: Flask-AppBuilder's login with our form of errors."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeGuard

from flask import Response, jsonify, request
from flask_appbuilder.api import expose
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

    @expose("/login", methods=["POST"])
    def login(self) -> Response:
        """Logs somebody in; texts with halves of letters, which nothing can be made of, are
        refused before anybody looks at them."""
        body = request.get_json(silent=True) if request.is_json else None
        texts = [one for one in body.values() if isinstance(one, str)] if is_object(body) else []
        if not all(map(is_text, texts)):
            return self.response_400()
        answer: Response = super().login()
        return answer

    def response_400(self, message: object = None) -> Response:
        """Says what of the body cannot be used."""
        detail = message if isinstance(message, str) else describe(message)
        return problem_response(400, detail or "The body cannot be read.")

    def response_401(self) -> Response:
        """Says no in the same words for an unknown user, a wrong password and a locked user."""
        return problem_response(401, "User name or password is wrong.", "login_failed")


def is_object(body: object) -> TypeGuard[Mapping[str, object]]:
    """Says whether a body is a JSON object."""
    return isinstance(body, Mapping)


def is_text(text: str) -> bool:
    """Says whether a text can be written in UTF-8: JSON can name halves of letters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe(messages: object) -> str:
    """Gives marshmallow's messages per key as one sentence."""
    if not isinstance(messages, dict):
        return ""
    return "; ".join(
        f"{key}: {' '.join(map(str, found)) if isinstance(found, list) else found}"
        for key, found in sorted(messages.items())
    )
