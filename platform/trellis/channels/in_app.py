"""`in_app`: the bell in the page's header, one row per notification."""

from __future__ import annotations

import sqlalchemy as sa
import uuid_utils

from rule_engine.columns import Instant
from trellis.channels import Channel, Message
from trellis.db import SYSTEM_TABLES, insert_once
from trellis.unit import Unit

notification = sa.Table(
    "notification",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("object", sa.Text),
    sa.Column("record_id", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("read_at", Instant),
    sa.Column("effect_key", sa.Text, nullable=False),
    sa.Index("notification_effect_key", "effect_key", unique=True),
    sa.Index("notification_user", "user_id", "read_at", "id"),
)


class InApp(Channel):
    """Writes rows of `notification`."""

    name = "in_app"

    def deliver(self, unit: Unit, message: Message) -> None:
        """Writes the row, unless this message has one."""
        if message.user_id is None:
            raise ValueError("only users have a bell: whoever has no login gets mail")
        row = {
            "id": str(uuid_utils.uuid7()),
            "user_id": message.user_id,
            "kind": message.kind,
            "title": message.title,
            "values": dict(message.values),
            "object": message.object,
            "record_id": message.record_id,
            "created_at": message.at,
            "effect_key": message.key,
        }
        insert_once(unit.connection, notification, "effect_key", row)


CHANNEL = InApp()
