"""`/api/v1/<object>/<id>/shares`: with whom a record is shared by hand."""

from __future__ import annotations

from flask import Response

from trellis.api.answers import instant, json_answer
from trellis.api.operations import TEXT, Answer, Operation, made_of, route
from trellis.api.requests import read_parameters
from trellis.phrases import Sentence
from trellis.records.sharing import Share, shares_of
from trellis.work import reading

MOMENT = {"type": ["string", "null"], "format": "date-time"}
SHARE = made_of(
    {
        "kind": {"enum": ["user", "team"]},
        "to": TEXT,
        "name": TEXT,
        "level": {"enum": ["read", "update"]},
        "until": MOMENT,
        "by": TEXT,
        "at": {"type": "string", "format": "date-time"},
        "why": {"type": ["string", "null"]},
    }
)
LIST = Operation(
    Sentence("With whom a record is shared"),
    {
        200: Answer(
            Sentence("The shares in force; who may not share the record sees her own."),
            made_of({"items": {"type": "array", "items": SHARE}}),
        )
    },
)


@route("/<object_name>/<record_id>/shares", "GET", action="read", operation=LIST)
def list_shares(object_name: str, record_id: str) -> Response:
    """Answers with whom a record is shared."""
    read_parameters(())
    found = shares_of(reading(), object_name, record_id)
    return json_answer({"items": [share_json(share) for share in found]})


def share_json(share: Share) -> dict[str, object]:
    """Gives a share on the wire."""
    return {
        "kind": share.kind,
        "to": share.grantee,
        "name": share.name,
        "level": share.level,
        "until": None if share.until is None else instant(share.until),
        "by": share.by,
        "at": instant(share.at),
        "why": share.why,
    }
