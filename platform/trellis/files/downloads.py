"""Answers that browsers save: their names, and that nobody keeps them for somebody else."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from flask import Response, send_file

from metadata.problems import Problem
from trellis import current
from trellis.errors import Missing

# What a quoted text in a header cannot hold, or what browsers read otherwise.
UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f?"%\\]')


def as_download(answer: Response, name: str, *, inline: bool = False) -> Response:
    """Gives an answer that browsers save under a name; `inline` ones they may show.

    Neither they nor those between keep it: what somebody may have today, another may not tomorrow.
    """
    answer.headers["Content-Disposition"] = disposition(name, inline=inline)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def stored_answer(digest: str, media_type: str, code: str) -> Response:
    """Gives the content of a stored file. Raises Missing with `code` when it is gone."""
    try:
        content = current.platform().blobs.open(digest)
    except FileNotFoundError as error:
        raise Missing([Problem("", code, {})]) from error
    return send_file(content, mimetype=media_type, etag=False, max_age=None)


def zip_answer(content: bytes, name: str) -> Response:
    """Gives a zip as a download; `name` comes without its ending."""
    return as_download(Response(content, content_type="application/zip"), f"{name}.zip")


def disposition(name: str, *, inline: bool) -> str:
    """Gives what browsers do with a file, and its name in ASCII and in full (RFC 6266, 8187)."""
    plain = UNSAFE.sub("_", name.encode("ascii", "replace").decode())
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
