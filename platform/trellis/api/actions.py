"""`/api/v1/<object>/<id>/actions/<name>`: what is done with a record besides changing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response

from metadata.json_text import pointer
from metadata.problems import Problem
from rule_engine.services.approval_state import Verdict
from trellis import approvals
from trellis.api.answers import json_answer, request_json
from trellis.api.blueprint import route
from trellis.api.problems import RequestError
from trellis.api.requests import read_optional_body, read_parameters, unknown
from trellis.errors import Missing
from trellis.records.assign import assign_record
from trellis.unit import Unit
from trellis.work import writing_now

Body = Mapping[str, object]

Answer = dict[str, object]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done with one record: the keys its body may have, and what it answers."""

    keys: frozenset[str]
    run: Callable[[Unit, str, str, Body], Answer]


def submit(unit: Unit, object_name: str, record_id: str, body: Body) -> Answer:
    """Starts an approval of the record."""
    return request_json(approvals.submit(unit, object_name, record_id, text_of(body, "approval")))


def decide(verdict: Verdict) -> Callable[[Unit, str, str, Body], Answer]:
    """Gives the action that says a verdict on the record's open request."""

    def run(unit: Unit, object_name: str, record_id: str, body: Body) -> Answer:
        request = approvals.current_request(unit, object_name, record_id)
        comment, revision = text_of(body, "comment") or "", revision_of(body)
        moved = approvals.decide(unit, request, verdict, comment, expected_revision=revision)
        return request_json(moved)

    return run


def recall(unit: Unit, object_name: str, record_id: str, body: Body) -> Answer:
    """Takes the record's open request back."""
    request = approvals.current_request(unit, object_name, record_id)
    return request_json(approvals.recall(unit, request, expected_revision=revision_of(body)))


def assign(unit: Unit, object_name: str, record_id: str, body: Body) -> Answer:
    """Makes somebody else the owner."""
    to = text_of(body, "to")
    if to is None:
        raise refused("to", "text_expected")
    saved = assign_record(unit, object_name, record_id, to, channel="api")
    return {"id": saved.id, "version": saved.version, "owner": saved.record["owner"]}


ACTIONS: Mapping[str, Action] = {
    "submit": Action(frozenset({"approval"}), submit),
    "approve": Action(frozenset({"comment", "revision"}), decide("approve")),
    "reject": Action(frozenset({"comment", "revision"}), decide("reject")),
    "recall": Action(frozenset({"revision"}), recall),
    "assign": Action(frozenset({"to"}), assign),
}


@route("/<object_name>/<record_id>/actions/<name>", "POST", action="approve")
def run_action(object_name: str, record_id: str, name: str) -> Response:
    """Does the action and answers what came of it."""
    read_parameters(())
    action = ACTIONS.get(name)
    if action is None:
        raise Missing([unknown("action", "unknown_value", name, ACTIONS)])
    body = read_optional_body(action.keys)
    with writing_now() as unit:
        answer = action.run(unit, object_name, record_id, body)
    return json_answer(answer)


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
