"""`/api/v1/meta`: definitions as drafts, plans and versions."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response

from metadata.json_text import pointer, sequence
from metadata.problems import Problem
from trellis.api.answers import instant, json_answer
from trellis.api.blueprint import language, meta_route
from trellis.api.problems import RequestError, error_of
from trellis.api.requests import read_body, read_optional_body, read_parameters
from trellis.designer.drafts import (
    Drafted,
    delete_element,
    discard,
    find_drafted,
    full_name,
    list_drafted,
    put_element,
)
from trellis.designer.publishing import (
    Planned,
    make_plan,
    make_rollback,
    publish_plan,
    versions,
)
from trellis.errors import Missing
from trellis.work import reading, writing_now

# The last part of the address → the kind of element.
KINDS = {
    "objects": "object",
    "roles": "role",
    "views": "view",
    "layouts": "layout",
    "rules": "rules",
    "translations": "translations",
}
PUBLISH_KEYS = frozenset({"token", "message", "confirm"})


@meta_route("/<kinds>", "GET")
def list_elements(kinds: str) -> Response:
    """Answers the elements of a kind as the caller's draft has them."""
    read_parameters(())
    found = list_drafted(reading(), kind_of(kinds))
    return json_answer({"items": [listed_json(one) for one in found], "next": None})


@meta_route("/<kinds>/<path:name>", "GET")
def get_element(kinds: str, name: str) -> Response:
    """Answers one definition as the caller's draft has it."""
    read_parameters(())
    kind = kind_of(kinds)
    return json_answer(find_drafted(reading(), kind, full_name(kind, name)).body)


@meta_route("/<kinds>/<path:name>", "PUT")
def put_definition(kinds: str, name: str) -> Response:
    """Keeps a definition in the caller's draft."""
    read_parameters(())
    kind, body = kind_of(kinds), read_body()
    with writing_now() as unit:
        made = put_element(unit, kind, full_name(kind, name), body)
    return json_answer(made.body)


@meta_route("/<kinds>/<path:name>", "DELETE")
def delete_definition(kinds: str, name: str) -> Response:
    """Marks a definition for deletion in the caller's draft."""
    read_parameters(())
    kind = kind_of(kinds)
    with writing_now() as unit:
        delete_element(unit, kind, full_name(kind, name))
    return Response(status=HTTPStatus.NO_CONTENT.value)


@meta_route("/draft", "GET")
def get_draft() -> Response:
    """Answers what the caller's draft changes."""
    read_parameters(())
    unit = reading()
    planned = make_plan(unit)
    changed = [one for kind in KINDS.values() for one in list_drafted(unit, kind) if one.is_changed]
    items = [{"kind": one.kind, "name": one.name, "body": one.body} for one in changed]
    return json_answer({"items": items, **plan_json(planned)})


@meta_route("/draft", "DELETE")
def delete_draft() -> Response:
    """Forgets the caller's draft."""
    read_parameters(())
    with writing_now() as unit:
        discard(unit)
    return Response(status=HTTPStatus.NO_CONTENT.value)


@meta_route("/plan", "POST")
def plan_draft() -> Response:
    """Answers what publishing the caller's draft would do."""
    read_parameters(())
    read_optional_body(())
    return json_answer(plan_json(make_plan(reading())))


@meta_route("/rollback", "POST")
def plan_rollback() -> Response:
    """Answers what going back to a version would do."""
    read_parameters(())
    version = read_optional_body(("version",)).get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise refused("version", "whole_number")
    return json_answer(plan_json(make_rollback(reading(), version)))


@meta_route("/publish", "POST")
def publish_draft() -> Response:
    """Publishes the plan of a token."""
    read_parameters(())
    body = read_optional_body(PUBLISH_KEYS)
    token, message = body.get("token"), body.get("message") or ""
    if not isinstance(token, str):
        raise refused("token", "text_expected")
    if not isinstance(message, str):
        raise refused("message", "text_expected")
    with writing_now() as unit:
        version = publish_plan(unit, token, message=message, confirm=confirmed(body))
    return json_answer({"version": version})


@meta_route("/versions", "GET")
def list_versions() -> Response:
    """Answers the published versions, newest first."""
    read_parameters(())
    items = [
        {
            "version": one.version,
            "at": instant(one.at),
            "by": one.by,
            "message": one.message,
            "operations": one.operations,
        }
        for one in versions(reading())
    ]
    return json_answer({"items": items, "next": None})


def kind_of(kinds: str) -> str:
    """Gives the kind of element an address names."""
    if kinds not in KINDS:
        raise Missing([Problem("", "unknown_element", {"kind": kinds, "name": ""})])
    return KINDS[kinds]


def confirmed(body: Mapping[str, object]) -> list[str]:
    """Gives the names that the caller confirms to lose."""
    return [str(name) for name in sequence(body.get("confirm"))]


def listed_json(one: Drafted) -> dict[str, object]:
    """Gives one element for a list."""
    body = one.body or {}
    return {
        "name": one.name,
        "title": body.get("title"),
        "package": one.package,
        "draft": one.is_changed,
        "deleted": one.body is None,
    }


def plan_json(planned: Planned) -> dict[str, object]:
    """Gives a plan with its operations and problems in words."""
    reader = language()
    return {
        "token": planned.token,
        "base_version": planned.base_version,
        "operations": [
            {**operation.to_json(), "text": operation.sentence(reader)}
            for operation in planned.operations
        ],
        "problems": [error_of(problem, reader) for problem in planned.problems],
        "destructive": list(planned.destructive),
    }


def refused(key: str, code: str) -> RequestError:
    """Gives the error for a key whose value cannot be used."""
    problem = Problem(pointer((key,)), code, {"field": key, "value": ""})
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
