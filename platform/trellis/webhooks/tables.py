"""The tables of webhooks beside the records that say what is told to whom."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES

# What pauses when webhooks are paused.
WEBHOOKS = "webhooks"

WAITING, RUNNING, DONE, DEAD = "waiting", "running", "done", "dead"

#: What happened, where a rule calls: nothing but that.
CALL = "call"

#: One message to one address; its id is the message's for ever. `values` are those of a call;
#: `fields` are null while nobody acts for the webhook who could choose them.
webhook_delivery = sa.Table(
    "webhook_delivery",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("webhook", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("op", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("values", sa.JSON),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("available_at", Instant, nullable=False),
    sa.Column("lease", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("done_at", Instant),
    sa.Index("webhook_delivery_key", "key", unique=True),
    sa.Index("webhook_delivery_due", "state", "available_at", "id"),
    sa.Index("webhook_delivery_of_webhook", "webhook", "state", "sequence"),
)

#: Since when an address fails without a single success.
webhook_failing = sa.Table(
    "webhook_failing",
    SYSTEM_TABLES,
    sa.Column("webhook", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),
)

#: Up to which number of the chain changes were looked at.
webhook_cursor = sa.Table(
    "webhook_cursor",
    SYSTEM_TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)

#: Messages that others sent; what a message says is forgotten once it is a record.
webhook_inbox = sa.Table(
    "webhook_inbox",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("available_at", Instant, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("record_id", sa.Text),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("done_at", Instant),
    sa.Index("webhook_inbox_key", "key", unique=True),
    sa.Index("webhook_inbox_due", "state", "available_at", "id"),
)
