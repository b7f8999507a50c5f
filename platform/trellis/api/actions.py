"""`/api/v1/<object>/<id>/actions/<name>`: what is done with a record besides changing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from flask import Response

from metadata.json_text import pointer
from metadata.problems import Problem
from trellis.api.answers import json_answer, request_json
from trellis.api.blueprint import route
from trellis.api.problems import RequestError
from trellis.api.requests import read_optional_body, read_parameters, unknown
from trellis.automation import approvals
from trellis.automation.approvals import Request
from trellis.records.errors import Missing
from trellis.records.unit import Unit
from trellis.work import writing_now

Body = Mapping[str, object]

SUBMIT_KEYS = frozenset({"approval"})
DECIDE_KEYS = frozenset({"comment", "revision"})
RECALL_KEYS = frozenset({"revision"})


def submit(unit: Unit, object_name: str, record_id: str, body: Body) -> Request:
    """Starts an approval of the record."""
    return approvals.submit(unit, object_name, record_id, text_of(body, "approval"))


def approve(unit: Unit, object_name: str, record_id: str, body: Body) -> Request:
    """Approves the record's open request."""
    request = approvals.current_request(unit, object_name, record_id)
    comment = text_of(body, "comment") or ""
    return approvals.decide(unit, request, "approve", comment, expected_revision=revision_of(body))


def reject(unit: Unit, object_name: str, record_id: str, body: Body) -> Request:
    """Rejects the record's open request."""
    request = approvals.current_request(unit, object_name, record_id)
    comment = text_of(body, "comment") or ""
    return approvals.decide(unit, request, "reject", comment, expected_revision=revision_of(body))


def recall(unit: Unit, object_name: str, record_id: str, body: Body) -> Request:
    """Takes the record's open request back."""
    request = approvals.current_request(unit, object_name, record_id)
    return approvals.recall(unit, request, expected_revision=revision_of(body))


ACTIONS: Mapping[str, tuple[Callable[[Unit, str, str, Body], Request], frozenset[str]]] = {
    "submit": (submit, SUBMIT_KEYS),
    "approve": (approve, DECIDE_KEYS),
    "reject": (reject, DECIDE_KEYS),
    "recall": (recall, RECALL_KEYS),
}


@route("/<object_name>/<record_id>/actions/<name>", "POST", action="approve")
def run_action(object_name: str, record_id: str, name: str) -> Response:
    """Does the action and answers the approval request as it stands then."""
    read_parameters(())
    if name not in ACTIONS:
        problem = unknown("action", "unknown_value", name, ACTIONS)
        raise Missing([problem])
    action, keys = ACTIONS[name]
    body = read_optional_body(keys)
    with writing_now() as unit:
        request = action(unit, object_name, record_id, body)
    return json_answer(request_json(request))


def text_of(body: Body, key: str) -> str | None:
    """Gives a text of the body; null and absent are None."""
    value = body.get(key)
    if value is None or isinstance(value, str):
        return value
    raise refused(key, "text_expected")


def revision_of(body: Body) -> int | None:
    """Gives the revision that the caller has seen."""
    value = body.get("revision")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise refused("revision", "whole_number")


def refused(key: str, code: str) -> RequestError:
    """Gives the error for a key whose value cannot be used."""
    problem = Problem(pointer((key,)), code, {"field": key, "value": ""})
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
