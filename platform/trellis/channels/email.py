"""`email`: a letter, which the worker hands to the mail server."""

from __future__ import annotations

import uuid_utils

from trellis.channels import Channel, Message
from trellis.db import clock, insert_once
from trellis.mail.tables import WAITING, mail_message
from trellis.unit import Unit


class Email(Channel):
    """Writes rows of `mail_message`."""

    name = "email"

    def deliver(self, unit: Unit, message: Message) -> None:
        """Writes the row, unless this message has one."""
        addressee_object, addressee_id = message.addressee or (None, None)
        row = {
            "id": str(uuid_utils.uuid7()),
            "key": f"{message.key}/{self.name}",
            "user_id": message.user_id,
            "addressee_object": addressee_object,
            "addressee_id": addressee_id,
            "kind": message.kind,
            "title": message.title,
            "values": dict(message.values),
            "object": message.object,
            "record_id": message.record_id,
            "state": WAITING,
            "attempts": 0,
            "available_at": clock(unit.connection),
            "handed_over": False,
            "created_at": message.at,
        }
        insert_once(unit.connection, mail_message, "key", row)


CHANNEL = Email()
