"""`/api/v1/<object>/duplicates`: is it there already, and what a scan has found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from flask import Response

from metadata.problems import Problem
from metadata.query.answers import MAX_LIMIT
from trellis.api.answers import json_answer, record_json
from trellis.api.components import TEXT_OR_NULL, many
from trellis.api.duplicates_json import agreements_json, findings_json
from trellis.api.operations import (
    FLAG,
    OBJECT,
    TEXT,
    Answer,
    Body,
    Operation,
    Parameter,
    Schema,
    listed,
    made_of,
    of_object,
    route,
)
from trellis.api.parameters import AFTER, DEFAULT_LIMIT, LIMIT
from trellis.api.problems import RequestError
from trellis.api.requests import (
    read_body,
    read_number,
    read_optional_body,
    read_parameters,
    unknown,
)
from trellis.duplicates.check import Finding
from trellis.duplicates.doors import check_record, check_values
from trellis.duplicates.pairs import Pair, decide, list_pairs
from trellis.duplicates.scan import SCAN, start_scan
from trellis.duplicates.tables import DISMISSED, MERGED, OPEN
from trellis.errors import Missing
from trellis.jobs.running import read_job
from trellis.phrases import Sentence
from trellis.problem_json import language
from trellis.records.reach import definition_of
from trellis.unit import Unit
from trellis.work import reading, writing_now

NUMBER: Final[Schema] = {"type": "number"}
AGREEMENT: Final = made_of({"field": TEXT, "similarity": NUMBER})
CANDIDATE: Final = made_of(
    {"id": TEXT, "name": TEXT_OR_NULL, "certainty": NUMBER, "fields": many(AGREEMENT)}
)
FINDING: Final = made_of(
    {
        "rule": TEXT,
        "title": TEXT,
        "policy": {"enum": ["warn", "block", "ignore"]},
        "message": TEXT,
        "hidden": FLAG,
        "candidates": many(CANDIDATE),
    }
)
FOUND: Final = Answer(
    Sentence("What each rule found, as far as you may read it."),
    made_of({"items": many(FINDING)}),
)
PAIR: Final = made_of(
    {
        "id": TEXT,
        "rule": TEXT,
        "state": {"enum": [OPEN, DISMISSED, MERGED]},
        "certainty": NUMBER,
        "fields": many(AGREEMENT),
        "records": many(OBJECT),
    }
)
JOB: Final = made_of(
    {"id": TEXT, "state": TEXT, "done": NUMBER, "result": {"type": ["object", "null"]}}
)

CHECKED = Operation(
    Sentence("Is such a record there already?"),
    {200: FOUND},
    body=Body(of_object("change")),
    refuses=(403,),
)
LIKE_IT = Operation(Sentence("Records that may be the same as this one"), {200: FOUND})
LISTED = Operation(
    Sentence("Pairs of records that the scan found"),
    {200: Answer(Sentence("Pairs of which you may read both records."), listed(PAIR))},
    (
        Parameter(
            "state",
            Sentence("Which pairs: those to decide on, or those that are two things."),
            {"type": "string", "enum": [OPEN, DISMISSED], "default": OPEN},
        ),
        LIMIT,
        AFTER,
    ),
)
DECIDED = Operation(
    Sentence("Say whether a pair is still to be decided on"),
    {200: Answer(Sentence("The pair."), PAIR)},
    body=Body(made_of({"state": {"enum": [OPEN, DISMISSED]}})),
    refuses=(403,),
)
STARTED = Operation(
    Sentence("Look for duplicates among all records"),
    {202: Answer(Sentence("The job that does it."), JOB)},
    refuses=(403,),
)
PROGRESS = Operation(
    Sentence("How far the search for duplicates is"), {200: Answer(Sentence("The job."), JOB)}
)


@route("/<object_name>/duplicates", "POST", action="read", operation=CHECKED)
def check(object_name: str) -> Response:
    """Answers what the rules find for values that are not saved yet."""
    read_parameters(())
    values = read_body(exact=True)
    unit = reading()
    return found_answer(unit, object_name, check_values(unit, object_name, values))


@route("/<object_name>/<record_id>/duplicates", "GET", action="read", operation=LIKE_IT)
def check_of_record(object_name: str, record_id: str) -> Response:
    """Answers what the rules find for a record."""
    read_parameters(())
    unit = reading()
    return found_answer(unit, object_name, check_record(unit, object_name, record_id))


@route("/<object_name>/duplicates", "GET", action="read", operation=LISTED)
def pairs(object_name: str) -> Response:
    """Answers pairs, the most certain first."""
    parameters = read_parameters(("state", "limit", "after"))
    state = parameters.get("state", OPEN)
    if state not in (OPEN, DISMISSED):
        problem = unknown("state", "unknown_value", state, (OPEN, DISMISSED))
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    limit = read_number("limit", parameters.get("limit", str(DEFAULT_LIMIT)))
    if not 1 <= limit <= MAX_LIMIT:
        problem = Problem("limit", "bad_limit", {"limit": MAX_LIMIT})
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    unit = reading()
    found, following = list_pairs(
        unit, object_name, state=state, limit=limit, after=parameters.get("after")
    )
    items = [pair_json(unit, object_name, pair) for pair in found]
    return json_answer({"items": items, "next": following})


@route("/<object_name>/duplicates/<pair_id>", "PATCH", action="update", operation=DECIDED)
def decide_pair(object_name: str, pair_id: str) -> Response:
    """Says that a pair is two things, or takes that back."""
    read_parameters(())
    state = read_optional_body(("state",)).get("state")
    if state not in (OPEN, DISMISSED):
        problem = unknown("/state", "unknown_value", str(state)[:40], (OPEN, DISMISSED))
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    with writing_now() as unit:
        pair = decide(unit, object_name, pair_id, str(state))
    return json_answer({**pair_json(reading(), object_name, pair), "state": state})


@route("/<object_name>/duplicates/scan", "POST", action="update", operation=STARTED)
def scan(object_name: str) -> Response:
    """Starts a scan."""
    read_parameters(())
    with writing_now() as unit:
        job_id = start_scan(unit, object_name)
    return json_answer(job_json(reading(), object_name, job_id), HTTPStatus.ACCEPTED)


@route("/<object_name>/duplicates/scan/<job_id>", "GET", action="update", operation=PROGRESS)
def scan_progress(object_name: str, job_id: str) -> Response:
    """Answers how far a scan is."""
    read_parameters(())
    return json_answer(job_json(reading(), object_name, job_id))


def job_json(unit: Unit, object_name: str, job_id: str) -> dict[str, object]:
    """Gives a scan of the acting person. Raises Missing for any other job."""
    definition_of(unit, object_name)
    job = read_job(unit, job_id)
    if job.kind != SCAN or job.params.get("object") != object_name:
        raise Missing([Problem("", "missing_job", {})])
    return {"id": job.id, "state": job.state, "done": job.done, "result": job.result}


def found_answer(unit: Unit, object_name: str, findings: Iterable[Finding]) -> Response:
    """Answers findings."""
    return json_answer({"items": findings_json(unit, object_name, findings, language())})


def pair_json(unit: Unit, object_name: str, pair: Pair) -> dict[str, object]:
    """Gives a pair with both its records."""
    sides: Sequence[Mapping[str, object]] = (pair.first, pair.second)
    return {
        "id": pair.id,
        "rule": pair.rule.name,
        "state": pair.state,
        "certainty": round(pair.certainty, 4),
        "fields": agreements_json(pair.agreements),
        "records": [record_json(unit, object_name, side) for side in sides],
    }
