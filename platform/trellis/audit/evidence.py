"""Checking the audit in the database, and taking it out as a folder that proves itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from trellis.audit.canonical import plain
from trellis.audit.seals import HEADS, PUBLIC_KEY, Seals, is_signed
from trellis.audit.sequencer import SOURCES, rows_of
from trellis.audit.tables import audit_chain, audit_pending
from trellis.audit.verify import Finding, Head, Link, check

BATCH = 1000
ROWS, VERIFIER = "rows.jsonl", "verify.py"


def links(connection: sa.Connection) -> Iterator[Link]:
    """Gives the chain with its rows, in the order of numbers."""
    last = None
    while True:
        query = sa.select(audit_chain).order_by(audit_chain.c.sequence).limit(BATCH)
        if last is not None:
            query = query.where(audit_chain.c.sequence > last)
        batch = connection.execute(query).all()
        if not batch:
            return
        rows = rows_of(connection, [(one.source, one.row_id) for one in batch])
        for one in batch:
            row = rows.get((one.source, one.row_id))
            wire = None if row is None else wire_of(row)
            yield Link(one.sequence, one.hash, one.source, one.row_id, wire)
        last = batch[-1].sequence


def wire_of(row: dict[str, Any] | Any) -> dict[str, Any]:
    """Gives a row as JSON without its mark."""
    return {name: plain(value) for name, value in row.items() if name != "mark"}


def findings(connection: sa.Connection, heads: Sequence[Head], key: str) -> Iterator[Finding]:
    """Gives all that is wrong with the audit in the database, whose heads `key` signed."""
    yield from check(links(connection), heads, key, is_signed)
    for source, table in SOURCES.items():
        at_end = sa.exists().where(
            audit_chain.c.source == source, audit_chain.c.row_id == table.c.id
        )
        waits = sa.exists().where(
            audit_pending.c.source == source, audit_pending.c.row_id == table.c.id
        )
        query = sa.select(table.c.id).where(~at_end, ~waits).order_by(table.c.id)
        for row_id in connection.execute(query).scalars():
            yield Finding(0, f"{source} {row_id} is not of the chain: Trellis did not write it")


def export(connection: sa.Connection, seals: Seals, folder: Path) -> int:
    """Writes the audit into a new or empty folder with all that proves it; gives its rows.

    Raises FileExistsError when there is anything in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: name a new folder")
    count = 0
    with (folder / ROWS).open("w", encoding="utf-8") as file:
        for link in links(connection):
            told = {"sequence": link.sequence, "source": link.source, "hash": link.hash}
            row = link.row or {"id": link.row_id}
            file.write(json.dumps({**told, "row": row}, ensure_ascii=False) + "\n")
            count += 1
    (folder / PUBLIC_KEY).write_text(seals.public_key() + "\n", "ascii")
    (folder / HEADS).write_text(
        "".join(json.dumps(dict(head)) + "\n" for head in seals.read()), "utf-8"
    )
    with resources.as_file(resources.files(__package__) / VERIFIER) as verifier:
        shutil.copyfile(verifier, folder / VERIFIER)
    return count
