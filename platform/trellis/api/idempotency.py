"""`Idempotency-Key`: a request that is sent again is answered again, and done once.

The answer is written in the transaction of what it tells of: a kill loses both or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import IO, Any, Final, TypeVar, cast

import sqlalchemy as sa
from flask import Flask, Response, current_app, make_response, request
from werkzeug.exceptions import HTTPException

from metadata.encryption import EncryptionError
from metadata.problems import DefinitionError, Problem
from trellis import current
from trellis.api.problems import RequestError
from trellis.audit.requests import witness
from trellis.declared import declaration_of
from trellis.errors import Conflict, RecordError
from trellis.kept_answers import Answered, Asked, cipher_for, claim, find, keep, scope_of
from trellis.whole import Whole, whole_request

HEADER: Final = "Idempotency-Key"
MAX_LENGTH: Final = 255
CHUNK_BYTES: Final = 1 << 16
KEPT_HEADERS: Final = ("Content-Type", "ETag", "Location")
REPLAYED: Final = "Idempotency-Replayed"
CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What another try may be answered otherwise is not kept.
PASSING: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})

View = TypeVar("View", bound=Callable[..., object])


class AnswerReadyError(Exception):
    """Ends the transaction of a request without a commit: this is its answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def install_idempotency(app: Flask) -> None:
    """Has every view of the API that changes something heed the header."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        is_ours = rule.rule.startswith("/api/v1/") and declaration_of(view) is not None
        if is_ours and (rule.methods or set()) & CHANGING:
            app.view_functions[rule.endpoint] = done_once(view)


def done_once(view: View) -> View:
    """Gives a view that answers what it answered before to the same request."""

    @wraps(view)
    def once(*arguments: object, **named: object) -> object:
        if HEADER not in request.headers or request.method not in CHANGING:
            return view(*arguments, **named)
        asked = read_asked()
        known = answer_kept(current.connection(), asked)
        return known or do_and_keep(lambda: view(*arguments, **named), asked)

    return cast("View", once)


def do_and_keep(work: Callable[[], Any], asked: Asked) -> Response:
    """Does a request and keeps its answer, in one transaction."""

    def begun(connection: sa.Connection) -> None:
        if not claim(connection, asked.scope):
            raise Conflict([Problem(HEADER, "idempotency_in_flight")])
        known = answer_kept(connection, asked)
        if known is not None:
            raise AnswerReadyError(known)

    try:
        with whole_request(current.platform(), begun) as whole:
            answer = answered(work)
            keep_answer(whole, asked, answer)
    except AnswerReadyError as ready:
        return ready.answer
    current.note_written()
    current.look_again()
    return answer


def answered(work: Callable[[], Any]) -> Response:
    """Gives what a view answers, also where it refuses."""
    try:
        return make_response(work())
    except (RecordError, DefinitionError, HTTPException) as error:
        return make_response(current_app.handle_user_exception(error))


def read_asked() -> Asked:
    """Gives whose request this is, and what it asks for. Raises RequestError for a bad key."""
    key = request.headers[HEADER]
    if not 1 <= len(key) <= MAX_LENGTH or not key.isascii() or not key.isprintable():
        problem = Problem(HEADER, "idempotency_key", {"limit": MAX_LENGTH})
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    caller = current.account()
    who = (caller.id, caller.key) if caller is not None else ()
    return Asked(scope_of(*who, request.method, request.path, key), fingerprint())


def fingerprint() -> str:
    """Gives a digest of query and body; of a form's contents, since its boundaries change."""
    digest = hashlib.sha256(request.query_string + b"\0")
    if request.mimetype != "multipart/form-data":
        digest.update(request.get_data())
        return digest.hexdigest()
    for name, value in sorted(request.form.items(multi=True)):
        digest.update(repr((name, value)).encode())
    for name, file in request.files.items(multi=True):
        digest.update(repr((name, file.filename, digest_of(file.stream))).encode())
    return digest.hexdigest()


def digest_of(stream: IO[bytes]) -> str:
    """Gives the digest of a file, which is then at its beginning again."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
    stream.seek(0)
    return digest.hexdigest()


def answer_kept(connection: sa.Connection, asked: Asked) -> Response | None:
    """Gives the answer that was kept. Raises RequestError when the key stood for another request,
    and Conflict when the answer cannot be read any more."""
    try:
        known = find(connection, asked.scope, cipher_for(current.platform().settings))
    except EncryptionError as error:
        raise Conflict([Problem(HEADER, "idempotency_lost")]) from error
    if known is None:
        return None
    if known.fingerprint != asked.fingerprint:
        problem = Problem(HEADER, "idempotency_other_body")
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    witness().tell_again(known.shown)
    answer = Response(known.body, status=known.status)
    answer.headers.pop("Content-Type", None)
    answer.headers.update(known.headers)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers[REPLAYED] = "true"
    return answer


def keep_answer(whole: Whole, asked: Asked, answer: Response) -> None:
    """Keeps an answer in the transaction that did what it tells of.

    Raises AnswerReadyError, which undoes that, for one that is not to be kept.
    """
    if answer.status_code >= 500 or answer.status_code in PASSING:
        raise AnswerReadyError(answer)
    headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
    body = answer.get_data(as_text=True)
    shown = witness().told()
    kept = Answered(asked.fingerprint, answer.status_code, headers, body, shown)
    cipher = cipher_for(current.platform().settings)
    keep(whole.begin(), asked, kept, cipher, current.moment().now)
