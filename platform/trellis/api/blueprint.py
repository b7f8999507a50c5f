"""The blueprints of `/api/v1`: what is answered when something is wrong.

Who is unknown (401) or sent by another site is turned away by the application before.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint, Response, current_app, request, url_for

from metadata.problems import DefinitionError, Problem
from trellis import current
from trellis.api.answers import record_json
from trellis.api.duplicates_json import findings_json
from trellis.api.problems import status_of
from trellis.api.requests import MAX_BODY_BYTES, refuse_nul
from trellis.duplicates.doors import DuplicatesFound
from trellis.duplicates.redirects import survivor_of
from trellis.errors import Missing, NotAllowed, RecordError, Stale
from trellis.problem_json import language, problem_answer
from trellis.work import reading

View = TypeVar("View", bound=Callable[..., object])

API = Blueprint("api", __name__, url_prefix="/api/v1")
FILES = Blueprint("api_files", __name__, url_prefix="/api/v1/files")
META = Blueprint("api_meta", __name__, url_prefix="/api/v1/meta")
PACKAGES = Blueprint("api_packages", __name__, url_prefix="/api/v1/packages")


def takes_bytes(most: int) -> Callable[[View], View]:
    """Marks a view whose bodies may be longer than others."""

    def mark(view: View) -> View:
        view.most_bytes = most  # type: ignore[attr-defined]  # functions take attributes
        return view

    return mark


def limit_body() -> None:
    """Makes Flask answer 413 to bodies that no record needs; files have limits of their own."""
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "takes_files", False):
        request.max_content_length = getattr(view, "most_bytes", MAX_BODY_BYTES)


def is_possible(record_id: str) -> bool:
    """Says whether a database could hold an id."""
    return record_id.isprintable()


def refuse_impossible_ids() -> None:
    """Answers 404 to an id that no database could hold."""
    record_id = (request.view_args or {}).get("record_id", "")
    if not is_possible(record_id):
        values = {"object": (request.view_args or {})["object_name"], "id": "?"}
        raise Missing([Problem("", "missing_record", values)])


def keep_to_administrators() -> None:
    """Lets in who may administer."""
    if not current.principal().may_administer:
        raise NotAllowed([Problem("", "administer_needed")])


def answer_problem(error: RecordError | DefinitionError) -> Response:
    """Answers what a caller can correct."""
    more: dict[str, object] = {}
    if isinstance(error, Stale):
        object_name = str((request.view_args or {})["object_name"])
        unit = reading()
        unit.show_record(object_name, error.current)
        more["current"] = record_json(unit, object_name, error.current)
    if isinstance(error, DuplicatesFound):
        object_name = str((request.view_args or {})["object_name"])
        more["duplicates"] = findings_json(reading(), object_name, error.findings, language())
    return problem_answer(status_of(error), error.problems, more=more)


def answer_missing(error: Missing) -> Response:
    """Answers that something is not there, or where a record is that was merged into another."""
    named = dict(request.view_args or {})
    if request.method == "GET" and is_possible(named.get("record_id", "\0")):
        survivor = survivor_of(reading(), str(named["object_name"]), str(named["record_id"]))
        if survivor is not None:
            named["record_id"] = survivor
            values: dict[str, Any] = {**named, **request.args.to_dict()}
            address = url_for(str(request.endpoint), **values)
            answer = Response(status=HTTPStatus.PERMANENT_REDIRECT.value)
            answer.headers["Location"] = address
            answer.headers["Cache-Control"] = "private, no-store"
            return answer
    return answer_problem(error)


API.before_request(limit_body)
API.before_request(refuse_impossible_ids)
META.before_request(limit_body)
META.before_request(keep_to_administrators)
PACKAGES.before_request(keep_to_administrators)
for blueprint in (API, META, FILES, PACKAGES):
    blueprint.before_request(refuse_nul)
    blueprint.register_error_handler(Missing, answer_missing)
    blueprint.register_error_handler(RecordError, answer_problem)
    blueprint.register_error_handler(DefinitionError, answer_problem)
