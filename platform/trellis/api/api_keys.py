"""`/api/v1/security/api_keys`: the caller's own API keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final

from flask import Response

from metadata.problems import Problem
from trellis import current
from trellis.api.answers import instant, json_answer
from trellis.api.components import INSTANT, many, optional
from trellis.api.operations import (
    TEXT,
    Answer,
    Body,
    Operation,
    closed,
    common_route,
    listed,
    made_of,
)
from trellis.api.problems import RequestError
from trellis.api.requests import read_optional_body, read_parameters
from trellis.errors import NotAllowed
from trellis.phrases import Sentence
from trellis.security.access import Account
from trellis.security.api_keys import (
    ApiKey,
    by_person,
    get_key,
    list_keys,
    make_key,
    revoke_key,
)
from trellis.work import writing_now

KEYS: Final = ("name", "scopes", "expires_at")

KEY = {
    "id": TEXT,
    "name": TEXT,
    "prefix": TEXT,
    "scopes": optional(many(TEXT)),
    "created_at": INSTANT,
    "expires_at": optional(INSTANT),
    "revoked_at": optional(INSTANT),
    "last_used_at": optional(INSTANT),
}
ONE = {200: Answer(Sentence("The key, but for its text."), made_of(KEY))}
LISTED = Operation(
    Sentence("List your API keys"),
    {200: Answer(Sentence("Your keys, the newest first."), listed(made_of(KEY)))},
)
MADE = Operation(
    Sentence("Make an API key"),
    {
        201: Answer(
            Sentence("The key with its text, which is shown only now."),
            made_of({**KEY, "key": TEXT}),
            headers=("Location",),
        )
    },
    body=Body(closed({"name": TEXT, "scopes": many(TEXT), "expires_at": INSTANT}, ("name",))),
    refuses=(403, 409),
)
SHOWN = Operation(Sentence("Get one of your API keys"), ONE)
REVOKED = Operation(
    Sentence("Revoke an API key"), {204: Answer(Sentence("It is revoked."))}, refuses=(403,)
)


@common_route("/security/api_keys", "GET", operation=LISTED)
def get_keys() -> Response:
    """Answers the caller's keys."""
    read_parameters(())
    keys = list_keys(current.connection(), caller().id)
    return json_answer({"items": [key_json(key) for key in keys], "next": None})


@common_route("/security/api_keys", "POST", operation=MADE)
def post_key() -> Response:
    """Makes a key and shows it this once."""
    read_parameters(())
    by_person(caller())
    body = read_optional_body(KEYS, wrong_values)
    name, scopes = body.get("name"), body.get("scopes")
    with writing_now() as unit:
        key, text = make_key(
            unit,
            caller(),
            str(name),
            [str(one) for one in scopes] if isinstance(scopes, list) else None,
            read_instant(body.get("expires_at")),
        )
    headers = {"Location": f"/api/v1/security/api_keys/{key.id}"}
    return json_answer({**key_json(key), "key": text}, HTTPStatus.CREATED, headers)


@common_route("/security/api_keys/<key_id>", "GET", operation=SHOWN)
def show_key(key_id: str) -> Response:
    """Answers one of the caller's keys."""
    read_parameters(())
    return json_answer(key_json(get_key(current.connection(), caller().id, key_id)))


@common_route("/security/api_keys/<key_id>", "DELETE", operation=REVOKED)
def delete_key(key_id: str) -> Response:
    """Revokes one of the caller's keys."""
    read_parameters(())
    with writing_now() as unit:
        revoke_key(unit, caller(), key_id)
    return Response(status=HTTPStatus.NO_CONTENT.value)


def caller() -> Account:
    """Gives who asks."""
    account = current.account()
    if account is None:
        raise NotAllowed([Problem("", "account_inactive", {})])
    return account


def wrong_values(body: Mapping[str, object]) -> list[Problem]:
    """Gives what is wrong with the types of a body's values."""
    problems = []
    name, scopes, expires = (body.get(key) for key in KEYS)
    if not isinstance(name, str):
        problems.append(Problem("/name", "required" if name is None else "text_expected"))
    is_list = isinstance(scopes, list) and all(isinstance(one, str) for one in scopes)
    if scopes is not None and not is_list:
        problems.append(Problem("/scopes", "texts_expected"))
    if expires is not None and parsed(expires) is None:
        problems.append(Problem("/expires_at", "datetime", {"value": str(expires)[:40]}))
    return problems


def read_instant(value: object) -> datetime | None:
    """Gives an instant; without an offset it is meant in the organisation's zone."""
    if value is None:
        return None
    found = parsed(value)
    if found is None:
        problem = Problem("/expires_at", "datetime", {"value": str(value)[:40]})
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    zone = current.zone_of_organisation()
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def parsed(value: object) -> datetime | None:
    """Gives the instant that a text says; None for none."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def key_json(key: ApiKey) -> dict[str, object]:
    """Gives a key as clients see it."""
    at = {
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": None if key.scopes is None else list(key.scopes),
        **{name: None if value is None else instant(value) for name, value in at.items()},
    }
