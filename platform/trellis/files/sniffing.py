"""What a file is, by its content; what its sender says of it counts for nothing."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import IO

HEAD_BYTES = 8_192
MAX_MEMBERS = 2_000
UNKNOWN = "application/octet-stream"

# (offset, beginning, media type); the signatures are those of each format's own specification.
SIGNATURES: Sequence[tuple[int, bytes, str]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"\x7fELF", "application/x-executable"),
)
CONTAINERS = ("image/webp", "audio/wav", "video/x-msvideo")  # all begin with RIFF
MARKUP: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"<svg[\s>]", re.IGNORECASE), "image/svg+xml"),
    (re.compile(r"<(!doctype\s+html|html|head|body|script|iframe|meta)[\s>]", re.I), "text/html"),
    (re.compile(r"^\s*<\?xml", re.IGNORECASE), "application/xml"),
)
# Texts are told apart by the ending of the name: nothing runs because of it.
TEXTS: Mapping[str, str] = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
    ".eml": "message/rfc822",
}
OFFICE: Mapping[str, str] = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
BRANDS: Mapping[bytes, str] = {b"heic": "image/heic", b"heix": "image/heic", b"avif": "image/avif"}


def sniff(file: IO[bytes], name: str) -> str:
    """Gives the media type of a content; the name only tells kinds of plain text apart."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "video/mp4")
    for offset, beginning, media_type in SIGNATURES:
        if head[offset : offset + len(beginning)] == beginning and (
            media_type not in CONTAINERS or head[:4] == b"RIFF"
        ):
            return media_type
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return sniff_zip(file)
    return sniff_text(head, name)


def sniff_zip(file: IO[bytes]) -> str:
    """Tells office documents from other archives by the names in them; nothing is unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [member.filename for member in archive.infolist()[:MAX_MEMBERS]]
            if names[:1] == ["mimetype"] and archive.infolist()[0].file_size <= 100:
                found = archive.read("mimetype").decode("ascii", "replace")
                is_office = re.fullmatch(r"application/[a-z0-9.+-]+", found)
                return found if is_office else "application/zip"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return UNKNOWN
    if "[Content_Types].xml" in names:
        for folder, media_type in OFFICE.items():
            if any(member.startswith(folder) for member in names):
                return media_type
    return "application/zip"


def sniff_text(head: bytes, name: str) -> str:
    """Tells text from other bytes, and what a browser would run from what it only shows."""
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.start < len(head) - 4:
            return UNKNOWN
        text = head[: error.start].decode("utf-8-sig")
    if any(character < " " and character not in "\t\n\r\f" for character in text):
        return UNKNOWN
    for pattern, media_type in MARKUP:
        if pattern.search(text):
            return media_type
    return TEXTS.get(PurePosixPath(name.lower()).suffix, "text/plain")
