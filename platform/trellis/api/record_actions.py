"""`/api/v1/<object>/<id>/actions/<name>`: the one route of all record actions."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis import current
from trellis.api.actions import Call, KeyType, RecordAction, record_actions
from trellis.api.answers import json_answer
from trellis.api.operations import (
    FLAG,
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Body,
    Operation,
    Schema,
    closed,
    route,
)
from trellis.api.parameters import IF_MATCH_OPTIONAL
from trellis.api.requests import read_optional_body, read_optional_version, read_parameters, unknown
from trellis.declared import ANY_OBJECT
from trellis.errors import Missing, NotAllowed
from trellis.phrases import Sentence
from trellis.work import writing_now

FORMS: Mapping[KeyType, Schema] = {
    KeyType.TEXT: TEXT,
    KeyType.NUMBER: WHOLE,
    KeyType.BOOLEAN: FLAG,
    KeyType.TEXTS: {"type": "array", "items": TEXT},
    KeyType.OBJECT: OBJECT,
}
DONE = {200: Answer(Sentence("What came of it."), OBJECT)}


def variants(definition: ObjectDefinition) -> Mapping[str, Operation]:
    """Gives what each action on records of an object takes and answers, by its name."""
    known = record_actions().items()
    return {name: operation_for(action) for name, action in known if action.is_for(definition)}


def operation_for(action: RecordAction) -> Operation:
    """Gives what an action takes and answers."""
    keys = {key.name: {**FORMS[key.type], "description": key.summary} for key in action.keys}
    required = tuple(key.name for key in action.keys if key.required)
    body = Body(closed(keys, required), required=bool(required))
    refuses = (403, 409, 412)
    return Operation(action.summary, DONE, (IF_MATCH_OPTIONAL,), body, refuses, right=action.right)


@route(
    "/<object_name>/<record_id>/actions/<name>",
    "POST",
    action="approve",
    operation=Operation(Sentence("Do something with a record"), DONE, variants=variants),
)
def run_action(object_name: str, record_id: str, name: str) -> Response:
    """Does the action and answers what came of it."""
    read_parameters(())
    known = actions_of(object_name)
    action = known.get(name)
    if action is None:
        raise Missing([unknown("action", "unknown_value", name, known)])
    keep_to_scopes(object_name, action)
    body = read_optional_body([key.name for key in action.keys], action.problems)
    version = read_optional_version(record_id)
    with writing_now() as unit:
        answer = action.run(Call(unit, object_name, record_id, body, version))
    return json_answer(answer)


def actions_of(object_name: str) -> dict[str, RecordAction]:
    """Gives the actions that records of an object have; all where the caller does not know it."""
    definition = current.catalog().objects.get(object_name)
    known = dict(record_actions())
    if definition is None or not current.principal().access(object_name).exists:
        return known
    return {name: action for name, action in known.items() if action.is_for(definition)}


def keep_to_scopes(object_name: str, action: RecordAction) -> None:
    """Raises NotAllowed for an API key that is kept to other things than this action."""
    account = current.account()
    scopes = account.scopes if account is not None else None
    needed = action.scope or action.right
    name = ANY_OBJECT if needed == "administer" else object_name
    if scopes is not None and not scopes.allow(name, needed):
        values = {"action": action.name, "object": object_name}
        raise NotAllowed([Problem("", "beyond_scopes", values)])
