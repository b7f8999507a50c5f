"""The tables of the audit besides the history of records."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.columns import Instant
from trellis.audit.frozen import follow_rows, freeze_rows
from trellis.db import SYSTEM_TABLES

EVENTS = "audit_event"

audit_event = sa.Table(
    EVENTS,
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("object", sa.Text),
    sa.Column("record_ids", sa.JSON, nullable=False),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("why", sa.Text),
    sa.Column("mark", sa.Text),
    sa.Index("audit_event_of_person", "by", "id"),
    sa.Index("audit_event_of_kind", "kind", "id"),
    sa.Index("audit_event_of_object", "object", "id"),
)

# Rows that are committed, or about to be, and have no number yet. Its own ids are in the order of
# writing, so the writes of one record, which wait for each other, are in their order.
audit_pending = sa.Table(
    "audit_pending",
    SYSTEM_TABLES,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False),
)

audit_chain = sa.Table(
    "audit_chain",
    SYSTEM_TABLES,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False),
    sa.Column("object", sa.Text),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Index("audit_chain_of_row", "source", "row_id", unique=True),
    sa.Index("audit_chain_of_object", "source", "object", "sequence"),
)

freeze_rows(audit_event)
follow_rows(audit_event)
freeze_rows(audit_chain)
