"""Taking files in: streamed, measured, looked into, and only then known."""

from __future__ import annotations

import io
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import IO

import sqlalchemy as sa

from metadata.fields.base import FieldDefinition
from metadata.fields.files import FileFacts, FileLimits
from metadata.fields.types.file import File
from metadata.problems import Problem
from trellis.errors import Refused
from trellis.files.access import FRESH
from trellis.files.blobs import Blob, Blobs, TooLargeError
from trellis.files.pictures import MAX_PIXELS, Picture, PictureError, clean_picture
from trellis.files.sniffing import sniff
from trellis.files.tables import facts_of, file_use, stored_file

MAX_NAME_CHARACTERS = 200
MAX_WAITING = 1_000
"""So many files of one person may wait for their records."""
USUAL_NAME = "file"
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class TooLarge(Refused):
    """A file with more bytes than may be sent (413)."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an upload is for: the limits of its field, and whether it is to be a picture."""

    limits: FileLimits
    is_picture: bool = False
    path: str = "/file"


@dataclass(frozen=True, slots=True)
class Stored:
    """A content that is in its place, not yet known to the database."""

    name: str
    media_type: str
    content: Blob
    thumbnail: Blob | None = None
    thumbnail_media_type: str | None = None
    is_picture: bool = False


def purpose_of(field: FieldDefinition, most_bytes: int, path: str) -> Purpose:
    """Gives what an upload into a field has to be. Raises TypeError for a field of no files."""
    if not isinstance(field.type, File):
        raise TypeError(f"{field.name} takes no files")
    limits = field.type.limits(field)
    bounded = FileLimits(min(limits.max_bytes, most_bytes), limits.media_types)
    return Purpose(bounded, field.type.is_picture, path)


def take_in(blobs: Blobs, source: IO[bytes], claimed_name: str | None, purpose: Purpose) -> Stored:
    """Stores a content and says what it is. Raises TooLarge or Refused.

    `source` can be read twice (a form's file lies on the disk already).
    """
    name, limits = clean_name(claimed_name), purpose.limits
    size = source.seek(0, io.SEEK_END)
    if size > limits.max_bytes:
        raise TooLarge(
            [said(purpose, "file_too_large", name=name, size=size, limit=limits.max_bytes)]
        )
    if size == 0:
        raise Refused([said(purpose, "file_empty", name=name)])
    media_type = sniff(source, name)
    if not limits.accepts(media_type):
        known = limits.media_types
        raise Refused([said(purpose, "file_media_type", name=name, found=media_type, known=known)])
    if purpose.is_picture:
        return take_picture(blobs, source, name, purpose)
    source.seek(0)
    try:
        return Stored(name, media_type, blobs.put(source, limits.max_bytes))
    except TooLargeError as error:
        raise TooLarge(
            [said(purpose, "file_too_large", name=name, size=size, limit=limits.max_bytes)]
        ) from error


def take_picture(blobs: Blobs, source: IO[bytes], name: str, purpose: Purpose) -> Stored:
    """Stores a picture written anew, and its thumbnail."""
    try:
        picture = clean_picture(source)
    except PictureError as error:
        if error.pixels is None:
            problem = said(purpose, "picture_unreadable", name=name)
        else:
            values = {"name": name, "pixels": error.pixels, "limit": MAX_PIXELS}
            problem = said(purpose, "picture_too_large", **values)
        raise Refused([problem]) from error
    small = blobs.put(io.BytesIO(picture.thumbnail), len(picture.thumbnail))
    whole = blobs.put(io.BytesIO(picture.content), len(picture.content))
    kind = picture.thumbnail_media_type
    return Stored(with_ending(name, picture), picture.media_type, whole, small, kind, True)


def said(purpose: Purpose, code: str, **values: object) -> Problem:
    """Words a problem at the place that the upload is for."""
    return Problem(purpose.path, code, values)


def register(connection: sa.Connection, stored: Stored, *, by: str, at: datetime) -> FileFacts:
    """Makes a stored content known as a file of somebody; it waits a day for its record.

    Raises Refused for somebody of whom too many files wait already.
    """
    refuse_flood(connection, by, at)
    row = {
        "id": str(uuid.uuid4()),
        "sha256": stored.content.sha256,
        "thumbnail": stored.thumbnail.sha256 if stored.thumbnail else None,
        "thumbnail_media_type": stored.thumbnail_media_type,
        "size": stored.content.size,
        "media_type": stored.media_type,
        "is_picture": stored.is_picture,
        "name": stored.name,
        "uploaded_by": by,
        "uploaded_at": at,
    }
    connection.execute(sa.insert(stored_file).values(row))
    return facts_of(row)


def refuse_flood(connection: sa.Connection, by: str, at: datetime) -> None:
    """Raises Refused when too many files of somebody wait for their records."""
    held = sa.select(file_use.c.file).where(file_use.c.file == stored_file.c.id)
    waiting = sa.select(sa.func.count()).where(
        stored_file.c.uploaded_by == by, stored_file.c.uploaded_at > at - FRESH, ~held.exists()
    )
    if int(connection.scalar(waiting) or 0) >= MAX_WAITING:
        raise Refused([Problem("", "too_many_uploads", {"limit": MAX_WAITING})])


def clean_name(claimed: str | None) -> str:
    """Gives the last part of a name without what is not seen or turns the writing round."""
    plain = unicodedata.normalize("NFC", claimed or "").replace("\\", "/").rpartition("/")[2]
    seen = "".join(one for one in plain if unicodedata.category(one) not in UNSEEN).strip(" .")
    if len(seen) <= MAX_NAME_CHARACTERS:
        return seen or USUAL_NAME
    ending = PurePosixPath(seen).suffix[:20]
    return seen[: MAX_NAME_CHARACTERS - len(ending)] + ending


def with_ending(name: str, picture: Picture) -> str:
    """Gives a picture's name with the ending of what it is now."""
    endings = tuple(endings_of(picture.media_type))
    if name.lower().endswith(endings):
        return name
    return f"{PurePosixPath(name).stem}{endings[0]}"


def endings_of(media_type: str) -> Iterator[str]:
    """Gives the usual endings of a picture's name."""
    yield f".{media_type.partition('/')[2].replace('jpeg', 'jpg')}"
    if media_type == "image/jpeg":
        yield ".jpeg"
