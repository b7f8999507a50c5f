"""What rules tell webhooks: `call name { key: value }` is one message with those values."""

from __future__ import annotations

import uuid_utils

from trellis.audit.sequencer import head_of
from trellis.automation.outbox import Effect
from trellis.db import clock, insert_once
from trellis.records.webhooks import WEBHOOK
from trellis.unit import Unit
from trellis.webhooks.tables import CALL, WAITING, webhook_delivery


def put_call(unit: Unit, effect: Effect) -> None:
    """Puts a call among the messages to be delivered, once.

    `effect.payload` is {"target": the name in rules, "values": {key: JSON}}. Raises LookupError
    when no active webhook has the name: the effect waits for one, and is dead in the end.
    """
    connection, target = unit.connection, str(effect.payload["target"])
    page = unit.records().list(
        WEBHOOK, fields=["id"], filter="active = true", match={"call_name": target}, limit=1
    )
    if not page.items:
        raise LookupError(f"no active webhook has the name {target!r} in rules")
    now = clock(connection)
    row = {
        "id": f"msg_{uuid_utils.uuid7()}",
        "key": effect.key,
        "webhook": page.items[0]["id"],
        "sequence": head_of(connection)[0],
        "object": effect.object,
        "record_id": effect.record_id,
        "op": CALL,
        "at": now,
        "fields": [],
        "values": effect.payload["values"],
        "state": WAITING,
        "attempts": 0,
        "available_at": now,
        "created_at": now,
    }
    insert_once(connection, webhook_delivery, "key", row)
