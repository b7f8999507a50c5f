"""The tables of mail."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES

# What pauses when mail is paused.
MAIL = "mail"

WAITING, RUNNING, DONE, DEAD = "waiting", "running", "done", "dead"

#: Cut between the letter's last byte and the server's answer: it may have arrived or not.
UNKNOWN = "unknown"

#: Not sent: who would get it wants no mail.
LEFT_OUT = "left_out"

#: One letter to one person: a user, or the record of somebody without a login. What it says is
#: written when it is sent, by the rights of then. `handed_over` is set before the server is given
#: the text: a letter that is left like that may have arrived.
mail_message = sa.Table(
    "mail_message",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text),
    sa.Column("addressee_object", sa.Text),
    sa.Column("addressee_id", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("object", sa.Text),
    sa.Column("record_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("available_at", Instant, nullable=False),
    sa.Column("lease", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("handed_over", sa.Boolean, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("done_at", Instant),
    sa.Index("mail_message_key", "key", unique=True),
    sa.Index("mail_message_due", "state", "available_at", "id"),
)

#: Addresses, in small letters, of people who want no more mail.
mail_optout = sa.Table(
    "mail_optout",
    SYSTEM_TABLES,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),
)
