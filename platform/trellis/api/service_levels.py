"""`/api/v1/service-levels`: the clocks of records, by how they stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Response

from metadata.fields.base import Refused as BadValue
from metadata.fields.times import read_length
from metadata.problems import Problem
from trellis.api.answers import json_answer
from trellis.api.explain import clock_json
from trellis.api.operations import (
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Parameter,
    common_route,
    listed,
    made_of,
)
from trellis.api.problems import RequestError
from trellis.api.requests import UNPROCESSABLE, read_number, read_parameters
from trellis.phrases import Sentence
from trellis.service_levels.lists import MAX_LIMIT, STATES, Line, list_clocks
from trellis.work import reading

KEYS: Final = ("state", "object", "within", "limit", "after")
LINE = made_of(
    {
        "object": TEXT,
        "record": TEXT,
        "name": TEXT,
        "service_level": made_of({"name": TEXT, "label": TEXT}),
        "target": OBJECT,
    }
)
LIST = Operation(
    Sentence("Clocks of service levels, the first due first"),
    {
        200: Answer(
            Sentence(
                "Of records that the caller may read, where she may read all that the service "
                "level looks at. A page may hold fewer than `limit` although others follow."
            ),
            listed(LINE),
        )
    },
    (
        Parameter(
            "state",
            Sentence(
                "`at_risk`: from 80 % of the time on; `breached`: late; `running`: in time; "
                "`paused`; `met`."
            ),
            {"enum": list(STATES), "default": "at_risk"},
        ),
        Parameter("object", Sentence("Only clocks of records of this object.")),
        Parameter("within", Sentence("Only what is due in so long a time."), example="PT4H"),
        Parameter(
            "limit",
            Sentence("How many at most."),
            {**WHOLE, "minimum": 1, "maximum": MAX_LIMIT, "default": 50},
        ),
        Parameter("after", Sentence("The `next` of the page before.")),
    ),
)


@common_route("/service-levels", "GET", operation=LIST)
def list_service_levels() -> Response:
    """Answers clocks in a state."""
    given = read_parameters(KEYS)
    found = list_clocks(
        reading(),
        given.get("state", "at_risk"),
        given.get("object"),
        within=read_within(given.get("within")),
        limit=read_number("limit", given.get("limit", "50")),
        after=given.get("after"),
    )
    return json_answer({"items": [line_json(line) for line in found.items], "next": found.next})


def read_within(text: str | None) -> timedelta | None:
    """Gives a length of time; answers 422 for what is none."""
    try:
        return None if text is None else read_length(text)
    except BadValue as error:
        raise RequestError(UNPROCESSABLE, [Problem("within", error.code, error.values)]) from error


def line_json(line: Line) -> dict[str, object]:
    """Gives a clock with its record."""
    return {
        "object": line.object.name,
        "record": line.record_id,
        "name": line.name,
        "service_level": {"name": line.level.name, "label": line.level.label},
        "target": clock_json(line.clock),
    }
