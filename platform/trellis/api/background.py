"""`/api/v1/meta/background`: work that goes on in the background, for who administers."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response

from trellis.api.answers import instant, json_answer
from trellis.api.components import INSTANT, TEXT_OR_NULL, by_name, optional
from trellis.api.history import page_limit
from trellis.api.operations import (
    FLAG,
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Parameter,
    Schema,
    listed,
    made_of,
    meta_route,
)
from trellis.api.parameters import AFTER, LIMIT
from trellis.api.problems import RequestError
from trellis.api.requests import read_parameters, unknown
from trellis.background import STATES, Overview, Piece, cancel, overview, pieces, retry, set_paused
from trellis.phrases import Sentence
from trellis.problem_json import language
from trellis.work import reading, writing_now

WORK: Schema = made_of(
    {
        "name": TEXT,
        "counts": by_name(WHOLE),
        "paused_since": optional(INSTANT),
        "paused_by": TEXT_OR_NULL,
    }
)
PIECE: Schema = made_of(
    {
        "id": TEXT,
        "what": TEXT,
        "title": TEXT,
        "object": TEXT_OR_NULL,
        "record_id": TEXT_OR_NULL,
        "state": {"type": "string", "enum": list(STATES)},
        "attempts": WHOLE,
        "due_at": INSTANT,
        "created_at": INSTANT,
        "ended_at": optional(INSTANT),
        "error": TEXT_OR_NULL,
        "done": optional(WHOLE),
        "total": optional(WHOLE),
        "may_cancel": FLAG,
        "may_retry": FLAG,
    }
)
STATE = Parameter(
    "state", Sentence("Only pieces in this state."), {"type": "string", "enum": list(STATES)}
)
TRIED = {200: Answer(Sentence("How many are tried again."), made_of({"count": WHOLE}))}
KINDS = Operation(
    Sentence("List the kinds of work in the background, with how they stand"),
    {200: Answer(Sentence("All kinds."), listed(WORK))},
)
PIECES = Operation(
    Sentence("List pieces of work in the background, the newest first"),
    {200: Answer(Sentence("A page of them."), listed(PIECE))},
    (STATE, LIMIT, AFTER),
    refuses=(404,),
)
ONE_AGAIN = Operation(
    Sentence("Have one piece of work tried again at once"), TRIED, refuses=(404, 409)
)
ALL_AGAIN = Operation(Sentence("Have all that was given up tried again"), TRIED, refuses=(404, 409))
CANCELLED = Operation(
    Sentence("End a job that has not ended; what it has done stays"),
    {204: Answer(Sentence("It is cancelled."))},
    refuses=(404, 409),
)
PAUSED = Operation(
    Sentence("Pause work of a kind"), {204: Answer(Sentence("It is paused."))}, refuses=(404, 409)
)
RESUMED = Operation(
    Sentence("Let work of a kind go on"), {204: Answer(Sentence("It goes on."))}, refuses=(404, 409)
)


@meta_route("/background", "GET", operation=KINDS)
def list_work() -> Response:
    """Answers the kinds of work with how they stand."""
    read_parameters(())
    found = overview(reading())
    return json_answer({"items": [work_json(one) for one in found], "next": None})


@meta_route("/background/<work>", "GET", operation=PIECES)
def list_pieces(work: str) -> Response:
    """Answers a page of the pieces of one kind."""
    given = read_parameters(("state", "limit", "after"))
    state = given.get("state")
    if state is not None and state not in STATES:
        problem = unknown("state", "unknown_value", state, set(STATES))
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    after, limit = given.get("after"), page_limit(given)
    shown, following = pieces(reading(), work, language(), state=state, after=after, limit=limit)
    return json_answer({"items": [piece_json(one) for one in shown], "next": following})


@meta_route("/background/<work>/retry", "POST", operation=ALL_AGAIN)
def retry_all(work: str) -> Response:
    """Has all that was given up tried again."""
    read_parameters(())
    with writing_now() as unit:
        count = retry(unit, work)
    return json_answer({"count": count})


@meta_route("/background/<work>/<piece>/retry", "POST", operation=ONE_AGAIN)
def retry_one(work: str, piece: str) -> Response:
    """Has one piece tried again."""
    read_parameters(())
    with writing_now() as unit:
        count = retry(unit, work, piece)
    return json_answer({"count": count})


@meta_route("/background/<work>/<piece>/cancel", "POST", operation=CANCELLED)
def cancel_one(work: str, piece: str) -> Response:
    """Ends one piece before its time."""
    read_parameters(())
    with writing_now() as unit:
        cancel(unit, work, piece)
    return Response(status=HTTPStatus.NO_CONTENT.value)


@meta_route("/background/<work>/pause", "POST", operation=PAUSED)
def pause_work(work: str) -> Response:
    """Pauses work of one kind."""
    read_parameters(())
    with writing_now() as unit:
        set_paused(unit, work, is_paused=True)
    return Response(status=HTTPStatus.NO_CONTENT.value)


@meta_route("/background/<work>/resume", "POST", operation=RESUMED)
def resume_work(work: str) -> Response:
    """Lets work of one kind go on."""
    read_parameters(())
    with writing_now() as unit:
        set_paused(unit, work, is_paused=False)
    return Response(status=HTTPStatus.NO_CONTENT.value)


def work_json(one: Overview) -> dict[str, object]:
    """Gives how work of a kind stands in wire form."""
    since = None if one.paused_since is None else instant(one.paused_since)
    counts = dict(one.counts)
    name = one.work.name
    return {"name": name, "counts": counts, "paused_since": since, "paused_by": one.paused_by}


def piece_json(one: Piece) -> dict[str, object]:
    """Gives a piece of work in wire form."""
    return {
        "id": one.id,
        "what": one.what,
        "title": one.title,
        "object": one.object,
        "record_id": one.record_id,
        "state": one.state,
        "attempts": one.attempts,
        "due_at": instant(one.due_at),
        "created_at": instant(one.created_at),
        "ended_at": None if one.ended_at is None else instant(one.ended_at),
        "error": one.error,
        "done": one.done,
        "total": one.total,
        "may_cancel": one.may_cancel,
        "may_retry": one.may_retry,
    }
