"""`/api/v1/meta/<kinds>`: definitions, as the caller's draft has them."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from metadata.problems import Problem
from trellis.api import meta_operations
from trellis.api.answers import json_answer
from trellis.api.operations import meta_route
from trellis.api.requests import read_body, read_parameters
from trellis.designer.drafts import (
    Drafted,
    delete_element,
    digest_of,
    expect,
    find_drafted,
    full_name,
    list_drafted,
    put_element,
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


@meta_route("/<kinds>", "GET", operation=meta_operations.LISTED)
def list_elements(kinds: str) -> Response:
    """Answers the elements of a kind as the caller's draft has them."""
    read_parameters(())
    found = list_drafted(reading(), kind_of(kinds))
    return json_answer({"items": [listed_json(one) for one in found], "next": None})


@meta_route("/<kinds>/<path:name>", "GET", operation=meta_operations.SHOWN)
def get_element(kinds: str, name: str) -> Response:
    """Answers one definition as the caller's draft has it."""
    read_parameters(())
    kind = kind_of(kinds)
    found = find_drafted(reading(), kind, full_name(kind, name))
    return with_etag(json_answer(found.body), found)


@meta_route("/<kinds>/<path:name>", "PUT", operation=meta_operations.PUT)
def put_definition(kinds: str, name: str) -> Response:
    """Keeps a definition in the caller's draft.

    With `If-Match` only when it is still what the caller has seen: two windows of one author do
    not overwrite each other.
    """
    read_parameters(())
    kind, body = kind_of(kinds), read_body()
    with writing_now() as unit:
        known = full_name(kind, name)
        seen = seen_digest()
        if seen is not None:
            expect(find_drafted(unit, kind, known), seen)
        made = put_element(unit, kind, known, body)
    return with_etag(json_answer(made.body), made)


def with_etag(answer: Response, found: Drafted) -> Response:
    """Gives an answer that says which state of the definition it shows."""
    answer.set_etag(digest_of(found.body))
    return answer


def seen_digest() -> str | None:
    """Gives which state the caller has seen, when it says so."""
    tags = list(request.if_match.as_set())
    return tags[0] if tags else None


@meta_route("/<kinds>/<path:name>", "DELETE", operation=meta_operations.DELETED)
def delete_definition(kinds: str, name: str) -> Response:
    """Marks a definition for deletion in the caller's draft."""
    read_parameters(())
    kind = kind_of(kinds)
    with writing_now() as unit:
        delete_element(unit, kind, full_name(kind, name))
    return Response(status=HTTPStatus.NO_CONTENT.value)


def kind_of(kinds: str) -> str:
    """Gives the kind of element an address names."""
    if kinds not in KINDS:
        raise Missing([Problem("", "unknown_element", {"kind": kinds, "name": ""})])
    return KINDS[kinds]


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
