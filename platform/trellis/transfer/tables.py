"""What is known of imports and exports: runs, staged rows, mappings that people keep."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from metadata.encryption import Place, find_cipher
from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES

SEALED: Final = "v1."

import_run = sa.Table(
    "import_run",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("layout", sa.JSON, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("job", sa.Text),
    sa.Column("rows", sa.BigInteger),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("ran_at", Instant),
    sa.Index("import_run_by", "by", "created_at"),
)
"""`file` is the id of the stored file, `rows` how many are staged (none before all are),
`ran_at` when its run last wrote."""

import_row = sa.Table(
    "import_row",
    SYSTEM_TABLES,
    sa.Column("run", sa.Text, sa.ForeignKey(import_run.c.id), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("cells", sa.Text, nullable=False),
    sa.Column("key", sa.Text),
    sa.Column("checked", sa.Text),
    sa.Column("result", sa.Text),
    sa.Column("record_id", sa.Text),
    sa.Column("version", sa.BigInteger),
    sa.Column("problems", sa.JSON),
    sa.Column("changes", sa.Text),
    sa.Index("import_row_checked", "run", "checked", "key"),
    sa.Index("import_row_result", "run", "result"),
)
"""`checked` is what the dry run foresees and `result` what the run has done, both in words of
OUTCOMES; `changes` holds the values before and after. `cells` and `changes` are sealed, `key` is a
digest of what the record is found by."""

import_word = sa.Table(
    "import_word",
    SYSTEM_TABLES,
    sa.Column("run", sa.Text, sa.ForeignKey(import_run.c.id), primary_key=True),
    sa.Column("word", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
)
"""What the records that a dry run foresees are found by, as digests, with the rows that make them
so. Only of imports with rows that may refer to others."""

import_mapping = sa.Table(
    "import_mapping",
    SYSTEM_TABLES,
    sa.Column("by", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("saved_at", Instant, nullable=False),
)

export_run = sa.Table(
    "export_run",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("question", sa.JSON, nullable=False),
    sa.Column("job", sa.Text),
    sa.Column("file", sa.Text),
    sa.Column("rows", sa.BigInteger),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("export_run_by", "by", "created_at"),
)

export_part = sa.Table(
    "export_part",
    SYSTEM_TABLES,
    sa.Column("run", sa.Text, sa.ForeignKey(export_run.c.id), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("ids", sa.JSON, nullable=False),
    sa.Column("rows", sa.Text),
)
"""Some records of an export that is under way: their ids, then what the file says of them."""

CELLS: Final = "cells"
CREATE, UPDATE, SKIP, ERROR = "create", "update", "skip", "error"
UNDONE, KEPT = "undone", "kept"
OUTCOMES: Final = (CREATE, UPDATE, SKIP, ERROR, UNDONE, KEPT)


def digest(text: str) -> str:
    """Gives what stands for a text by which records are found: it may be an encrypted value."""
    return sha256(text.encode()).hexdigest()[:32]


def sealed(connection: sa.Connection, content: object, run: str, part: str) -> str:
    """Gives content as JSON, encrypted where the installation has keys: fields may be."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    cipher = find_cipher(connection)
    return text if cipher is None else cipher.seal(text, Place("transfer", run, part))


def opened(connection: sa.Connection, kept: str | None, run: str, part: str) -> Any:
    """Gives content out of what `sealed` gave; None for nothing."""
    if kept is None:
        return None
    cipher = find_cipher(connection)
    if cipher is not None and kept.startswith(SEALED):
        kept = cipher.open(kept, Place("transfer", run, part))
    return json.loads(kept)
