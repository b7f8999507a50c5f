"""Handing files out: by their ids, to those who read a record that holds them."""

from __future__ import annotations

from urllib.parse import quote

from flask import request, send_file
from werkzeug.wrappers import Response

from metadata.problems import Problem
from trellis import current
from trellis.declared import declares
from trellis.errors import Missing
from trellis.files.access import file_for
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
    try:
        content = current.platform().blobs.open(address)
    except FileNotFoundError as error:
        raise Missing([Problem("", "missing_file", {})]) from error
    answer: Response = send_file(content, mimetype=safe_type(media_type), etag=False, max_age=None)
    answer.headers["Content-Disposition"] = disposition(row["name"], inline=is_shown)
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    # What somebody may have today is not kept for whoever asks tomorrow, nor for others.
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def safe_type(media_type: str) -> str:
    """Gives the media type to say: none that a browser would run."""
    known = media_type.startswith(FAMILIES) and media_type not in RUN_BY_BROWSERS
    return media_type if known else UNNAMED


def disposition(name: str, *, inline: bool) -> str:
    """Gives what browsers do with a file, and its name in ASCII and in full (RFC 6266, 8187)."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    quoted = plain.replace("\\", "_").replace('"', "_").replace("%", "_")
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{quoted}\"; filename*=UTF-8''{quote(name, safe='')}"
