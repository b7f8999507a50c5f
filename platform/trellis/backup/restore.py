"""Bringing a backup back: everything is checked before anything is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from metadata.access import SYSTEM
from trellis.audit.events import write_event
from trellis.audit.evidence import findings
from trellis.audit.seals import PUBLIC_KEY, Seals, seal
from trellis.audit.sequencer import head_of, sequence
from trellis.audit.verify import Head
from trellis.backup import postgresql, sqlite
from trellis.backup.archive import DATABASE, HEADS, Reader, opened_archive
from trellis.backup.errors import BackupError, refuse_if
from trellis.backup.held import hold
from trellis.backup.manifest import UPLOADS, Manifest, problems_of
from trellis.backup.secrets import key_problems, known_public_key, secret_problems
from trellis.checkpoints import BusyError, try_lock
from trellis.config import UNFINISHED_FILE, Settings
from trellis.db import Database
from trellis.files.blobs import LocalBlobs, sync_folder
from trellis.upkeep import make_tables

SHOWN: Final = 20
LOCKS: Final = ("serve.lock", "init.lock")
NOT_EMPTY: Final = "restore into an empty one, or add --replace, which destroys what it holds"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator chose: to destroy what is there, to pause what leaves, to go on with
    another secret key and another key of the audit."""

    replace: bool = False
    hold: bool = False
    new_secrets: bool = False


@dataclass(frozen=True, slots=True)
class Restoring:
    """One restore: from an archive into the instance of some settings."""

    archive: Reader
    settings: Settings
    database: Database
    choices: Choices

    @property
    def manifest(self) -> Manifest:
        """Gives what the backup says of itself."""
        return self.archive.manifest

    def problems(self) -> Iterator[str]:
        """Gives all that is in the way, by reading only."""
        settings, manifest = self.settings, self.manifest
        yield from problems_of(manifest, self.database.dialect, settings.cipher)
        yield from key_problems(manifest, settings.cipher)
        if not self.choices.new_secrets:
            yield from secret_problems(manifest, settings)
        if not self.choices.replace:
            yield from self.not_empty()
        yield from self.archive.problems()

    def not_empty(self) -> Iterator[str]:
        """Says that the database holds something."""
        if self.database.dialect == "postgresql":
            with self.database.read() as connection:
                number: int | None = postgresql.tables_there(connection)
        else:
            number = sqlite.tables_there(self.file)
        if number is None:
            yield f"{self.file} is there and cannot be read: {NOT_EMPTY}"
        elif number:
            yield f"the database is not empty, it has {number} tables: {NOT_EMPTY}"

    @property
    def file(self) -> Path:
        """Gives SQLite's file."""
        if self.database.file is None:
            raise BackupError(["a database in memory cannot be restored"])
        return self.database.file

    def heads(self) -> list[Head]:
        """Gives the signed heads of the backup."""
        return [json.loads(line) for line in self.archive.text(HEADS).splitlines()]

    def put_sqlite(self) -> int:
        """Makes the new file beside the old one, checks it, and puts it in its place."""
        staged = self.file.with_name(f"{self.file.name}.restoring")
        with ExitStack() as after:
            for path in (staged, *(staged.with_name(staged.name + end) for end in sqlite.BESIDE)):
                path.unlink(missing_ok=True)
                after.callback(path.unlink, missing_ok=True)
            self.archive.extract(DATABASE, staged)
            refuse_if(self.manifest.differing(sqlite.digests(staged)))
            held = self.brought_forward(sqlite.address_of(staged))
            sqlite.settle(staged)
            self.put_contents()
            with unfinished(self.settings.instance, lambda: sqlite.refuse_open(self.file)):
                sqlite.put_in_place(staged, self.file)
                self.put_heads()
        return held

    def put_postgresql(self) -> int:
        """Fills the database in one transaction, then checks what it holds."""
        programs = self.settings.postgresql_programs
        dump = self.settings.run_folder / "database.dump"
        with ExitStack() as after:
            dump.unlink(missing_ok=True)
            after.callback(dump.unlink, missing_ok=True)
            self.archive.extract(DATABASE, dump)
            refuse_if(filter(None, [postgresql.problem_of(dump, programs)]))
            self.put_contents()
            connection = after.enter_context(postgresql.unlimited(self.database))
            with unfinished(self.settings.instance, lambda: self.played(connection, dump)):
                refuse_if(self.manifest.differing(postgresql.digests(connection)))
                connection.exec_driver_sql("ANALYZE")
                held = self.brought_forward(self.settings.database_url)
                self.put_heads()
        return held

    def played(self, connection: sa.Connection, dump: Path) -> None:
        """Fills the database where nobody else is connected."""
        postgresql.refuse_open(connection)
        programs = self.settings.postgresql_programs
        postgresql.put(connection, programs, dump, emptied=self.choices.replace)

    def brought_forward(self, url: str) -> int:
        """Checks the audit of a database that holds the backup, and makes it one that goes on;
        gives how much is paused."""
        database = Database(url, cipher=self.settings.cipher)
        try:
            with database.read() as connection:
                refuse_if(self.audit_problems(connection))
            make_tables(database)
            held = hold(database) if self.choices.hold else 0
            with database.write() as connection:
                values = {"backup": self.manifest.taken_at, "held": held}
                now = datetime.now(UTC)
                write_event(connection, "restored", by=SYSTEM.name, at=now, values=values)
            sequence(database)
        finally:
            database.dispose()
        return held

    def audit_problems(self, connection: sa.Connection) -> Iterator[str]:
        """Gives what is wrong with the audit."""
        told = self.manifest.audit
        if head_of(connection) != (told.sequence, told.hash):
            yield f"the audit does not end with row {told.sequence}, as the manifest says"
        for finding in islice(findings(connection, self.heads(), told.public_key), SHOWN):
            yield f"the audit is wrong: {finding.sequence or '-'}: {finding.text}"

    def put_contents(self) -> None:
        """Stores the contents of files; those of the same address stay as they are."""
        blobs = LocalBlobs(self.settings.uploads_folder)
        for name, digest in self.manifest.files.items():
            if name.startswith(UPLOADS):
                with self.archive.open(name) as file:
                    blobs.put(file, digest.count)

    def put_heads(self) -> None:
        """Puts the signed heads in place. Those that were there stay beside them; so do those of
        the backup when another key goes on."""
        seals = Seals(self.settings.instance)
        seals.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text, target = self.archive.text(HEADS), seals.heads
        if seals.heads.exists() and seals.heads.read_bytes() != text:
            seals.heads.rename(free_place(seals.heads, "replaced"))
        if known_public_key(self.settings) != self.manifest.audit.public_key:
            target = free_place(seals.heads, "restored")
            key = target.with_name(f"{target.stem}-{PUBLIC_KEY}")
            key.write_text(self.manifest.audit.public_key + "\n", "ascii")
        target.write_bytes(text)
        sync_folder(seals.folder)


