"""What the routes take and answer that give programs their tokens; Flask-AppBuilder has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.api.operations import FLAG, TEXT, Answer, Body, Operation, closed
from trellis.phrases import Sentence

TOKEN = {
    "type": "object",
    "properties": {"access_token": TEXT, "refresh_token": TEXT},
    "required": ["access_token"],
}

LOGIN_OPERATIONS: Final[Mapping[str, Operation]] = {
    "SecurityApi.login": Operation(
        Sentence("Get a token for a user name and a password"),
        {200: Answer(Sentence("The token; one to refresh it, where that was asked for."), TOKEN)},
        body=Body(
            closed(
                {
                    "username": TEXT,
                    "password": {"type": "string", "format": "password"},
                    "provider": {"enum": ["db"]},
                    "refresh": FLAG,
                },
                ("username", "password", "provider"),
            )
        ),
    ),
    "SecurityApi.refresh": Operation(
        Sentence("Get a new token; the bearer is the refresh token"),
        {200: Answer(Sentence("The token."), TOKEN)},
    ),
}
"""By endpoint."""
