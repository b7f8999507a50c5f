"""`/api/v1/<object>/<id>/readers`: everybody who can see a record, and what lets them."""

from __future__ import annotations

from flask import Response

from trellis.api.answers import json_answer
from trellis.api.components import many
from trellis.api.explain import reasons_json
from trellis.api.operations import FLAG, TEXT, Answer, Operation, listed, made_of, route
from trellis.api.parameters import AFTER
from trellis.api.requests import read_parameters
from trellis.phrases import Sentence
from trellis.problem_json import language
from trellis.records.readers import readers_of
from trellis.work import reading

WHY = made_of({"grants": FLAG, "kind": TEXT, "source": TEXT, "code": TEXT, "because": TEXT})
READER = made_of({"user": TEXT, "name": TEXT, "reasons": many(WHY)})
LIST = Operation(
    Sentence("Who can see a record, and why"),
    {
        200: Answer(
            Sentence(
                "One page of people by name. Who does not administer is told of herself and of "
                "those below her; a page may be empty while `next` leads on."
            ),
            listed(READER),
        )
    },
    (AFTER,),
)


@route("/<object_name>/<record_id>/readers", "GET", action="read", operation=LIST)
def list_readers(object_name: str, record_id: str) -> Response:
    """Answers who can see a record."""
    parameters = read_parameters(("after",))
    found = readers_of(reading(), object_name, record_id, parameters.get("after"))
    items = [
        {
            "user": one.user,
            "name": one.name,
            "reasons": reasons_json(one.reasons, language()),
        }
        for one in found.items
    ]
    return json_answer({"items": items, "next": found.next})
