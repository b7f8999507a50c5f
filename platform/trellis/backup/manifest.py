"""What a backup says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from metadata.encryption import Cipher
from metadata.packages.manifest import PRODUCT_VERSION, is_older
from trellis.backup.errors import BackupError

FORMAT: Final = 1
UPLOADS: Final = "uploads/"
"""Where the contents of files are in a backup, by their addresses."""
MARK: Final = "backup manifest"
"""What the keyed hash of a manifest is made for; no field of a record has such a name."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What some content has to be: `count` are the bytes of a file or the rows of a table."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of the audit, and the public key that its signed heads fit."""

    sequence: int
    hash: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is and what has to be in it.

    `taken_at` is the database's time in wire form. `keys` has for each encryption key, by its id, a
    text that it sealed; `secret` is a keyed hash made with the secret key. `lost` are addresses of
    contents that were not there any more. `mark` is a keyed hash of all else: who has no key of the
    instance cannot make one.
    """

    format: int
    trellis: str
    database: str
    database_version: str
    taken_at: str
    catalog: int
    audit: Head
    keys: Mapping[str, str]
    secret: str
    tables: Mapping[str, Digest]
    files: Mapping[str, Digest]
    lost: tuple[str, ...] = ()
    mark: str = ""

    @property
    def rows(self) -> int:
        """Gives how many rows there are in all tables."""
        return sum(table.count for table in self.tables.values())

    @property
    def summary(self) -> str:
        """Gives in a few words what is in the backup."""
        tables = len(self.tables)
        contents = sum(name.startswith(UPLOADS) for name in self.files)
        return f"{self.rows} rows of {tables} tables, {contents} files, as of {self.taken_at}"

    def differing(self, found: Mapping[str, Digest]) -> list[str]:
        """Gives in a sentence each which tables are not what they have to be."""
        names = sorted(found.keys() | self.tables.keys())
        wrong = [name for name in names if found.get(name) != self.tables.get(name)]
        return [f"table {name} is not what it was when the backup was made" for name in wrong]

    def text(self) -> str:
        """Gives the form that is marked, and hashed with the mark."""
        return msgspec.json.encode(replace(self, mark=""), order="sorted").decode()


@dataclass(frozen=True, slots=True)
class Preface:
    """What a manifest of any format says."""

    format: int


def encode(manifest: Manifest, cipher: Cipher | None) -> bytes:
    """Gives a manifest as it is stored, with its mark."""
    mark = cipher.index(manifest.text(), MARK) if cipher else ""
    text = msgspec.json.encode(replace(manifest, mark=mark), order="sorted")
    return msgspec.json.format(text, indent=1)


def decode(text: bytes) -> Manifest:
    """Reads a manifest. Raises BackupError for one that this product cannot read."""
    try:
        found = msgspec.json.decode(text, type=Preface).format
        if found != FORMAT:
            raise BackupError(
                [
                    f"the backup has format {found}, and this Trellis reads format {FORMAT}: "
                    "restore it with the version of Trellis that made it, or a newer one"
                ]
            )
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BackupError([f"manifest.json cannot be read: {error}"]) from error


def problems_of(manifest: Manifest, dialect: str, cipher: Cipher | None) -> Iterator[str]:
    """Gives why a manifest cannot be restored into a database of a kind, by what it says."""
    if is_older(PRODUCT_VERSION, manifest.trellis):
        yield (
            f"the backup was made by Trellis {manifest.trellis}, which is newer than this one, "
            f"{PRODUCT_VERSION}: install {manifest.trellis}"
        )
    if manifest.database != dialect:
        yield (
            f"the backup holds a database of {manifest.database}, and this instance uses {dialect}:"
            " name another database in TRELLIS_DATABASE_URL; the kind changes with "
            "`trellis package export` and exports of records only"
        )
    is_open = cipher is not None and any(key.id in manifest.keys for key in cipher.keys)
    if (
        cipher is not None
        and is_open
        and manifest.mark not in cipher.indexes(manifest.text(), MARK)
    ):
        yield "manifest.json was changed: its mark was not made with a key of the instance"
