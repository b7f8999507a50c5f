"""`/api/v1/<object>/aggregate`: records counted and added up by groups."""

from __future__ import annotations

from flask import Response

from metadata.query.aggregate import COUNTED, MAX_GROUPS
from trellis.api.answers import json_answer
from trellis.api.components import by_name
from trellis.api.heavy import heavy
from trellis.api.operations import Answer, Operation, Parameter, made_of, route
from trellis.api.parameters import FILTER, SEARCH
from trellis.api.requests import find_number, find_parameters, read_list, told_with
from trellis.phrases import Sentence
from trellis.work import reading

PARAMETERS = frozenset({"group", "measure", "filter", "search", "having", "sort", "limit"})
AGGREGATED = Operation(
    Sentence("Count records and add them up by groups"),
    {
        200: Answer(
            Sentence("One item for each group, with the groups and measures as keys."),
            made_of({"items": {"type": "array", "items": by_name({})}}),
        )
    },
    (
        Parameter(
            "group",
            Sentence("Paths and periods, as `stage,month(close_date)`; one item without it."),
            example="",
        ),
        Parameter(
            "measure",
            Sentence("Measures separated by commas, as `count(),sum(amount)`."),
            example=COUNTED,
        ),
        FILTER,
        SEARCH,
        Parameter(
            "having",
            Sentence("Conditions on measures that groups fulfil, all of them: `count()>5`."),
            example="count()>0",
        ),
        Parameter("sort", Sentence("Groups and measures, with `-` for descending.")),
        Parameter(
            "limit",
            Sentence("How many groups at most; all without it."),
            {"type": "integer", "minimum": 1, "maximum": MAX_GROUPS},
        ),
    ),
)


@route("/<object_name>/aggregate", "GET", action="read", operation=AGGREGATED)
def aggregate_records(object_name: str) -> Response:
    """Answers the groups of the records that the caller may read."""
    parameters, problems = find_parameters(PARAMETERS)
    unit = reading()
    limit = parameters.get("limit")
    most = None if limit is None else find_number("limit", limit, problems)
    with heavy(unit), told_with(problems):
        found = unit.records().aggregate(
            object_name,
            group=read_list(parameters.get("group")),
            measure=read_list(parameters.get("measure")),
            filter=parameters.get("filter"),
            search=parameters.get("search"),
            having=read_list(parameters.get("having")),
            sort=read_list(parameters.get("sort")),
            limit=most,
        )
    return json_answer({"items": found.wire()})
