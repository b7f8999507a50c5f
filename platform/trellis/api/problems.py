"""Which status answers which error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from metadata.locks import Busy
from metadata.problems import DefinitionError, Problem
from metadata.query import QueryProblem, UnknownObject
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Refused, Stale
from trellis.files.uploads import TooLarge

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
