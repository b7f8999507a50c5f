"""`/hooks/<id>`: where others tell us things, signed with the secret of their source."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from flask import Blueprint, Flask, Response, request

from metadata.problems import Problem
from trellis import current
from trellis.current import public
from trellis.declared import declares
from trellis.problem_json import problem_answer
from trellis.webhooks.sources import MAX_BODY, NotSignedError, take_in

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")


@blueprint.before_request
def limit_body() -> None:
    """Makes Flask answer 413 to bodies that are too long."""
    request.max_content_length = MAX_BODY


@blueprint.post("/<source_id>")
@public
@declares("", "")
def receive(source_id: str) -> Response:
    """Keeps a signed message and answers 202; its record is made afterwards."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = request.get_data(cache=False)
    try:
        take_in(
            current.platform(), source_id[:64].replace("\0", ""), headers, body, datetime.now(UTC)
        )
    except NotSignedError:
        return problem_answer(HTTPStatus.UNAUTHORIZED, [Problem("", "not_signed")])
    return Response(status=202)


def install(app: Flask) -> None:
    """Adds the route. A signature stands for the token that forms have."""
    app.register_blueprint(blueprint)
    app.extensions["csrf"].exempt(blueprint)
