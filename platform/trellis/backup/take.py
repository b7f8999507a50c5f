"""Making a backup while the instance is in use."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from metadata.access import SYSTEM
from metadata.packages.manifest import PRODUCT_VERSION
from trellis.audit.events import write_event
from trellis.audit.seals import Seals, seal
from trellis.audit.verify import Head
from trellis.backup import postgresql, sqlite
from trellis.backup.archive import HEADS, Writer
from trellis.backup.errors import BackupError, refuse_if
from trellis.backup.facts import Facts
from trellis.backup.manifest import FORMAT, UPLOADS, Digest, Manifest, encode
from trellis.backup.manifest import Head as AuditHead
from trellis.backup.secrets import sealed_probes, secret_mark
from trellis.checkpoints import BusyError, try_lock
from trellis.files.blobs import Blobs, sync_folder
from trellis.runtime import Platform


def back_up(platform: Platform, target: Path) -> Manifest:
    """Writes a backup of one moment into a new file; gives its manifest.

    Until it is whole, all lies in the folder `<target>.part`, which is gone at the end. Raises
    BackupError and BusyError.
    """
    refuse_if(place_problems(target))
    if platform.database.dialect == "postgresql":
        postgresql.program("pg_dump", platform.settings.postgresql_programs)
    note_backup(platform, target)
    with work_folder(target) as folder, telling_of(target):
        path = folder / "archive"
        manifest = written(platform, folder, path)
        path.replace(target)
        sync_folder(target.parent)
    return manifest


def place_problems(target: Path) -> Iterator[str]:
    """Gives why nothing can be written to a place."""
    if target.exists():
        yield f"{target} exists already: name another file, since a backup is never overwritten"
    if not target.parent.is_dir():
        yield f"{target.parent} is no folder: make it first"


def note_backup(platform: Platform, target: Path) -> None:
    """Writes into the audit that a backup is made, and signs its head."""
    with platform.database.write() as connection:
        values = {"file": target.name}
        write_event(connection, "backup", by=SYSTEM.name, at=datetime.now(UTC), values=values)
    seal(platform.database, platform.settings)


@contextmanager
def work_folder(target: Path) -> Iterator[Path]:
    """Gives an empty folder beside a file that is to be made; gone at the end.

    What a process left there that was killed goes too. Raises BusyError while another one makes the
    same file.
    """
    folder = target.with_name(f"{target.name}.part")
    with telling_of(target):
        folder.mkdir(mode=0o700, exist_ok=True)
    with try_lock(folder / "lock") as is_ours:
        if not is_ours:
            raise BusyError(f"another process writes {target}")
        for left in folder.iterdir():
            if left.name != "lock":
                left.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def telling_of(target: Path) -> Iterator[None]:
    """Turns what a disk refuses into BackupError."""
    try:
        yield
    except OSError as error:
        raise BackupError([f"{target} cannot be written: {error.strerror}"]) from error
    except sqlite3.OperationalError as error:
        raise BackupError([f"{target} cannot be written: {error}"]) from error


def written(platform: Platform, folder: Path, path: Path) -> Manifest:
    """Writes the archive; gives its manifest."""
    settings = platform.settings
    seals = Seals(settings.instance)
    with closing(Writer(path)) as archive:
        if platform.database.dialect == "sqlite":
            facts, tables = sqlite.take(platform.database, folder, archive)
        else:
            programs = settings.postgresql_programs
            facts, tables = postgresql.take(platform.database, programs, archive)
        lost = add_contents(archive, platform.blobs, facts.contents)
        archive.add(HEADS, io.BytesIO(lines_of(seals.read(), facts.sequence)))
        manifest = describe(platform, facts, tables, archive.files, lost, seals.public_key())
        archive.finish(encode(manifest, settings.cipher))
    return manifest


def add_contents(archive: Writer, blobs: Blobs, addresses: Sequence[str]) -> list[str]:
    """Puts the contents of files into the archive; gives those that are not there."""
    lost = []
    for address in addresses:
        try:
            with blobs.open(address) as file:
                archive.add(f"{UPLOADS}{address[:2]}/{address[2:]}", file)
        except FileNotFoundError:
            lost.append(address)
    return lost


def lines_of(heads: Sequence[Head], last: int) -> bytes:
    """Gives the signed heads up to a row of the audit, one a line: later ones say more than the
    backup holds."""
    kept = [head for head in heads if int(head["sequence"]) <= last]
    return "".join(json.dumps(dict(head)) + "\n" for head in kept).encode()


def describe(
    platform: Platform,
    facts: Facts,
    tables: dict[str, Digest],
    files: dict[str, Digest],
    lost: Sequence[str],
    public_key: str,
) -> Manifest:
    """Gives the manifest of what was written."""
    return Manifest(
        format=FORMAT,
        trellis=PRODUCT_VERSION,
        database=platform.database.dialect,
        database_version=facts.version,
        taken_at=facts.taken_at,
        catalog=facts.catalog,
        audit=AuditHead(facts.sequence, facts.hash, public_key),
        keys=sealed_probes(platform.settings.cipher),
        secret=secret_mark(platform.settings),
        tables=tables,
        files=dict(files),
        lost=tuple(lost),
    )
