"""`POST /api/v1/<object>/bulk`: many writes at once, all of them or each for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, cast

from flask import Response

from metadata.json_text import nul_flaws, pointer
from metadata.problems import Problem
from trellis.api.answers import json_answer
from trellis.api.blueprint import takes_bytes
from trellis.api.operations import Answer, Body, Operation, Parameter, component, made_of, route
from trellis.api.problems import RequestError, status_of
from trellis.api.requests import (
    MAX_BULK_BYTES,
    MAX_OPERATIONS,
    read_document,
    read_parameters,
    unknown,
)
from trellis.automation.outbox import demand_room, yield_to_people
from trellis.duplicates.doors import guard_many
from trellis.phrases import Sentence
from trellis.problem_json import error_of, language
from trellis.records.batch import BatchRefused, Kind, Mode, Op, Outcome, save_batch
from trellis.records.reach import definition_of
from trellis.unit import Unit
from trellis.work import reading, writing_now

MODES: Final = ("all", "each")
# The keys that each kind of write has besides `op`, and those that it needs.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "create": ("data",),
    "update": ("id", "data", "version"),
    "delete": ("id", "version"),
}
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "create": ("data",),
    "update": ("id", "data"),
    "delete": ("id",),
}
DONE: Final[Mapping[str, HTTPStatus]] = {
    "create": HTTPStatus.CREATED,
    "update": HTTPStatus.OK,
    "delete": HTTPStatus.NO_CONTENT,
}

BULK = Operation(
    Sentence("Create, change and delete many records at once"),
    {
        200: Answer(
            Sentence("What became of each write, in their order."),
            made_of({"results": {"type": "array", "items": component("BulkResult")}}),
        )
    },
    (
        Parameter(
            "mode",
            Sentence("`all`: all writes are done or none; `each`: one that fails keeps no other."),
            {"type": "string", "enum": list(MODES), "default": MODES[0]},
        ),
    ),
    Body({"type": "array", "maxItems": MAX_OPERATIONS, "items": component("BulkWrite")}),
    (403, 409),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One write as it was sent: what is to be done, or what is wrong with how it says it."""

    op: Op | None
    problems: tuple[Problem, ...] = ()


@route("/<object_name>/bulk", "POST", action="update", operation=BULK)
@takes_bytes(MAX_BULK_BYTES)
def write_many(object_name: str) -> Response:
    """Does up to 1,000 writes; in mode `all` one that is refused undoes all.

    Nothing is done while too much waits that follows from earlier ones.
    """
    mode = read_mode(read_parameters(("mode",)).get("mode", MODES[0]))
    definition_of(reading(), object_name)
    demand_room(reading().connection)
    asked = read_operations(read_document(exact=True, by_part=True))
    with writing_now() as unit:
        yield_to_people(unit.connection)
        pairs = tried(unit, object_name, asked, mode)
    return json_answer({"results": [result(place, *pair) for place, pair in enumerate(pairs)]})


def read_mode(text: str) -> Mode:
    """Gives the mode. Raises RequestError for any other word."""
    if text not in MODES:
        problem = unknown("mode", "unknown_value", text, MODES)
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    return cast("Mode", text)


def read_operations(document: object) -> list[Asked]:
    """Gives the writes of a body. Raises RequestError when it is no list of as many as may be."""
    if not isinstance(document, list):
        problem = Problem("", "operations_expected")
    elif len(document) > MAX_OPERATIONS:
        problem = Problem("", "bulk_too_long", {"limit": MAX_OPERATIONS, "count": len(document)})
    else:
        return [read_operation(place, item) for place, item in enumerate(document)]
    raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])


def read_operation(place: int, item: object) -> Asked:
    """Gives one write of a body."""
    unheld = tuple(nul_flaws(item, (place,)))
    if unheld:
        return Asked(None, unheld)
    if not isinstance(item, Mapping):
        return Asked(None, (Problem(pointer((place,)), "map_expected"),))
    kind = item.get("op")
    if kind not in KEYS:
        path = pointer((place, "op"))
        if not isinstance(kind, str):
            return Asked(None, (Problem(path, "required" if kind is None else "text_expected"),))
        return Asked(None, (unknown(path, "unknown_value", kind, KEYS),))
    problems = tuple(wrong_keys(place, str(kind), item))
    if problems:
        return Asked(None, problems)
    data = item.get("data")
    values = data if isinstance(data, Mapping) else {}
    record_id, version = item.get("id"), item.get("version")
    return Asked(
        Op(
            cast("Kind", kind),
            None if record_id is None else str(record_id),
            values,
            version if isinstance(version, int) else None,
        )
    )


def wrong_keys(place: int, kind: str, item: Mapping[str, object]) -> list[Problem]:
    """Gives what is wrong with the keys of a write."""
    known = ("op", *KEYS[kind])
    problems = [
        unknown(pointer((place, key)), "unknown_key", key, known)
        for key in item
        if key not in known
    ]
    problems += [
        Problem(pointer((place, key)), "required") for key in NEEDED[kind] if item.get(key) is None
    ]
    forms = (("id", str, "text_expected"), ("data", Mapping, "map_expected"))
    for key, form, code in forms:
        value = item.get(key)
        if key in known and value is not None and not isinstance(value, form):
            problems.append(Problem(pointer((place, key)), code))
    version = item.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        shown = {"value": str(version)[:40]}
        problems.append(Problem(pointer((place, "version")), "whole_number", shown))
    return problems


def tried(
    unit: Unit, object_name: str, asked: Sequence[Asked], mode: Mode
) -> list[tuple[Asked, Outcome]]:
    """Gives each write with what became of it.

    In mode `all` it raises RequestError with everything that is wrong with any of them.
    """
    new = {n: one.op.values for n, one in enumerate(asked) if one.op and one.op.op == "create"}
    known = guard_many(unit, object_name, new)
    ops = [one.op for n, one in enumerate(asked) if one.op is not None and n not in known]
    try:
        outcomes: Sequence[Outcome] = save_batch(unit, object_name, ops, channel="api", mode=mode)
    except BatchRefused as error:
        outcomes = error.outcomes
    following = iter(outcomes)
    pairs = []
    for place, one in enumerate(asked):
        if one.op is None or place in known:
            pairs.append((one, Outcome(error=known.get(place))))
        else:
            pairs.append((one, next(following)))
    problems = [problem for place, pair in enumerate(pairs) for problem in wrong(place, *pair)]
    if problems and mode == "all":
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, problems)
    return pairs


def wrong(place: int, asked: Asked, outcome: Outcome) -> list[Problem]:
    """Gives what is wrong with a write, by its place in the body."""
    return [
        *asked.problems,
        *(replace(problem, path=path_of(place, problem.path)) for problem in outcome.problems),
    ]


def path_of(place: int, path: str) -> str:
    """Gives where in the body a problem of one record is: fields stand below `data`."""
    return f"/{place}/data{path}" if path.startswith("/") else f"/{place}"


def result(place: int, asked: Asked, outcome: Outcome) -> dict[str, object]:
    """Gives what is answered for one write."""
    errors = [error_of(problem, language()) for problem in wrong(place, asked, outcome)]
    if asked.op is None:
        return {"status": HTTPStatus.UNPROCESSABLE_ENTITY.value, "errors": errors}
    named = {} if outcome.id is None else {"id": outcome.id}
    if outcome.error is None:
        return {"status": DONE[asked.op.op].value, **named}
    return {"status": status_of(outcome.error).value, **named, "errors": errors}
