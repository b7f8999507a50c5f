"""`/api/v1/search`: records of all objects that are found by a text."""

from __future__ import annotations

from flask import Response

from metadata.query.answers import MAX_SEARCH_CHARACTERS
from metadata.query.search_everywhere import Hit
from trellis.api.answers import field_json, json_answer
from trellis.api.components import TEXT_OR_NULL, optional
from trellis.api.heavy import in_time
from trellis.api.operations import TEXT, Answer, Operation, Parameter, common_route, listed, made_of
from trellis.api.parameters import AFTER, DEFAULT_LIMIT, LIMIT
from trellis.api.requests import find_number, find_parameters, read_list, told_with
from trellis.phrases import Sentence
from trellis.problem_json import language
from trellis.unit import Unit
from trellis.work import reading

PARAMETERS = frozenset({"q", "objects", "limit", "after"})
FOUND = made_of(
    {
        "object": TEXT,
        "id": TEXT,
        "name": TEXT_OR_NULL,
        "title": TEXT,
        "found_in": optional(made_of({"field": TEXT, "title": TEXT, "value": {}})),
    }
)
SEARCHED = Operation(
    Sentence("Search the records of all objects"),
    {
        200: Answer(
            Sentence("What was found, the best first; `found_in` where it was not by the name."),
            listed(FOUND),
        )
    },
    (
        Parameter(
            "q",
            Sentence("Beginnings of words, Chinese, pinyin or its initials, the end of a number."),
            {"type": "string", "maxLength": MAX_SEARCH_CHARACTERS},
            example="acme",
        ),
        Parameter(
            "objects", Sentence("Objects separated by commas, in the order of their weight.")
        ),
        LIMIT,
        AFTER,
    ),
)


@common_route("/search", "GET", operation=SEARCHED)
def search_records() -> Response:
    """Answers one page of the records that the caller may read and that are found by a text."""
    parameters, problems = find_parameters(PARAMETERS)
    unit = reading()
    limit = find_number("limit", parameters.get("limit", str(DEFAULT_LIMIT)), problems)
    with in_time(unit), told_with(problems):
        found = unit.records().search(
            parameters.get("q", ""),
            read_list(parameters["objects"]) if "objects" in parameters else None,
            limit=limit,
            after=parameters.get("after"),
        )
    return json_answer({"items": [hit_json(unit, hit) for hit in found.items], "next": found.next})


def hit_json(unit: Unit, hit: Hit) -> dict[str, object]:
    """Gives what was found in wire form, titles in the caller's language."""
    definition, known = unit.catalog.objects[hit.object], language()
    found_in = None
    if hit.field is not None:
        field = definition.fields[hit.field]
        value = field_json(field, hit.value)
        found_in = {"field": hit.field, "title": field.label(known), "value": value}
    return {
        "object": hit.object,
        "id": hit.id,
        "name": hit.name,
        "title": definition.label(known),
        "found_in": found_in,
    }
