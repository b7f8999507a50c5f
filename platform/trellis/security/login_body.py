"""The body of a login, which comes from anybody: read as strictly as those of the API."""

from __future__ import annotations

from typing import Final

from flask import request

from metadata.json_text import read_json
from metadata.problems import Problem

MAX_BYTES: Final = 16 << 10


def read_login() -> tuple[object, list[Problem]]:
    """Gives the JSON document of the body, or what keeps it from being read.

    Raises RequestEntityTooLarge.
    """
    request.max_content_length = MAX_BYTES
    return read_json(request.get_data())
