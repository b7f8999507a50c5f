"""The archive: written once from the front to the end, read in any order."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from trellis.backup.errors import BackupError
from trellis.backup.manifest import Digest, Manifest, decode

MANIFEST, DATABASE, HEADS = "manifest.json", "database", "audit/heads.jsonl"
CHUNK_BYTES = 1 << 20
# What is wrong with a zip archive, or with the packed bytes in it.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)


class Target(Protocol):
    """Something to write to."""

    def write(self, data: bytes, /) -> object:
        """Takes some bytes."""


class Writer:
    """An archive that is being written; `files` are those that are in it by now."""

    def __init__(self, path: Path) -> None:
        self.files: dict[str, Digest] = {}
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._zip = zipfile.ZipFile(self._file, "w", compresslevel=1)

    def add(self, name: str, source: IO[bytes], *, packed: bool = False) -> None:
        """Puts in what is read from `source`; `packed` makes it smaller."""
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        entry.external_attr = 0o600 << 16
        with self._zip.open(entry, "w", force_zip64=True) as file:
            self.files[name] = copy(source, file)

    def finish(self, manifest: bytes) -> None:
        """Writes the manifest and has the disk keep it all."""
        self._zip.writestr(zipfile.ZipInfo(MANIFEST), manifest)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Lets go of the file, finished or not."""
        for each in (self._zip, self._file):
            with suppress(OSError, ValueError):  # a full disk refuses this too
                each.close()


class Reader:
    """An archive that is read, with its manifest."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip = archive
        self.manifest = manifest

    def text(self, name: str) -> bytes:
        """Gives a small file."""
        return self._zip.read(name)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Opens a file."""
        with self._zip.open(name) as file:
            yield file

    def extract(self, name: str, path: Path) -> None:
        """Writes a file to a place where there is none, for its owner only."""
        with self.open(name) as source:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as target:
                copy(source, target)
                target.flush()
                os.fsync(target.fileno())

    def problems(self) -> Iterator[str]:
        """Gives all that is missing, changed or too much, having read everything."""
        wanted = self.manifest.files
        there = {*self._zip.namelist()} - {MANIFEST}
        for name in sorted(wanted.keys() - there):
            yield f"{name} is not in the archive"
        for name in sorted(there - wanted.keys()):
            yield f"{name} is in the archive, and the manifest does not name it"
        for name in sorted(wanted.keys() & there):
            if self._digest(name) != wanted[name]:
                yield f"{name} is not what it was when the backup was made"

    def _digest(self, name: str) -> Digest | None:
        try:
            with self.open(name) as file:
                return copy(file, Nowhere())
        except BROKEN:
            return None


class Nowhere:
    """Takes bytes and forgets them."""

    def write(self, data: bytes, /) -> None:
        """Does nothing."""


@contextmanager
def opened_archive(path: Path) -> Iterator[Reader]:
    """Opens a backup. Raises BackupError for what is none, or is cut off."""
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise BackupError(
            [f"{path} is no whole backup ({error}): copy it again from where it was made"]
        ) from error
    with archive:
        try:
            text = archive.read(MANIFEST)
        except (*BROKEN, KeyError) as error:
            raise BackupError([f"{path} is no backup: it has no readable {MANIFEST}"]) from error
        yield Reader(archive, decode(text))


def copy(source: IO[bytes], target: Target) -> Digest:
    """Copies bytes to the end; gives what they were."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(CHUNK_BYTES):
        digest.update(piece)
        size += len(piece)
        target.write(piece)
    return Digest(size, digest.hexdigest())
