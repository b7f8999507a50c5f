"""The audit: every committed row gets its place, and whatever is altered is found by name."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, make
from tests.platform.backing_up import fill
from tests.platform.world import BreakOffError, People, write_and_break_off
from trellis import audit
from trellis.audit import sequencer
from trellis.audit.canonical import canonical
from trellis.audit.events import write_event
from trellis.audit.evidence import export, findings
from trellis.audit.frozen import FOLLOW, FREEZE, make_triggers
from trellis.audit.seals import Seals, seal
from trellis.audit.sequencer import adopt, head_of, rows_of, sequence, sequence_batch
from trellis.audit.tables import audit_chain, audit_event, audit_pending
from trellis.audit.verify import (
    GENESIS,
    Finding,
    check,
    is_signed,
    next_hash,
    read_heads,
    read_links,
)
from trellis.records.history import record_history
from trellis.records.save import save_record
from trellis.runtime import Platform

ROUNDS = 1_000 if os.environ.get("TRELLIS_SOAK") else 60


def write_some(platform: Platform, number: int = 6) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    with acting(platform, "rita") as unit:
        for turn in range(number):
            save_record(unit, "lead", lead, {"title": f"T{turn}"}, channel="api")
            audit.note(unit, "export", object="lead", record_ids=[lead], values={"rows": turn})


def chained(platform: Platform) -> list[Any]:
    with platform.database.read() as connection:
        return list(connection.execute(sa.select(audit_chain).order_by(audit_chain.c.sequence)))


def evidence_of(connection: sa.Connection, seals: Seals) -> Iterator[Finding]:
    return findings(connection, seals.read(), seals.public_key())


def told(platform: Platform) -> list[tuple[int, str]]:
    with platform.database.read() as connection:
        seals = Seals(platform.settings.instance)
        return [(one.sequence, one.text) for one in evidence_of(connection, seals)]


def test_committed_rows_get_gapless_numbers(platform: Platform, people: People) -> None:
    write_some(platform)
    with platform.database.read() as connection:
        rows = connection.execute(sa.select(sa.func.count()).select_from(record_history)).scalar()
        events = connection.execute(sa.select(sa.func.count()).select_from(audit_event)).scalar()
    assert sequence(platform.database) > 0
    chain = chained(platform)
    assert [one.sequence for one in chain] == list(range(1, (rows or 0) + (events or 0) + 1))
    assert len({(one.source, one.row_id) for one in chain}) == len(chain)
    assert sequence(platform.database) == 0
    with platform.database.read() as connection:
        assert connection.execute(sa.select(audit_pending)).all() == []


def test_numbering_ends_although_others_go_on_writing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(platform, "rita", "account", name="Acme")

    def batch_and_more(connection: sa.Connection) -> int:
        done = sequence_batch(connection)
        more = {"source": "record_history", "row_id": str(done)}
        connection.execute(sa.insert(audit_pending).values(more))
        return done

    monkeypatch.setattr(sequencer, "sequence_batch", batch_and_more)
    assert sequence(platform.database) > 0


@pytest.mark.on("postgresql")
def test_a_chain_that_grows_is_not_read_again_and_again(platform: Platform, people: People) -> None:
    """PostgreSQL knows nothing of a new table, and keeps a plan from when it was empty."""
    make(platform, "rita", "account", name="Acme")
    fill(platform, 6_000)
    with platform.database.read() as connection:
        connection.execute(sa.select(sa.func.pg_stat_force_next_flush()))
    with platform.database.read() as connection:
        told = sa.text("SELECT * FROM pg_stat_user_tables WHERE relname = 'audit_chain'")
        counts = connection.execute(told).one()
    assert counts.idx_scan > 6_000
    assert counts.seq_tup_read + counts.idx_tup_fetch < 100


@pytest.mark.on("postgresql")
def test_postgresql_may_count_the_chain_meanwhile(platform: Platform, people: People) -> None:
    make(platform, "rita", "account", name="Acme")
    with platform.database.write() as connection:
        assert sequence_batch(connection) > 0
        with platform.database.write() as other:
            other.exec_driver_sql("SET LOCAL lock_timeout = 1000")
            other.exec_driver_sql("ANALYZE audit_chain")


def test_what_is_rolled_back_gets_none(platform: Platform, people: People) -> None:
    sequence(platform.database)
    before, now = len(chained(platform)), datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(BreakOffError):
        write_and_break_off(
            platform.database, lambda connection: write_event(connection, "login", by="x", at=now)
        )
    assert sequence(platform.database) == 0
    assert len(chained(platform)) == before


@pytest.mark.on("postgresql")
def test_a_late_commit_is_not_missed(platform: Platform, people: People) -> None:
    """A row written first may be committed last, where writers do not wait for each other; it gets
    the later number."""
    sequence(platform.database)
    with acting(platform, "rita") as slow:
        late = audit.note(slow, "export", object="lead")
        with acting(platform, "mark") as fast:
            early = audit.note(fast, "export", object="lead")
        assert sequence(platform.database) == 1
    assert sequence(platform.database) == 1
    assert [one.row_id for one in chained(platform)[-2:]] == [early, late]


def test_a_kind_that_nobody_registered_is_refused(platform: Platform, people: People) -> None:
    with (
        pytest.raises(ValueError, match="no kind of audit event 'lunch'"),
        acting(platform, "rita") as unit,
    ):
        audit.note(unit, "lunch")


@pytest.mark.parametrize("statement", ["UPDATE {} SET hash = 'x'", "DELETE FROM {}"])
def test_chain_and_events_are_insert_only(
    platform: Platform, people: People, statement: str
) -> None:
    write_some(platform, 1)
    sequence(platform.database)
    for table in ("audit_chain", "audit_event"):
        text = statement.format(table).replace("hash", "why" if table == "audit_event" else "hash")
        with (
            pytest.raises(sa.exc.DBAPIError, match=f"{table} is never changed"),
            platform.database.write() as connection,
        ):
            connection.exec_driver_sql(text)


def test_a_row_that_trellis_did_not_write_is_found(platform: Platform, people: People) -> None:
    write_some(platform, 1)
    seal(platform.database, platform.settings)
    assert told(platform) == []
    with platform.database.write() as connection:
        row = connection.execute(sa.select(record_history).limit(1)).mappings().one()
        forged = {**row, "id": "01900000-0000-7000-8000-000000000000", "by": people["mark"]}
        connection.execute(sa.insert(record_history).values(forged))
    sequence(platform.database)
    text = f"record_history {forged['id']} is not of the chain: Trellis did not write it"
    assert told(platform) == [(0, text)]


def test_history_of_an_older_product_is_taken_in(platform: Platform, people: People) -> None:
    """Its rows have no marks; that is accepted once, while there is no chain."""
    write_some(platform, 2)
    with platform.database.write() as connection, thawed(connection):
        connection.execute(sa.delete(audit_chain))
        connection.execute(sa.delete(audit_pending))
        connection.execute(sa.update(record_history).values(mark=None))
        connection.execute(sa.delete(audit_event))
    with platform.database.write() as connection:
        made = adopt(connection)
        assert made > 2
        assert adopt(connection) == 0
        assert head_of(connection)[0] == made
    assert [text for _, text in told(platform)] == [
        "no head was ever signed: rows cut off at the end would not be missed"
    ]


@contextmanager
def thawed(connection: sa.Connection) -> Iterator[None]:
    """Does what somebody who owns the database can: takes its triggers away for a while."""
    tables = (record_history, audit_event, audit_chain)
    for table in tables:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
            continue
        for name in ("update", "delete", "pends"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_{name}")
    yield
    for table in tables:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
            continue
        make_triggers(connection, table, FREEZE)
        if table is not audit_chain:
            make_triggers(connection, table, FOLLOW)


def tamper_with(
    connection: sa.Connection, chance: random.Random, chain: list[Any]
) -> tuple[str, int]:
    """Alters the database somewhere; gives what was done and the number of the first bad row."""
    place = chance.randrange(len(chain))
    one = chain[place]
    table = record_history if one.source == "record_history" else audit_event
    mine = table.c.id == one.row_id
    what = chance.choice(["edit", "delete", "swap", "unlink", "hash", "truncate", "anew"])
    if what == "edit":
        connection.execute(sa.update(table).where(mine).values(by="somebody else"))
    elif what == "delete":
        connection.execute(sa.delete(table).where(mine))
    elif what == "hash":
        connection.execute(set_link(one.sequence, hash="f" * 64))
    elif what == "unlink":
        connection.execute(sa.delete(audit_chain).where(audit_chain.c.sequence == one.sequence))
    elif what == "swap":
        other = chain[place - 1] if place else chain[1]
        for number, row in ((one.sequence, other), (other.sequence, one)):
            connection.execute(set_link(number, source=row.source, row_id=f"{row.row_id}~"))
        for number, row in ((one.sequence, other), (other.sequence, one)):
            connection.execute(set_link(number, row_id=row.row_id))
        return what, min(one.sequence, other.sequence)
    elif what == "truncate":
        for link in chain[place:]:
            source = record_history if link.source == "record_history" else audit_event
            connection.execute(sa.delete(source).where(source.c.id == link.row_id))
        connection.execute(sa.delete(audit_chain).where(audit_chain.c.sequence >= one.sequence))
    else:
        make_anew(connection, chain, place, table)
        return what, 1
    return what, one.sequence


def set_link(number: int, **values: object) -> sa.Update:
    return sa.update(audit_chain).where(audit_chain.c.sequence == number).values(**values)


def make_anew(connection: sa.Connection, chain: list[Any], place: int, table: sa.Table) -> None:
    """Edits a row as one does who knows how hashes are made, and makes all the following ones."""
    connection.execute(
        sa.update(table).where(table.c.id == chain[place].row_id).values(by="somebody else")
    )
    digest = chain[place - 1].hash if place else GENESIS
    for link in chain[place:]:
        key = (link.source, link.row_id)
        digest = next_hash(digest, canonical(key[0], rows_of(connection, [key])[key]))
        connection.execute(set_link(link.sequence, hash=digest))


@pytest.mark.soak
def test_every_tampering_is_found(platform: Platform, people: People) -> None:
    """Edit, deletion, exchange, cutting off, even a chain made anew: the first bad row is named."""
    write_some(platform, 4)
    seal(platform.database, platform.settings)
    chain, chance = chained(platform), random.Random(5)
    missed, kinds = [], set()
    seals = Seals(platform.settings.instance)

    def tamper(connection: sa.Connection) -> None:
        with thawed(connection):
            what, first = tamper_with(connection, chance, chain)
            found = [one.sequence for one in evidence_of(connection, seals) if one.sequence]
        if not found or found[0] != first:
            missed.append((what, first, found))
        kinds.add(what)

    for _ in range(ROUNDS):
        with pytest.raises(BreakOffError):
            write_and_break_off(platform.database, tamper)
    assert missed == []
    assert len(kinds) == 7
    assert told(platform) == []


Alter = Callable[[list[str]], list[str]]
ALTERED: dict[str, tuple[Alter, str]] = {
    "edit": (lambda rows: [rows[0].replace('"by": "', '"by": "x'), *rows[1:]], "1: "),
    "delete": (lambda rows: [*rows[:2], *rows[3:]], "3: expected number 3, there is 4"),
    "insert": (lambda rows: [*rows[:2], rows[1], *rows[2:]], "3: expected number 3, there is 2"),
    "swap": (lambda rows: [rows[1], rows[0], *rows[2:]], "1: expected number 1, there is 2"),
    "cut": (lambda rows: rows[:4], "5: rows are cut off after 4"),
}


@pytest.fixture
def evidence(platform: Platform, people: People, tmp_path: Path) -> Path:
    write_some(platform, 2)
    seal(platform.database, platform.settings)
    folder = tmp_path / "evidence"
    with platform.database.read() as connection:
        export(connection, Seals(platform.settings.instance), folder)
    return folder


def run_verifier(folder: Path) -> tuple[int, str]:
    """Runs the exported program with nothing but Python's own library."""
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def test_an_export_proves_itself(evidence: Path) -> None:
    assert run_verifier(evidence) == (0, "right: 1 heads fit\n")


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_export_is_found(evidence: Path, what: str) -> None:
    rows, (alter, said) = evidence / "rows.jsonl", ALTERED[what]
    rows.write_text("".join(alter(rows.read_text("utf-8").splitlines(keepends=True))), "utf-8")
    code, text = run_verifier(evidence)
    assert code == 1
    assert text.startswith(said)


