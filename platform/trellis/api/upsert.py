"""`PUT /api/v1/<object>/by/<field>/<value>`: one record, whether it is there already or not."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from metadata.problems import Problem
from trellis.api.blueprint import API
from trellis.api.operations import Answer, Body, Operation, of_object, registered
from trellis.api.parameters import IF_MATCH_OPTIONAL
from trellis.api.problems import RequestError
from trellis.api.record_operations import AS_SEEN
from trellis.api.records import saved_answer, with_duplicates
from trellis.api.requests import read_body, read_optional_version, read_parameters
from trellis.declared import ANY_OBJECT
from trellis.duplicates.doors import guard_new
from trellis.phrases import Sentence
from trellis.records.upsert import upsert_record
from trellis.work import writing_now

RULE = "/<object_name>/by/<field>/<path:value>"
UPSERTED = Operation(
    Sentence("Create a record, or change the one with this value"),
    {
        200: Answer(AS_SEEN, of_object("record"), headers=("ETag",)),
        201: Answer(
            AS_SEEN, of_object("record"), headers=("ETag", "Location", "Trellis-Duplicates")
        ),
    },
    (IF_MATCH_OPTIONAL,),
    Body(of_object("change")),
    (403, 409, 412),
)


@registered(API, RULE, "PUT", ANY_OBJECT, "update", UPSERTED, merge_slashes=False)
def put_record(object_name: str, field: str, value: str) -> Response:
    """Changes the record whose unique field has the value, else creates it with that."""
    read_parameters(())
    values = read_body(exact=True)
    with writing_now() as unit:
        done = upsert_record(
            unit, object_name, field, value, values, channel="api", version_of=asked_version
        )
        found = guard_new(unit, object_name, done.saved) if done.is_new else []
        status = HTTPStatus.CREATED if done.is_new else HTTPStatus.OK
        answer = saved_answer(unit, object_name, done.saved, status)
    return with_duplicates(answer, found)


def asked_version(record_id: str | None) -> int | None:
    """Gives the version of `If-Match`. Raises RequestError when there is no record to match."""
    if record_id is not None:
        return read_optional_version(record_id)
    if "If-Match" in request.headers:
        problem = Problem("", "nothing_to_match")
        raise RequestError(HTTPStatus.PRECONDITION_FAILED, [problem])
    return None
