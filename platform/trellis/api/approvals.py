"""`/api/v1/approvals`: what waits for the caller, and deciding on many requests at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Response

from metadata.json_text import pointer
from metadata.problems import Problem
from rule_engine.services.approval_speaker import MAX_COMMENT
from rule_engine.services.approval_state import Verdict
from trellis.api.answers import json_answer, request_json
from trellis.api.history import page_limit
from trellis.api.operations import (
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Body,
    Operation,
    closed,
    common_route,
    component,
    listed,
    made_of,
)
from trellis.api.parameters import AFTER, LIMIT
from trellis.api.problems import RequestError, status_of
from trellis.api.requests import UNPROCESSABLE, read_optional_body, read_parameters, unknown
from trellis.approvals.inbox import Pending, pending_page
from trellis.approvals.many import MAX_AT_ONCE, Asked, Told, decide_each
from trellis.phrases import Sentence
from trellis.problem_json import error_of, language
from trellis.work import reading, writing_now

VERDICTS: Final[Mapping[str, Verdict]] = {"approve": "approve", "reject": "reject"}
KEYS: Final = ("verdict", "comment", "requests")

PENDING = made_of(
    {
        "request": component("ApprovalRequest"),
        "step": TEXT,
        "name": TEXT,
        "absent": {"type": "array", "items": TEXT},
    }
)
INBOX = Operation(
    Sentence("The requests that wait for the caller, the oldest first"),
    {
        200: Answer(
            Sentence("A page of them; `absent` are those for whom the caller stands in."),
            listed(PENDING),
        )
    },
    (LIMIT, AFTER),
)
RESULT = {
    "type": "object",
    "properties": {"id": TEXT, "status": WHOLE, "request": OBJECT, "errors": {"type": "array"}},
    "required": ["id", "status"],
}
DECIDE = Operation(
    Sentence("Approve or reject many requests, each for itself"),
    {
        200: Answer(
            Sentence("What became of each, in their order."),
            made_of({"results": {"type": "array", "items": RESULT}}),
        )
    },
    (),
    Body(
        closed(
            {
                "verdict": {"enum": list(VERDICTS)},
                "comment": {"type": "string", "maxLength": MAX_COMMENT},
                "requests": {
                    "type": "array",
                    "maxItems": MAX_AT_ONCE,
                    "items": closed({"id": TEXT, "revision": WHOLE}, ("id",)),
                },
            },
            ("verdict", "requests"),
        )
    ),
)


@common_route("/approvals", "GET", operation=INBOX)
def list_pending() -> Response:
    """Answers a page of what waits for the caller."""
    given = read_parameters(("limit", "after"))
    page = pending_page(reading(), after=given.get("after"), limit=page_limit(given))
    return json_answer({"items": [pending_json(one) for one in page.items], "next": page.next})


def pending_json(pending: Pending) -> dict[str, object]:
    """Gives a line of the inbox on the wire."""
    return {
        "request": request_json(pending.request),
        "step": pending.step,
        "name": pending.record_name,
        "absent": list(pending.absent),
    }


@common_route("/approvals/decide", "POST", action="approve", operation=DECIDE)
def decide_many() -> Response:
    """Decides on each and answers what became of it."""
    read_parameters(())
    body = read_optional_body(KEYS)
    verdict, asked, problems = read_asked(body)
    comment = body.get("comment") or ""
    if not isinstance(comment, str):
        problems.append(Problem("/comment", "text_expected", {"field": "comment", "value": "?"}))
    elif len(comment) > MAX_COMMENT:
        values = {"limit": MAX_COMMENT, "length": len(comment)}
        problems.append(Problem("/comment", "max_length", values))
    if problems or verdict is None:
        raise RequestError(UNPROCESSABLE, problems)
    told = decide_each(writing_now, asked, verdict, str(comment))
    return json_answer({"results": [told_json(one) for one in told]})


def read_asked(body: Mapping[str, object]) -> tuple[Verdict | None, list[Asked], list[Problem]]:
    """Gives verdict and requests of a body, with what is wrong with them."""
    named, listed = body.get("verdict"), body.get("requests")
    verdict = VERDICTS.get(named) if isinstance(named, str) else None
    problems = []
    if verdict is None:
        problems.append(unknown("/verdict", "unknown_value", str(named or "")[:40], VERDICTS))
    if not isinstance(listed, list) or not listed:
        problems.append(Problem("/requests", "required", {"field": "requests"}))
        return verdict, [], problems
    if len(listed) > MAX_AT_ONCE:
        problems.append(Problem("/requests", "too_many_requests", {"limit": MAX_AT_ONCE}))
        return verdict, [], problems
    asked = []
    for number, item in enumerate(listed):
        one = asked_of(item)
        if one is None:
            problems.append(Problem(pointer(("requests", str(number))), "approval_named"))
        else:
            asked.append(one)
    return verdict, asked, problems


def asked_of(item: object) -> Asked | None:
    """Gives a request that is named by id and, if so wished, revision; None for anything else."""
    if not isinstance(item, Mapping) or not set(item) <= {"id", "revision"}:
        return None
    key, revision = item.get("id"), item.get("revision")
    if not isinstance(key, str) or not key.isprintable():
        return None
    if revision is not None and (not isinstance(revision, int) or isinstance(revision, bool)):
        return None
    return Asked(key, revision)


def told_json(told: Told) -> dict[str, object]:
    """Gives what became of one request: the status it would have been answered with alone."""
    if told.error is None:
        request = request_json(told.request) if told.request else {}
        return {"id": told.id, "status": 200, "request": request}
    errors = [error_of(problem, language()) for problem in told.error.problems]
    return {"id": told.id, "status": status_of(told.error).value, "errors": errors}
