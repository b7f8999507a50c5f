"""Errors as problem JSON (RFC 9457): all of them at once, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from flask import Response, request

from metadata.problems import Problem, sentence
from trellis import current
from trellis.phrases import Sentence

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5
PASSING: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""What is over soon: these answers say in `Retry-After` when to come back."""

# What a status says that nobody gave a reason for.
CODES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.UNAUTHORIZED: "not_logged_in",
    HTTPStatus.NOT_FOUND: "unknown_address",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "crashed",
}


def language() -> str:
    """Gives the language of the answer: the one the client asks for, else the person's own."""
    return request.accept_languages.best_match(current.LANGUAGES) or current.language()


def status_problem(status: HTTPStatus) -> Problem:
    """Gives what a status says by itself."""
    return Problem("", CODES.get(status, "http_error"), {"title": Sentence(status.phrase)})


def problem_answer(
    status: HTTPStatus, problems: Sequence[Problem], *, more: Mapping[str, object] | None = None
) -> Response:
    """Gives the answer for problems, with when to come back where that helps."""
    errors = [error_of(problem, language()) for problem in problems]
    body = {
        "type": "about:blank",
        "title": Sentence(status.phrase).translated(language()),
        "status": status.value,
        "detail": ". ".join(str(error["message"]) for error in errors),
        "errors": errors,
        **(more or {}),
    }
    answer = Response(msgspec.json.encode(body), status=status.value, content_type=PROBLEM_JSON)
    if status in PASSING:
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def error_of(problem: Problem, reader: str) -> dict[str, object]:
    """Gives one problem as clients see it."""
    place = {"line": problem.line, "column": problem.column}
    return {
        "path": problem.path,
        "code": problem.code,
        "message": sentence(problem, reader),
        **{name: number for name, number in place.items() if number is not None},
    }
