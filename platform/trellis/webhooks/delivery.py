"""Delivering messages: each address on its own, so that one that hangs delays nobody else.

A claim is a lease; nothing is locked while an address is spoken to. A message may arrive twice
(its id says so), never not at all: it is delivered, or dead and shown as such.
"""

from __future__ import annotations

import logging
import secrets
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from trellis.api.answers import instant, record_json
from trellis.audit.events import note
from trellis.automation.dispatcher import database_now
from trellis.db import insert_once
from trellis.net.outbound import Outbound, OutboundError, Received
from trellis.pausing import goes_on
from trellis.records.save import save_record
from trellis.records.webhooks import WEBHOOK
from trellis.runtime import Platform
from trellis.webhooks.endpoints import Endpoint, find_endpoint, secrets_of, system_unit
from trellis.webhooks.fan_out import told_now
from trellis.webhooks.signing import headers_of
from trellis.webhooks.tables import (
    CALL,
    DEAD,
    DONE,
    RUNNING,
    WAITING,
    WEBHOOKS,
    webhook_delivery,
    webhook_failing,
)

logger = logging.getLogger(__name__)

#: After how many seconds a message is tried again, each a fifth more or less.
RETRIES: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400)
LEASE_SECONDS: Final = 60
GIVE_UP_AFTER: Final = timedelta(days=5)
MAX_PAUSE: Final = 86_400
AT_ONCE: Final = 16
IN_A_ROW: Final = 100
GONE: Final = 410

Delivery = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: a status, or what kept it from one. `is_final` is not tried again,
    `is_needless` what the address is not to be told after all."""

    status: int | None = None
    error: str | None = None
    is_final: bool = False
    is_needless: bool = False
    retry_after: int = 0

    @property
    def is_done(self) -> bool:
        """Says whether the address took the message, or need not."""
        return self.is_needless or (self.status is not None and 200 <= self.status < 300)


@dataclass(slots=True)
class Courier:
    """Delivers what is due, one message at a time to each address."""

    here: Platform
    outbound: Outbound
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))
    _busy: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start_due(self) -> list[Future[None]]:
        """Begins to deliver to each address that something is due for; does not wait."""
        started = []
        for webhook_id in due_webhooks(self.here):
            with self._lock:
                if webhook_id in self._busy:
                    continue
                self._busy.add(webhook_id)
            started.append(self._pool.submit(self.serve, webhook_id))
        return started

    def drain(self) -> None:
        """Delivers all that is due and waits for it."""
        while started := self.start_due():
            wait(started)

    def close(self) -> None:
        """Ends without waiting for addresses that hang."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def serve(self, webhook_id: str) -> None:
        """Delivers to one address until nothing is due, or it fails."""
        try:
            for _ in range(IN_A_ROW):
                claimed = self.here.database.do(lambda connection: claim(connection, webhook_id))
                if claimed is None or not self.deliver(claimed):
                    return
        except Exception:
            logger.exception("webhook %s: a delivery was broken off", webhook_id)
        finally:
            with self._lock:
                self._busy.discard(webhook_id)

    def deliver(self, delivery: Delivery) -> bool:
        """Tries one message and writes down what came of it; says whether it was taken."""
        outcome = self.attempt(delivery)
        self.here.database.do(lambda connection: settle(self.here, connection, delivery, outcome))
        return outcome.is_done

    def attempt(self, delivery: Delivery) -> Outcome:
        """Speaks to the address. What is told is read now, by the rights of now."""
        with self.here.database.read() as connection:
            endpoint = find_endpoint(self.here, connection, str(delivery["webhook"]))
            if endpoint is None or not endpoint.active:
                return Outcome(error="the webhook is not active", is_final=True)
            if endpoint.unit is None:
                return Outcome(error="nobody acts for the webhook", is_final=True)
            chosen = chosen_for(endpoint, delivery)
            if isinstance(chosen, Outcome):
                return chosen
            body = msgspec.json.encode(message_of(endpoint, chosen))
            keys = secrets_of(self.here, connection, endpoint.id)
            now = database_now(connection)
        if not keys:
            return Outcome(error="the webhook has no secret", is_final=True)
        headers = headers_of(keys, str(delivery["id"]), now, body)
        try:
            return outcome_of(self.outbound.post(endpoint.url, headers, body))
        except OutboundError as error:
            return Outcome(error=f"{error.code}: {error}", is_final=error.code == "size")


def chosen_for(endpoint: Endpoint, delivery: Delivery) -> Delivery | Outcome:
    """Gives a message with the fields that it tells of, chosen now if nobody acted for the webhook
    when it was made; or what comes of it without a try."""
    if delivery["fields"] is not None:
        return delivery
    found = told_now(endpoint, int(delivery["sequence"]))
    if found is None:
        return Outcome(error="not to be told", is_needless=True)
    change, error = found
    if error is not None:
        return Outcome(error=error, is_final=True)
    return {**delivery, "fields": list(change.fields)}


def outcome_of(received: Received) -> Outcome:
    """Gives what an answer means."""
    pause = min(received.retry_after or 0, MAX_PAUSE)
    return Outcome(received.status, retry_after=pause, is_final=received.status == GONE)


