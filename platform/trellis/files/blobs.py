"""Contents of files, addressed by what they are: the same content is kept once."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

CHUNK_BYTES = 1 << 18
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
FRESH_SECONDS = 3_600
"""So long a content may lie without a row: an upload is under way."""


class TooLargeError(Exception):
    """A content has more bytes than may be stored."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored content."""

    sha256: str
    size: int


class Blobs(Protocol):
    """Where contents are kept. All methods are safe beside other processes."""

    def put(self, source: IO[bytes], limit: int) -> Blob:
        """Stores a content that is read piece by piece. Raises TooLargeError beyond `limit`."""

    def open(self, sha256: str) -> IO[bytes]:
        """Opens a content. Raises FileNotFoundError."""

    def all(self) -> Iterator[str]:
        """Gives the addresses of all contents."""

    def remove(self, sha256: str) -> bool:
        """Removes a content, unless it was stored a moment ago; says whether it did."""

    def sweep(self) -> int:
        """Removes what uploads that were cut off have left; gives how many pieces."""


class LocalBlobs:
    """Contents as files of one folder, two letters of the address deep; nobody else reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Gives where a content is. Raises ValueError for what is no address."""
        if not SHA256.fullmatch(sha256):
            raise ValueError("not the address of a content")
        return self.folder / sha256[:2] / sha256[2:]

    def put(self, source: IO[bytes], limit: int) -> Blob:
        """Writes beside the others, then moves into place: nothing half-written has an address."""
        with self._unfinished() as (path, file):
            digest, size = hashlib.sha256(), 0
            while piece := source.read(CHUNK_BYTES):
                size += len(piece)
                if size > limit:
                    raise TooLargeError
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            target = self.path(digest.hexdigest())
            target.parent.mkdir(mode=0o700, exist_ok=True)
            path.replace(target)
            sync_folder(target.parent)
        return Blob(digest.hexdigest(), size)

    @contextmanager
    def _unfinished(self) -> Iterator[tuple[Path, IO[bytes]]]:
        """Gives a file of this folder that is gone at the end unless it was moved."""
        unfinished = self.folder / "unfinished"
        unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=unfinished)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    def open(self, sha256: str) -> IO[bytes]:
        """Opens the file."""
        return self.path(sha256).open("rb")

    def all(self) -> Iterator[str]:
        """Gives the addresses of all contents."""
        for path in self.folder.glob("??/*"):
            address = path.parent.name + path.name
            if SHA256.fullmatch(address):
                yield address

    def remove(self, sha256: str) -> bool:
        """Takes the file aside first: one that was stored again meanwhile goes back."""
        path = self.path(sha256)
        aside = self.folder / "unfinished" / f"removed-{sha256}"
        if is_fresh(path):
            return False
        try:
            aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(aside)
        except FileNotFoundError:
            return False
        if is_fresh(aside):
            aside.replace(path)
            return False
        aside.unlink(missing_ok=True)
        return True

    def sweep(self) -> int:
        """Removes files that were never moved into place."""
        left = [path for path in self.folder.glob("unfinished/*") if not is_fresh(path)]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def is_fresh(path: Path) -> bool:
    """Says whether a file was written a moment ago."""
    try:
        return time.time() - path.stat().st_mtime < FRESH_SECONDS
    except FileNotFoundError:
        return False


def sync_folder(folder: Path) -> None:
    """Has the disk keep which files a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
