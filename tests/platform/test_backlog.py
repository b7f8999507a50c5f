"""While more effects wait than can be run soon: clocks go off in time, rules that storm are put
into quarantine, and a worker ends when it is told to."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from metadata.migrate import publish
from metadata.store import load_elements
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.test_timers_durability import LATE_SECONDS, RULES, make_clocks, told
from tests.platform.test_worker import valkey, wait_until, worker
from trellis.actions import Later, Surroundings
from trellis.automation.dispatcher import database_now
from trellis.automation.outbox import DONE, HELD, WAITING, Effect, add, add_all, outbox
from trellis.automation.quarantine import quarantined
from trellis.runtime import Platform, open_platform
from trellis.worker import WATCH_SECONDS, Worker

__all__ = ["valkey"]

SLOW_SECONDS = 0.02
STORM = 100
WILD = "wild"
ENDED_SECONDS = 10
LEAD_SECONDS = 5


class Slow(Later):
    """Takes its time, and leaves another one like it when the rule is wild."""

    name = "slow"

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does it."""
        time.sleep(SLOW_SECONDS)
        if effect.payload["rule"] == WILD:
            add(surroundings.connection, "slow", effect.payload, f"{effect.key}+", rule=WILD)


def leave(platform: Platform, action: str, number: int, **payload: object) -> None:
    """Has so many effects wait, which follow from what people do."""
    rule = payload.get("rule")
    with platform.database.write() as connection:
        now = database_now(connection)
        at = {"available_at": now, "action": action, "payload": payload, "rule": rule}
        add_all(connection, [{**at, "effect_key": f"{action}-{one}"} for one in range(number)])


def count(platform: Platform, state: str) -> int:
    """Gives how many effects are in a state."""
    with platform.database.read() as connection:
        query = sa.select(sa.func.count()).where(outbox.c.state == state)
        return int(connection.execute(query).scalar_one())


@contextmanager
def working(platform: Platform) -> Iterator[Platform]:
    """Runs effects and goes by the clock, as a worker does, on the same database."""
    settings = replace(platform.settings, rule_storm=STORM)
    here = open_platform(settings)
    here = replace(here, actions={**here.actions, "slow": Slow()})
    one = Worker(here)
    threads = [threading.Thread(target=run) for run in (one.run_effects, one.go_by_the_clock)]
    for thread in threads:
        thread.start()
    try:
        yield here
    finally:
        one.stop.set()
        for thread in threads:
            thread.join(ENDED_SECONDS)
            assert not thread.is_alive(), "it ignores that it is to end"
        here.close()


def test_clocks_go_off_in_time(platform: Platform) -> None:
    fields: dict[str, JsonObject] = {
        "name": {"type": "string"},
        "zone": {"type": "string"},
        "begun_at": {"type": "string", "crm": {"field": "datetime"}},
    }
    more = [
        element("parcel", object_body(fields, owner=False)),
        element("local/promises.rules", {"text": RULES}, kind="rules"),
    ]
    with platform.database.write(publishing=True) as connection:
        publish(connection, [*load_elements(connection), *more], by="test")
    leave(platform, "slow", 2_000, rule=None)
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LEAD_SECONDS)
    dues = make_clocks(platform, 12, first, seconds=2)
    with working(platform):
        wait_until(lambda: len(told(platform)) == len(dues))
        assert count(platform, WAITING) > 100, "they waited for the backlog"
    late = [(at - dues[key]).total_seconds() for key, at in told(platform)]
    assert 0 <= min(late) <= max(late) <= LATE_SECONDS


def test_a_rule_is_put_into_quarantine_while_it_storms(platform: Platform) -> None:
    with working(platform):
        wait_until(lambda: count(platform, DONE) == 0)
        leave(platform, "slow", STORM, rule=WILD)
        wait_until(lambda: count(platform, WAITING) == 0, 4 * WATCH_SECONDS)
        with platform.database.read() as connection:
            assert quarantined(connection)[WILD].cause == "storm"
        assert count(platform, HELD) == STORM


def test_a_worker_ends_in_the_midst_of_it(platform: Platform, valkey: str) -> None:
    number = 20_000
    settings = replace(platform.settings, redis_url=valkey, rule_storm=0)
    woken = open_platform(settings)
    with worker(settings) as process:
        leave(woken, "notify", number, recipients=["nobody"], kind="message", title="x")
        wait_until(lambda: count(platform, DONE) > 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(ENDED_SECONDS) == 0
    assert count(platform, WAITING) > 0
    woken.close()