def message_of(endpoint: Endpoint, delivery: Delivery) -> dict[str, object]:
    """Gives a message as a CloudEvent: what is told of a change, or what a rule calls with."""
    name, record_id = str(delivery["object"]), str(delivery["record_id"])
    about = {"object": name, "id": record_id, "op": delivery["op"], "at": instant(delivery["at"])}
    is_call = delivery["op"] == CALL
    told = {"values": delivery["values"]} if is_call else told_of_change(endpoint, delivery)
    return {
        "specversion": "1.0",
        "id": delivery["id"],
        "source": f"/api/v1/{name}/{record_id}",
        "type": f"trellis.{name}.{delivery['op']}",
        "time": about["at"],
        "datacontenttype": "application/json",
        "data": {**about, **told},
    }


def told_of_change(endpoint: Endpoint, delivery: Delivery) -> dict[str, object]:
    """Gives as much of the record as the webhook's person reads now."""
    unit, name, record_id = endpoint.unit, str(delivery["object"]), str(delivery["record_id"])
    if unit is None:
        raise ValueError("nobody acts for the webhook")
    access = unit.principal.access(name)
    seen = [one for one in endpoint.mask or unit.catalog.objects[name].fields if access.sees(one)]
    changed = [one for one in delivery["fields"] if one in seen]
    record = None
    if delivery["op"] != "delete":
        found = unit.records().get(name, record_id, ["id", "version", *seen])
        record = None if found is None else record_json(unit, name, found)
    return {"sequence": delivery["sequence"], "fields": changed, "record": record}


def is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Gives the condition of messages that wait for their turn or were left by a dead process;
    nothing is due while webhooks are paused."""
    table = webhook_delivery.c
    waits = sa.and_(table.state == WAITING, table.available_at <= now)
    left = sa.and_(table.state == RUNNING, table.lease_until < now)
    return sa.and_(sa.or_(waits, left), goes_on(WEBHOOKS))


def due_webhooks(here: Platform) -> list[str]:
    """Gives the addresses that something is due for."""
    with here.database.read() as connection:
        query = sa.select(webhook_delivery.c.webhook).where(is_due(database_now(connection)))
        return sorted(connection.execute(query.distinct()).scalars())


def claim(connection: sa.Connection, webhook_id: str) -> Delivery | None:
    """Takes the next message to an address; None when there is none, or one is under way."""
    table, now = webhook_delivery.c, database_now(connection)
    mine = table.webhook == webhook_id
    under_way = sa.exists().where(mine, table.state == RUNNING, table.lease_until >= now)
    if connection.execute(sa.select(under_way)).scalar_one():
        return None
    query = sa.select(webhook_delivery).where(mine, is_due(now)).order_by(table.sequence).limit(1)
    row = connection.execute(query.with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        return None
    held = {"state": RUNNING, "lease": uuid.uuid4().hex, "attempts": row["attempts"] + 1}
    until = now + timedelta(seconds=LEASE_SECONDS)
    claimed = sa.update(webhook_delivery).where(table.id == row["id"])
    connection.execute(claimed.values(**held, lease_until=until))
    return {**row, **held}


def settle(here: Platform, connection: sa.Connection, delivery: Delivery, outcome: Outcome) -> None:
    """Writes down what came of a try, if it is still ours; a failing address is switched off."""
    now, table = database_now(connection), webhook_delivery.c
    values: dict[str, object] = {
        "status": outcome.status,
        "error": outcome.error,
        "lease": None,
        "lease_until": None,
        **next_state(delivery, outcome, now),
    }
    mine = sa.and_(table.id == delivery["id"], table.lease == delivery["lease"])
    if connection.execute(sa.update(webhook_delivery).where(mine).values(values)).rowcount != 1:
        return
    webhook_id = str(delivery["webhook"])
    if outcome.is_done:
        left = sa.delete(webhook_failing).where(webhook_failing.c.webhook == webhook_id)
        connection.execute(left)
        return
    insert_once(connection, webhook_failing, "webhook", {"webhook": webhook_id, "since": now})
    since = connection.execute(
        sa.select(webhook_failing.c.since).where(webhook_failing.c.webhook == webhook_id)
    ).scalar_one()
    if outcome.status == GONE:
        switch_off(here, connection, webhook_id, "the address answered 410: gone")
    elif now - since > GIVE_UP_AFTER:
        switch_off(here, connection, webhook_id, "nothing was delivered for five days")


def next_state(delivery: Delivery, outcome: Outcome, now: datetime) -> dict[str, object]:
    """Gives what becomes of a message after a try."""
    if outcome.is_done:
        return {"state": DONE, "done_at": now}
    tried = int(delivery["attempts"])
    if outcome.is_final or tried > len(RETRIES):
        return {"state": DEAD, "done_at": now}
    pause = RETRIES[tried - 1]
    spread = pause * (800 + secrets.randbelow(401)) / 1000
    return {
        "state": WAITING,
        "available_at": now + timedelta(seconds=max(spread, outcome.retry_after)),
    }


def switch_off(here: Platform, connection: sa.Connection, webhook_id: str, why: str) -> None:
    """Makes a webhook inactive, which its history and the audit tell."""
    unit = system_unit(here, connection)
    if unit.records().get(WEBHOOK, webhook_id, ["active"]) is None:
        return
    save_record(unit, WEBHOOK, webhook_id, {"active": False}, channel="system", why=why)
    note(unit, "webhook", object=WEBHOOK, record_ids=[webhook_id], why=why)
    failing = sa.delete(webhook_failing).where(webhook_failing.c.webhook == webhook_id)
    connection.execute(failing)
