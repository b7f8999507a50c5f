"""Tables as JSON objects, one on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import IO, Final

from metadata.json_text import read_json
from metadata.problems import Problem
from trellis.errors import Refused

MAX_LINE: Final = 4 << 20


def read_json_lines(stream: IO[bytes]) -> Iterator[Mapping[str, object]]:
    """Gives the objects; numbers with a point that would lose a digit are texts.

    Raises Refused for a line that is no JSON object.
    """
    stream.seek(0)
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            values = {"line": number, "limit": MAX_LINE}
            raise Refused([Problem("/file", "import_line_too_long", values)])
        if not line.strip():
            continue
        document, problems = read_json(line.removeprefix(b"\xef\xbb\xbf"), exact=True)
        if problems or not isinstance(document, Mapping):
            raise Refused([Problem("/file", "import_json_line", {"line": number})])
        yield {str(name): plain(value) for name, value in document.items()}


def plain(value: object) -> object:
    """Gives a value as JSON without numbers that have lost digits."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if repr(number) == str(value) else str(value)
    if isinstance(value, (Mapping, list)):
        return json.loads(json.dumps(value, default=float))
    return value
