"""Tokens for API clients: Flask-AppBuilder's login with our form of errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

from flask import Response, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.api import SecurityApi as FabSecurityApi

from metadata.json_text import nearest, pointer
from metadata.problems import Problem
from trellis.problem_json import problem_answer, status_problem
from trellis.security.login_body import read_login

PROVIDER: Final = "db"
TEXTS: Final = ("username", "password", "provider")
KNOWN: Final = (*TEXTS, "refresh")


class SecurityApi(FabSecurityApi):
    """`POST /api/v1/security/login` and `…/refresh`."""

    @expose("/login", methods=["POST"])
    def login(self) -> Response:
        """Logs somebody in. What cannot be a login is refused before Flask-AppBuilder looks at it,
        whose sentences are English."""
        if not request.is_json:
            return self.response_400()
        body, problems = read_login()
        if problems:
            return problem_answer(HTTPStatus.BAD_REQUEST, problems)
        problems = list(flaws(body))
        if problems:
            return problem_answer(HTTPStatus.UNPROCESSABLE_ENTITY, problems)
        answer: Response = super().login()
        return answer

    def response_400(self, message: object = None) -> Response:
        """Says that the body cannot be read; the message is English."""
        return problem_answer(HTTPStatus.BAD_REQUEST, [status_problem(HTTPStatus.BAD_REQUEST)])

    def response_401(self) -> Response:
        """Says no in the same words for an unknown user, a wrong password and a locked user."""
        return unauthorized("login_failed")


def unauthorized(code: str) -> Response:
    """Gives the answer for somebody who is not let in, with why."""
    return problem_answer(HTTPStatus.UNAUTHORIZED, [Problem("", code)])


def flaws(body: object) -> Iterator[Problem]:
    """Gives what is wrong with the body of a login."""
    if not isinstance(body, Mapping):
        yield Problem("", "object_expected")
        return
    for name in body:
        if name not in KNOWN:
            values = {"key": name, "known": KNOWN, "nearest": nearest(name, KNOWN)}
            yield Problem(pointer((name,)), "unknown_key", values)
    for name in TEXTS:
        value = body.get(name)
        if value is None or value == "":
            yield Problem(f"/{name}", "required")
        elif not isinstance(value, str):
            yield Problem(f"/{name}", "text_expected")
        elif name == "provider" and value != PROVIDER:
            yield Problem(f"/{name}", "unknown_value", {"name": name, "known": (PROVIDER,)})
    if not isinstance(body.get("refresh", False), bool):
        yield Problem("/refresh", "boolean_expected")
