"""A backup that is made while others write brings everything back, or says why it does not."""

from __future__ import annotations

import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from metadata.locks import Busy
from tests.platform.acting import database_hash, make, stored
from tests.platform.backing_up import (
    RESTORING,
    EmptyDatabase,
    Writers,
    accounts,
    cli,
    digests,
    elsewhere,
    empty_database,
    manifest_of,
    process,
    variables,
)
from tests.platform.filing import PDF, add_folders, make_folder, uploaded
from tests.platform.world import Login, People
from trellis.app import create_app
from trellis.backup import postgresql
from trellis.backup.errors import BackupError
from trellis.backup.manifest import Manifest, encode
from trellis.backup.restore import Choices, restore
from trellis.backup.take import back_up
from trellis.config import Settings
from trellis.runtime import Platform, open_platform

__all__ = ["empty_database"]

SECRET_NUMBER = "CANARY110101199003071234"


def test_what_was_committed_before_a_backup_began_comes_back(
    platform: Platform, login: Login, tmp_path: Path, empty_database: EmptyDatabase
) -> None:
    settings, file = platform.settings, tmp_path / "night.backup"
    add_folders(platform)
    rita = login("rita")
    folder = make_folder(rita, id_number=SECRET_NUMBER, contract=uploaded(rita, PDF))
    writers = Writers(platform)
    with writers.at_work():
        while len(writers.ids) < 30:
            pass
        before = set(writers.ids)
        done = process(settings, "backup", str(file))
        said, errors = done.communicate()
        assert (done.returncode, errors) == (0, "")
    assert set(writers.ids) > before
    manifest = manifest_of(file)
    assert said.splitlines() == [
        f"{file}: {manifest.rows} rows of {len(manifest.tables)} tables, 1 files, "
        f"as of {manifest.taken_at}",
        "It can only be restored with secret_key, encryption_keys and audit_key of the instance: "
        "keep them apart from it.",
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    assert SECRET_NUMBER.encode() not in file.read_bytes()

    with elsewhere(settings, tmp_path / "new", empty_database) as new:
        restored = cli(new, "restore", str(file))
        assert (restored.returncode, restored.stderr) == (0, "")
        assert restored.stdout.splitlines()[1:] == [
            f"The tables are what the manifest says; {manifest.audit.sequence} rows of the audit "
            "verify."
        ]
        wanted = {name: one for name, one in manifest.tables.items() if name not in RESTORING}
        assert digests(new) == wanted
        assert cli(new, "audit", "verify").stdout == "the audit is right\n"
        doctor = cli(new, "doctor").stdout.splitlines()
        assert [line for line in doctor if line.startswith("wrong")] == []
        here = open_platform(new)
        app = create_app(new, platform=here)
        assert before <= accounts(here) <= set(writers.ids)
        found = stored(here, "folder", folder)
        assert found["id_number"] == SECRET_NUMBER
        with here.blobs.open(next(iter(here.blobs.all()))) as content:
            assert content.read() == PDF
        assert make(here, "rita", "account", name="Later") in accounts(here)
        app.extensions["trellis_fab_engine"].dispose()
        here.close()


REPLACE = Choices(replace=True)


@dataclass(frozen=True)
class Case:
    """A backup, the instance it is to be restored into, and how."""

    file: Path
    settings: Settings
    choices: Choices = REPLACE


Damage = Callable[[Case], Case]


def changed(case: Case, change: Callable[[bytearray], None]) -> Case:
    """Gives a case whose file is otherwise."""
    data = bytearray(case.file.read_bytes())
    change(data)
    target = case.file.with_suffix(".changed")
    target.write_bytes(data)
    return replace(case, file=target)


def flip(data: bytearray) -> None:
    data[data.index(b"database") + 5_000] ^= 1


def cut(data: bytearray) -> None:
    del data[len(data) // 2 :]


def repacked(
    case: Case, *, without: str = "", added: str = "", marked: bool = True, **values: Any
) -> Case:
    """Gives a case whose archive was packed anew, with another manifest."""
    target = case.file.with_suffix(".repacked")
    with zipfile.ZipFile(case.file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name not in (without, "manifest.json"):
                new.writestr(name, old.read(name))
        manifest = msgspec.json.decode(old.read("manifest.json")) | values
        if added:
            new.writestr(added, b"more")
        text = msgspec.json.encode(manifest)
        if marked:
            text = encode(msgspec.convert(manifest, Manifest), case.settings.cipher)
        new.writestr("manifest.json", text)
    return replace(case, file=target)


def other_kind(case: Case) -> Case:
    other = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    if not case.settings.database_url.startswith("sqlite"):
        other = f"sqlite:///{case.settings.instance}/other.db"
    return replace(case, settings=replace(case.settings, database_url=other))


def keys(case: Case, *given: str) -> Case:
    return replace(case, settings=replace(case.settings, encryption_keys=given))


WRONG_KEY = "another-key-that-is-only-for-tests-0123456789"
NO_KEY = (
    "encryption key 00fec5da, which sealed values of the backup, is not among those given "
    "({}): put it into TRELLIS_ENCRYPTION_KEYS or the file encryption_keys of the instance"
)
CHANGED = "database is not what it was when the backup was made"
NOT_EMPTY = (
    "the database is not empty, it has {tables} tables: restore into an empty one, or add "
    "--replace, which destroys what it holds"
)

# What is done to a backup, or where it is to go → all that is said.
REFUSED: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "wrong key": (lambda case: keys(case, WRONG_KEY), (NO_KEY.format("{wrong}"),)),
    "no key": (lambda case: keys(case), (NO_KEY.format("none"),)),
    "changed byte": (lambda case: changed(case, flip), (CHANGED,)),
    "cut off": (
        lambda case: changed(case, cut),
        (
            "{file} is no whole backup (File is not a zip file): copy it again from where it was "
            "made",
        ),
    ),
    "missing and surplus": (
        lambda case: repacked(case, without="audit/heads.jsonl", added="more"),
        (
            "audit/heads.jsonl is not in the archive",
            "more is in the archive, and the manifest does not name it",
        ),
    ),
    "changed manifest": (
        lambda case: repacked(case, marked=False, catalog=7),
        ("manifest.json was changed: its mark was not made with a key of the instance",),
    ),
    "unknown format": (
        lambda case: repacked(case, format=2),
        (
            "the backup has format 2, and this Trellis reads format 1: restore it with the version "
            "of Trellis that made it, or a newer one",
        ),
    ),
    "unreadable manifest": (
        lambda case: repacked(case, marked=False, format="one"),
        ("manifest.json cannot be read: Expected `int`, got `str` - at `$.format`",),
    ),
    "newer": (
        lambda case: repacked(case, trellis="99.0.1"),
        (
            "the backup was made by Trellis 99.0.1, which is newer than this one, 0.1.0: install "
            "99.0.1",
        ),
    ),
    "other kind": (
        other_kind,
        (
            "the backup holds a database of {kind}, and this instance uses {other}: name another "
            "database in TRELLIS_DATABASE_URL; the kind changes with `trellis package export` and "
            "exports of records only",
        ),
    ),
    "not empty": (lambda case: replace(case, choices=Choices()), (NOT_EMPTY,)),
    "other secrets": (
        lambda case: replace(
            case,
            settings=replace(
                case.settings, secret_key="another", instance=case.settings.instance / "x"
            ),
        ),
        (
            "the secret key is not the backup's, so API keys would end: put it into "
            "TRELLIS_SECRET_KEY or the file secret_key of the instance, or add --new-secrets",
            "the file audit_key of the instance is not the backup's, so heads of the audit would "
            "not fit: put it back, or add --new-secrets",
        ),
    ),
    "all at once": (
        lambda case: replace(keys(changed(case, flip), WRONG_KEY), choices=Choices()),
        (NO_KEY.format("{wrong}"), NOT_EMPTY, CHANGED),
    ),
}


def test_what_cannot_be_restored_is_refused_and_nothing_is_changed(
    platform: Platform, people: People, tmp_path: Path, dialect: str
) -> None:
    make(platform, "rita", "account", name="Acme")
    whole = Case(tmp_path / "a.backup", platform.settings)
    manifest = back_up(platform, whole.file)
    before = database_hash(platform)
    words = {"tables": str(len(manifest.tables)), "kind": dialect, "wrong": "3f2a"}
    words["other"] = "sqlite" if dialect == "postgresql" else "postgresql"
    words["wrong"] = keys(whole, WRONG_KEY).settings.cipher.keys[0].id  # type: ignore[union-attr]  # it has a key
    told, wanted = {}, {}
    for name, (damage, said) in REFUSED.items():
        case = damage(whole)
        with pytest.raises(BackupError) as refused:
            restore(case.settings, case.file, case.choices)
        told[name] = refused.value.problems
        wanted[name] = tuple(one.format(file=case.file, **words) for one in said)
    assert told == wanted
    assert database_hash(platform) == before
    in_use = cli(platform.settings, "restore", str(whole.file), "--replace")
    assert "in use: stop every web and worker process" in in_use.stderr
    assert database_hash(platform) == before
    assert not (platform.settings.instance / "restore_unfinished").exists()


def test_a_place_that_takes_no_backup_is_named(
    platform: Platform, people: People, tmp_path: Path, dialect: str
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("something")
    for target, said in {
        taken: "exists already: name another file, since a backup is never overwritten",
        taken / "b": f"{taken} is no folder: make it first",
    }.items():
        done = cli(platform.settings, "backup", str(target))
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
    full = tmp_path / "full.backup"
    script = f"import resource; from trellis.cli import main; {LIMIT[dialect]}; main()"
    done_there = subprocess.run(
        [sys.executable, "-c", script, "backup", str(full)],
        env=variables(platform.settings),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done_there.returncode == 1
    assert done_there.stderr == f"Error: {full} cannot be written: {REFUSAL[dialect]}\n"
    assert sorted(path.name for path in tmp_path.glob("*full*")) == []


#: A file may grow so far: as if the disk were full then.
LIMIT = {
    "sqlite": f"resource.setrlimit({resource.RLIMIT_FSIZE}, (1 << 20, 1 << 20))",
    "postgresql": f"resource.setrlimit({resource.RLIMIT_FSIZE}, (1 << 16, 1 << 16))",
}
REFUSAL = {"sqlite": "disk I/O error", "postgresql": "File too large"}


def test_what_was_restored_is_compared_with_what_was_promised(
    platform: Platform, people: People, tmp_path: Path, empty_database: EmptyDatabase, dialect: str
) -> None:
    """As if the programs that fill the database had lost something."""
    whole = Case(tmp_path / "a.backup", platform.settings)
    manifest = msgspec.to_builtins(back_up(platform, whole.file))
    tables, audit = manifest["tables"], manifest["audit"]
    other_table: Any = {**tables, "o_user": {**tables["o_user"], "count": 1}}
    promised: list[tuple[dict[str, Any], str]] = [
        ({"tables": other_table}, "table o_user is not what it was when the backup was made"),
        (
            {"audit": {**audit, "hash": "0" * 64}},
            f"the audit does not end with row {audit['sequence']}, as the manifest says",
        ),
    ]
    for number, (changes, said) in enumerate(promised):
        other = repacked(whole, **changes)
        with elsewhere(platform.settings, tmp_path / str(number), empty_database) as new:
            with pytest.raises(BackupError) as failed:
                restore(new, other.file, Choices())
            assert failed.value.problems == (said,)
            starts = "was broken off" not in cli(new, "user", "list").stderr
            assert starts == (dialect == "sqlite")  # where nothing had been put in place yet
            restore(new, whole.file, REPLACE)
            assert cli(new, "user", "list").returncode == 0


@pytest.mark.on("postgresql")
def test_definitions_stay_as_they_are_while_a_dump_is_made(
    platform: Platform, people: People
) -> None:
    with postgresql.snapshot(platform.database):
        make(platform, "rita", "account", name="Acme")
        with pytest.raises(Busy), platform.database.write(publishing=True):
            pass
    with platform.database.write(publishing=True):
        pass