def test_a_head_that_another_key_signed_is_found(evidence: Path, tmp_path: Path) -> None:
    heads, other = read_heads(evidence / "heads.jsonl"), Seals(tmp_path / "other")
    (tmp_path / "other").mkdir()
    key = (evidence / "public_key").read_text("ascii").strip()
    last = heads[-1]
    forged = {**last, "signature": other.key().sign(b"anything").hex()}
    (evidence / "heads.jsonl").write_text(json.dumps(forged) + "\n", "utf-8")
    assert run_verifier(evidence)[1].startswith(
        f"{last['sequence']}: the head of {last['at']} is not signed with the key {key[:16]}"
    )
    links = read_links(evidence / "rows.jsonl")
    assert len(list(check(links, heads, other.public_key()))) == 1


def test_signatures_agree_with_the_library(tmp_path: Path) -> None:
    """Ed25519 as written out in the verifier, against the library, on good and damaged ones."""
    chance, key = random.Random(3), Seals(tmp_path).key()
    public = key.public_key().public_bytes_raw()
    for turn in range(20):
        message = chance.randbytes(turn * 3)
        signature = bytearray(key.sign(message))
        assert is_signed(public.hex(), message, signature.hex())
        signature[chance.randrange(64)] ^= 1 << chance.randrange(8)
        assert not is_signed(public.hex(), message, signature.hex())
