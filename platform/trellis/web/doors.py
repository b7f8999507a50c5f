"""What all page blueprints share: the way in, and answers for what cannot be done."""

from __future__ import annotations

from flask import Blueprint, abort, flash, request
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response

from metadata.access import Access
from metadata.objects import ObjectDefinition
from metadata.problems import Problem, sentence
from metadata.query import Missing as MissingRow
from metadata.query import UnknownObject
from trellis import current
from trellis.errors import Missing, NotAllowed, RecordError
from trellis.faults import answer_refusal


def make_blueprint(name: str, prefix: str = "") -> Blueprint:
    """Gives a blueprint whose pages answer 404 for what does not exist for the reader."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
    blueprint.before_request(refuse_impossible_names)
    for missing in (Missing, MissingRow, UnknownObject):
        blueprint.register_error_handler(missing, not_found)
    blueprint.register_error_handler(NotAllowed, not_allowed)
    return blueprint


def refuse_impossible_names() -> None:
    """Answers 404 to an address with an id or a name that no database could hold."""
    if any("\0" in str(value) for value in (request.view_args or {}).values()):
        abort(404)


def not_found(_error: Exception) -> Response:
    """Answers that something is not there for this reader."""
    return answer_refusal(NotFound())


def not_allowed(_error: Exception) -> Response:
    """Answers that this reader may not do that."""
    return answer_refusal(Forbidden())


def object_for(name: str) -> tuple[ObjectDefinition, Access]:
    """Gives an object and what who asks may do with it; answers 404 when it does not exist."""
    definition = current.catalog().objects.get(name)
    access = current.principal().access(name)
    if definition is None or not access.exists:
        abort(404)
    return definition, access


def is_fragment() -> bool:
    """Says whether htmx asks, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def words(problem: Problem) -> str:
    """Words a problem in the reader's language."""
    return sentence(problem, current.language())


def flash_problems(error: RecordError) -> None:
    """Has what stood in the way shown on the next page."""
    for problem in error.problems:
        flash(words(problem), "danger")
