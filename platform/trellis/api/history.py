"""What happened to a record, and what it was at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response

from metadata.fields.base import Refused
from metadata.fields.times import read_instant
from metadata.problems import Problem
from metadata.query.answers import MAX_LIMIT
from trellis.api.answers import entry_json, instant, json_answer
from trellis.api.components import INSTANT, TEXT_OR_NULL, by_name, many
from trellis.api.heavy import in_time
from trellis.api.operations import (
    FLAG,
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Parameter,
    component,
    listed,
    made_of,
    route,
)
from trellis.api.parameters import AFTER, DEFAULT_LIMIT, LIMIT
from trellis.api.problems import RequestError
from trellis.api.requests import read_number, read_parameters
from trellis.duplicates.redirects import parts_of
from trellis.phrases import Sentence
from trellis.problem_json import language
from trellis.records.as_of import Past, record_at
from trellis.records.history import history_of
from trellis.records.why_changed import Because, explain_entry
from trellis.unit import Unit
from trellis.work import reading

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY

HISTORY = Operation(
    Sentence("What happened to a record, and to those merged into it, newest first"),
    {200: Answer(Sentence("One page of the history."), listed(component("HistoryEntry")))},
    (LIMIT, AFTER),
)
AT = Parameter(
    "at",
    Sentence("The instant, such as 2026-01-31T12:00:00Z; without an offset, of your company."),
    TEXT,
    required=True,
    example="2026-01-31T12:00:00Z",
)
PAST = made_of(
    {
        "id": TEXT,
        "at": INSTANT,
        "version": WHOLE,
        "changed_at": INSTANT,
        "by": TEXT,
        "deleted": FLAG,
        "values": by_name({}),
        "unknown": many(TEXT),
    }
)
WHY = Operation(
    Sentence(
        "Why an entry of the history came about: the rules, their conditions, whose save it was"
    ),
    {
        200: Answer(
            Sentence("What you may know of it."),
            made_of(
                {
                    "by": TEXT,
                    "object": TEXT_OR_NULL,
                    "record": TEXT_OR_NULL,
                    "chain": many(TEXT),
                    "rules": many(OBJECT),
                    "fields": by_name(OBJECT),
                }
            ),
        )
    },
)
AS_OF = Operation(
    Sentence("A record as it was at an instant"),
    {200: Answer(Sentence("What you may see of the record as it was then."), PAST)},
    (AT,),
)


@route("/<object_name>/<record_id>/history", "GET", action="read", operation=HISTORY)
def record_history(object_name: str, record_id: str) -> Response:
    """Answers what happened to a record, newest first."""
    parameters = read_parameters(("limit", "after"))
    limit, unit = page_limit(parameters), reading()
    with in_time(unit):
        entries, following = history_of(
            unit,
            object_name,
            record_id,
            parts=parts_of(unit, object_name, record_id),
            after=parameters.get("after"),
            limit=limit,
        )
    items = [entry_json(unit, entry, language()) for entry in entries]
    return json_answer({"items": items, "next": following})


def page_limit(parameters: Mapping[str, str]) -> int:
    """Gives the length of a page of the history or of changes."""
    limit = read_number("limit", parameters.get("limit", str(DEFAULT_LIMIT)))
    if not 1 <= limit <= MAX_LIMIT:
        raise RequestError(UNPROCESSABLE, [Problem("limit", "bad_limit", {"limit": MAX_LIMIT})])
    return limit


@route("/<object_name>/<record_id>/history/<entry_id>/why", "GET", action="read", operation=WHY)
def why_entry(object_name: str, record_id: str, entry_id: str) -> Response:
    """Answers why an entry of the history came about."""
    read_parameters(())
    unit = reading()
    with in_time(unit):
        parts = tuple(parts_of(unit, object_name, record_id))
        found = explain_entry(unit, object_name, record_id, entry_id, parts)
    return json_answer(because_json(unit, found, language()))


def because_json(unit: Unit, found: Because, words: str) -> dict[str, object]:
    """Gives why an entry came about in wire form."""
    return {
        "by": found.by,
        "object": found.object,
        "record": found.record,
        "chain": list(found.chain),
        "rules": [
            {
                "name": one.name,
                "label": unit.catalog.message(one.label, words),
                "condition": None if one.condition is None else one.condition.to_json(),
                "is_of_today": one.is_of_today,
                "file": one.file,
                "line": one.line,
                "version": one.version,
            }
            for one in found.rules
        ],
        "fields": {
            name: {"kind": source.kind, "name": source.name}
            for name, source in found.fields.items()
        },
    }


@route("/<object_name>/<record_id>/as_of", "GET", action="read", operation=AS_OF)
def record_as_of(object_name: str, record_id: str) -> Response:
    """Answers a record as it was at an instant, by the rights of today."""
    unit, given = reading(), read_parameters(("at",)).get("at")
    if given is None:
        raise RequestError(UNPROCESSABLE, [Problem("at", "parameter_missing", {"name": "at"})])
    try:
        at = read_instant(given, unit.moment.zone)
    except Refused as refused:
        problem = Problem("at", refused.code, refused.values)
        raise RequestError(UNPROCESSABLE, [problem]) from refused
    with in_time(unit):
        past = record_at(unit, object_name, record_id, at)
    return json_answer(past_json(past))


def past_json(past: Past) -> dict[str, object]:
    """Gives a record of the past in wire form."""
    return {
        "id": past.id,
        "at": instant(past.at),
        "version": past.version,
        "changed_at": instant(past.changed_at),
        "by": past.by,
        "deleted": past.deleted,
        "values": dict(past.values),
        "unknown": list(past.unknown),
    }
