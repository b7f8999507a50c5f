"""Errors as problem JSON (RFC 9457): all of them at once, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from flask import Response

from metadata.locks import Busy
from metadata.problems import DefinitionError, Problem, sentence
from metadata.query import QueryProblem, UnknownObject
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Refused, Stale
from trellis.files.uploads import TooLarge

PROBLEM_JSON = "application/problem+json"

STATUS_OF: Mapping[type[Exception], HTTPStatus] = {
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Missing: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Conflict: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    UnknownObject: HTTPStatus.NOT_FOUND,
    QueryProblem: HTTPStatus.UNPROCESSABLE_ENTITY,
    DefinitionError: HTTPStatus.UNPROCESSABLE_ENTITY,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}

# What Flask itself refuses, in words.
BARE: Mapping[HTTPStatus, str] = {
    HTTPStatus.NOT_FOUND: "unknown_address",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
}


class RequestError(RecordError):
    """A request that cannot be read as one; `status` says in which way."""

    def __init__(self, status: HTTPStatus, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.status = status


def status_of(error: Exception) -> HTTPStatus:
    """Gives the status that answers an error."""
    if isinstance(error, RequestError):
        return error.status
    kinds = [kind for kind in type(error).__mro__ if kind in STATUS_OF]
    return STATUS_OF[kinds[0]]


def problem_answer(
    status: HTTPStatus,
    problems: Sequence[Problem],
    language: str,
    *,
    more: Mapping[str, object] | None = None,
) -> Response:
    """Gives the answer for problems; without any the status speaks for itself."""
    shown = problems or [Problem("", BARE.get(status, "http_error"), {"title": status.phrase})]
    errors = [error_of(problem, language) for problem in shown]
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": ". ".join(str(error["message"]) for error in errors),
        "errors": errors,
        **(more or {}),
    }
    return Response(msgspec.json.encode(body), status=status.value, content_type=PROBLEM_JSON)


def error_of(problem: Problem, language: str) -> dict[str, object]:
    """Gives one problem as clients see it."""
    place = {"line": problem.line, "column": problem.column}
    return {
        "path": problem.path,
        "code": problem.code,
        "message": sentence(problem, language),
        **{name: number for name, number in place.items() if number is not None},
    }
