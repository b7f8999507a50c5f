"""`/api/v1/changes`: what was written, in the order of commits, to go on from where one was."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from http import HTTPStatus
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from flask import Response

from metadata.problems import Problem
from trellis import current
from trellis.api.answers import instant, json_answer
from trellis.api.history import page_limit
from trellis.api.operations import Answer, Operation, Parameter, common_route, listed, made_of
from trellis.api.parameters import LIMIT
from trellis.api.problems import RequestError
from trellis.api.requests import read_parameters, unknown
from trellis.phrases import Sentence
from trellis.records.changes import Change, changes_after, last_sequence
from trellis.unit import Unit
from trellis.work import reading

LATEST: Final = "latest"
NUMBER_BYTES: Final = 8
SALT_BYTES: Final = 8
MAX_CURSOR: Final = 64

CHANGE = made_of(
    {
        "sequence": {"type": "integer"},
        "object": {"type": "string"},
        "id": {"type": "string"},
        "op": {"type": "string", "enum": ["create", "update", "delete", "restore"]},
        "at": {"type": "string", "format": "date-time"},
        "fields": {"type": "array", "items": {"type": "string"}},
    }
)
CHANGES = Operation(
    Sentence("What was written to records, oldest first"),
    {200: Answer(Sentence("One page of changes and the cursor to go on from."), listed(CHANGE))},
    (
        Parameter(
            "after",
            Sentence("The cursor `next` of the page before, or `latest` for what comes from now."),
        ),
        Parameter("object", Sentence("Only changes of this object.")),
        LIMIT,
    ),
)


@common_route("/changes", "GET", operation=CHANGES)
def list_changes() -> Response:
    """Answers one page of changes. `next` is always a cursor: nothing was new when it is `after`.

    Changes appear about a second after their commit, when the worker has numbered them.
    """
    parameters = read_parameters(("after", "object", "limit"))
    unit, object_name = reading(), parameters.get("object")
    limit = page_limit(parameters)
    if object_name is not None:
        known_object(unit, object_name)
    cursors = Cursors(current.platform().settings.secret_key, unit.principal.name, object_name)
    given = parameters.get("after")
    if given == LATEST:
        given = cursors.write(last_sequence(unit), fresh=True)
    after = 0 if given is None else cursors.read(given)
    items, last = changes_after(unit, after, object_name=object_name, limit=limit)
    following = given if given is not None and last == after else cursors.write(last)
    return json_answer({"items": [change_json(one) for one in items], "next": following})


def known_object(unit: Unit, name: str) -> None:
    """Raises RequestError for an object that does not exist for who asks."""
    known = [one for one in unit.catalog.objects if unit.principal.access(one).exists]
    if name not in known:
        problem = unknown("object", "unknown_object", name, known)
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])


def change_json(change: Change) -> dict[str, object]:
    """Gives one change in wire form."""
    return {
        "sequence": change.sequence,
        "object": change.object,
        "id": change.id,
        "op": change.op,
        "at": instant(change.at),
        "fields": list(change.fields),
    }


class Cursors:
    """Numbers as texts that only the one who got them can use, with the same question.

    Nobody sees from them how much happened: the same number is the same text, but each `fresh` one
    is another.
    """

    def __init__(self, secret: str, person: str, object_name: str | None) -> None:
        key = hmac.new(secret.encode(), b"trellis change cursors", hashlib.sha256).digest()
        self._box = AESSIV(key)
        self._about = [person.encode(), (object_name or "").encode()]

    def write(self, number: int, *, fresh: bool = False) -> str:
        """Gives the cursor of a number."""
        salt = os.urandom(SALT_BYTES) if fresh else bytes(SALT_BYTES)
        sealed = self._box.encrypt(number.to_bytes(NUMBER_BYTES, "big") + salt, self._about)
        return base64.urlsafe_b64encode(sealed).decode()

    def read(self, text: str) -> int:
        """Gives the number of a cursor. Raises RequestError for one that was not given so."""
        try:
            sealed = base64.b64decode(text[:MAX_CURSOR], altchars=b"-_", validate=True)
            opened = self._box.decrypt(sealed, self._about)
            return int.from_bytes(opened[:NUMBER_BYTES], "big")
        except (InvalidTag, ValueError) as error:
            problem = Problem("after", "bad_cursor")
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem]) from error
