"""Handing files out: by their ids, to those who read a record that holds them."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from trellis.declared import declares
from trellis.files.access import file_for
from trellis.files.downloads import as_download, stored_answer
from trellis.web.doors import make_blueprint
from trellis.work import reading

blueprint = make_blueprint("files", "/files")

THUMBNAIL = "thumbnail"
UNNAMED = "application/octet-stream"
# What a browser shows without running anything; the rest is only ever saved.
SHOWN = frozenset({"image/png", "image/jpeg", "image/webp"})
POLICY = "default-src 'none'; img-src 'self'; sandbox; frame-ancestors 'none'"
FAMILIES = ("image/", "audio/", "video/", "application/", "text/")
RUN_BY_BROWSERS = frozenset(
    {"text/html", "image/svg+xml", "application/xml", "text/xml", "application/xhtml+xml"}
)


@blueprint.get("/<file_id>/<path:name>")
@declares("", "read")
def download(file_id: str, name: str) -> Response:
    """Gives a file; the name in the address is for people, the one of the file counts."""
    del name
    row = file_for(reading(), file_id)
    small = request.args.get("size") == THUMBNAIL and row["thumbnail"] is not None
    address = row["thumbnail"] if small else row["sha256"]
    media_type = row["thumbnail_media_type"] if small else row["media_type"]
    is_shown = bool(row["is_picture"]) and media_type in SHOWN
    answer = stored_answer(address, safe_type(media_type), "missing_file")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return as_download(answer, row["name"], inline=is_shown)


def safe_type(media_type: str) -> str:
    """Gives the media type to say: none that a browser would run."""
    known = media_type.startswith(FAMILIES) and media_type not in RUN_BY_BROWSERS
    return media_type if known else UNNAMED