def check(settings: Settings, source: Path, choices: Choices) -> Manifest:
    """Reads a whole backup and gives its manifest; raises BackupError when it could not be restored
    with the keys of an instance."""
    database = Database(settings.database_url, cipher=settings.cipher)
    try:
        with opened_archive(source) as archive:
            one = Restoring(archive, settings, database, replace(choices, replace=True))
            refuse_if(one.problems())
            return archive.manifest
    finally:
        database.dispose()


def restore(settings: Settings, source: Path, choices: Choices) -> tuple[Manifest, int]:
    """Brings a backup into the instance of some settings; gives its manifest and how many letters
    and messages of webhooks are paused.

    Raises BackupError, before anything was changed unless the disk or the server gives up in the
    middle: then the instance does not start before a restore has come to its end. Raises BusyError.
    """
    database = Database(settings.database_url, cipher=settings.cipher)
    try:
        with opened_archive(source) as archive, telling_of_disk():
            one = Restoring(archive, settings, database, choices)
            if database.dialect == "postgresql":
                for name in ("pg_restore", "psql"):
                    postgresql.program(name, settings.postgresql_programs)
            refuse_if(one.problems())
            with alone(settings):
                is_sqlite = database.dialect == "sqlite"
                held = one.put_sqlite() if is_sqlite else one.put_postgresql()
        seal(database, settings)
        return archive.manifest, held
    finally:
        database.dispose()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keeps `serve`, `init` and other restores out meanwhile. Raises BusyError."""
    for folder in (settings.instance, settings.run_folder, settings.uploads_folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        for name in LOCKS:
            if not held.enter_context(try_lock(settings.run_folder / name)):
                raise BusyError(f"{settings.instance} is in use: stop `trellis serve` first")
        yield


@contextmanager
def unfinished(instance: Path, begin: Callable[[], None]) -> Iterator[None]:
    """Has the instance refuse to start until the end is reached.

    What `begin` refuses has changed nothing.
    """
    mark = instance / UNFINISHED_FILE
    was_there = mark.exists()
    mark.write_text(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n", "ascii")
    sync_folder(instance)
    try:
        begin()
    except BackupError:
        if not was_there:
            mark.unlink()
        raise
    yield
    mark.unlink()
    sync_folder(instance)


@contextmanager
def telling_of_disk() -> Iterator[None]:
    """Turns what a disk refuses into BackupError."""
    try:
        yield
    except OSError as error:
        place = os.fspath(error.filename) if error.filename else "the disk"
        raise BackupError([f"{place} cannot be written: {error.strerror}"]) from error


def free_place(path: Path, word: str) -> Path:
    """Gives a name beside a file that is not taken."""
    number = 1
    while (found := path.with_name(f"{path.stem}-{word}-{number}{path.suffix}")).exists():
        number += 1
    return found
