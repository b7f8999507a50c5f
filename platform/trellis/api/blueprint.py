"""The blueprints of `/api/v1`: what is answered when something is wrong.

Who is unknown (401) or sent by another site is turned away by the application before.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from metadata.locks import Busy
from metadata.problems import DefinitionError, Problem
from trellis import current
from trellis.api.answers import record_json
from trellis.api.problems import problem_answer, status_of
from trellis.api.requests import MAX_BODY_BYTES
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Missing, NotAllowed, RecordError, Stale
from trellis.faults import RETRY_AFTER_SECONDS
from trellis.work import reading

View = Callable[..., Response]

API = Blueprint("api", __name__, url_prefix="/api/v1")
FILES = Blueprint("api_files", __name__, url_prefix="/api/v1/files")
META = Blueprint("api_meta", __name__, url_prefix="/api/v1/meta")
PACKAGES = Blueprint("api_packages", __name__, url_prefix="/api/v1/packages")

LANGUAGES = ("en", "zh")


def route(rule: str, method: str, *, action: str) -> Callable[[View], View]:
    """Registers a view of records with the action it does on the object of its address."""

    def register(view: View) -> View:
        API.add_url_rule(rule, view_func=declares(ANY_OBJECT, action)(view), methods=[method])
        return view

    return register


def meta_route(rule: str, method: str) -> Callable[[View], View]:
    """Registers a view of definitions; all of them need the right to administer."""

    def register(view: View) -> View:
        META.add_url_rule(rule, view_func=declares("", "administer")(view), methods=[method])
        return view

    return register


def limit_body() -> None:
    """Makes Flask answer 413 to bodies that no record needs."""
    request.max_content_length = MAX_BODY_BYTES


def refuse_impossible_ids() -> None:
    """Answers 404 to an id that no database could hold."""
    record_id = (request.view_args or {}).get("record_id", "")
    if not record_id.isprintable():
        values = {"object": (request.view_args or {})["object_name"], "id": "?"}
        raise Missing([Problem("", "missing_record", values)])


def keep_to_administrators() -> None:
    """Lets in who may administer."""
    if not current.principal().may_administer:
        raise NotAllowed([Problem("", "administer_needed")])


def language() -> str:
    """Gives the language of the answer: the one the client asks for, else the person's own."""
    return request.accept_languages.best_match(LANGUAGES) or current.language()


def answer_problem(error: RecordError | DefinitionError | Busy) -> Response:
    """Answers what a caller can correct."""
    more: dict[str, object] = {}
    if isinstance(error, Stale):
        object_name = str((request.view_args or {})["object_name"])
        more["current"] = record_json(reading(), object_name, error.current)
    return problem_answer(status_of(error), error.problems, language(), more=more)


def answer_busy(error: Busy) -> Response:
    """Answers that others are in the way, and when to ask again."""
    answer = answer_problem(error)
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def answer_http(error: HTTPException) -> Response:
    """Answers what Flask itself refuses: wrong methods, bodies that are too long."""
    return problem_answer(HTTPStatus(error.code or 500), (), language())


API.before_request(limit_body)
API.before_request(refuse_impossible_ids)
META.before_request(limit_body)
META.before_request(keep_to_administrators)
PACKAGES.before_request(keep_to_administrators)
for blueprint in (API, META, FILES, PACKAGES):
    blueprint.register_error_handler(RecordError, answer_problem)
    blueprint.register_error_handler(DefinitionError, answer_problem)
    blueprint.register_error_handler(Busy, answer_busy)
    blueprint.register_error_handler(HTTPException, answer_http)
