"""What is kept about duplicates: index keys, pairs that a scan found, merges."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES

OPEN, DISMISSED, MERGED = "open", "dismissed", "merged"
STATES = (OPEN, DISMISSED, MERGED)

duplicate_key = sa.Table(
    "duplicate_key",
    SYSTEM_TABLES,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("record", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""`object` is its id, `rule` a name, `key` a digest under the instance's key: it tells nothing."""

duplicate_index = sa.Table(
    "duplicate_index",
    SYSTEM_TABLES,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
)
"""Which rules (`digest`) all of an object's keys were made by."""

duplicate_pair = sa.Table(
    "duplicate_pair",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("first", sa.Text, nullable=False),
    sa.Column("second", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("found_at", Instant, nullable=False),
    sa.Column("decided_at", Instant),
    sa.Column("decided_by", sa.Text),
    sa.Index("duplicate_pair_of_records", "object", "first", "second", "rule", unique=True),
    sa.Index("duplicate_pair_listed", "object", "state", "score", "id"),
)
"""`first` is the lesser id; `reasons` are fields with how similar they are, never values."""

duplicate_work = sa.Table(
    "duplicate_work",
    SYSTEM_TABLES,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("first", sa.Text, primary_key=True),
    sa.Column("second", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""Pairs that share a key and that a scan has still to compare."""

record_merge = sa.Table(
    "record_merge",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("survivor", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("moved", sa.JSON, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Index("record_merge_of_survivor", "object", "survivor", "at"),
)
"""One merge: `values` are the survivor's fields before and after by id (sealed where the field is),
`moved` what pointed at the others: table or field, the row, the record it pointed at."""

merged_record = sa.Table(
    "merged_record",
    SYSTEM_TABLES,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("record", sa.Text, primary_key=True),
    sa.Column("survivor", sa.Text, nullable=False),
    sa.Column("merge", sa.Text, nullable=False),
    sa.Index("merged_record_of_survivor", "object", "survivor"),
)
"""Where the ids of merged records lead, until the merge is undone."""
