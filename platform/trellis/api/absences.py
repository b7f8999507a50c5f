"""`/api/v1/absences`: who is away, and who stands in meanwhile."""

from __future__ import annotations

from flask import Response

from trellis.api.answers import instant, json_answer
from trellis.api.operations import TEXT, Answer, Operation, Parameter, common_route, made_of
from trellis.api.requests import read_parameters
from trellis.phrases import Sentence
from trellis.records.absences import Away, absences_of
from trellis.work import reading

DAY = {"type": "string", "format": "date"}
MAYBE = {"type": ["string", "null"]}
ABSENCE = made_of(
    {
        "id": TEXT,
        "user": TEXT,
        "from": DAY,
        "until": DAY,
        "substitute": MAYBE,
        "why": MAYBE,
        "by": TEXT,
        "at": {"type": "string", "format": "date-time"},
    }
)
LIST = Operation(
    Sentence("Absences of today and to come, the next first"),
    {
        200: Answer(
            Sentence("Everybody's for administrators; else one's own, and where one stands in."),
            made_of({"items": {"type": "array", "items": ABSENCE}}),
        )
    },
    (Parameter("user", Sentence("Only those of the user with this id.")),),
)


@common_route("/absences", "GET", operation=LIST)
def list_absences() -> Response:
    """Answers who is away."""
    parameters = read_parameters(("user",))
    found = absences_of(reading(), parameters.get("user"))
    return json_answer({"items": [absence_json(away) for away in found]})


def absence_json(away: Away) -> dict[str, object]:
    """Gives an absence on the wire."""
    return {
        "id": away.id,
        "user": away.user,
        "from": away.first.isoformat(),
        "until": away.last.isoformat(),
        "substitute": away.substitute,
        "why": away.why,
        "by": away.by,
        "at": instant(away.at),
    }
