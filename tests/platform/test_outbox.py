"""The outbox: nothing is lost, nothing happens twice, failures are tried again and then buried."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.platform.world import BreakOffError, write_and_break_off
from trellis.automation.dispatcher import (
    BATCH,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    Dispatcher,
    claim,
    database_now,
    is_due,
)
from trellis.automation.outbox import IN_BULK, OUTBOX, Effect, add, outbox, yield_to_people
from trellis.automation.quarantine import rule_quarantine
from trellis.db import SYSTEM_TABLES, Database
from trellis.pausing import work_pause

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)

METADATA = sa.MetaData()
happened = sa.Table("happened", METADATA, sa.Column("key", sa.Text))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    with database.write() as connection:
        SYSTEM_TABLES.create_all(connection, tables=[outbox, rule_quarantine, work_pause])
        METADATA.create_all(connection)
    yield database
    database.dispose()


def happen(connection: sa.Connection, effect: Effect, _now: datetime) -> None:
    """An effect inside the database."""
    connection.execute(sa.insert(happened).values(key=effect.key))


def add_effects(database: Database, number: int, *, at: datetime | None = None) -> None:
    with database.write() as connection:
        for index in range(number):
            add(connection, "happen", {"index": index}, f"effect-{index}", at=at)


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(connection.execute(sa.select(happened.c.key)).scalars())


def states(database: Database) -> dict[str, int]:
    counted = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
    with database.read() as connection:
        return {state: number for state, number in connection.execute(counted)}


def test_an_effect_is_added_with_its_cause_and_only_once(database: Database) -> None:
    woken: list[str] = []
    database.listen(OUTBOX, lambda: woken.append("woken"))
    with pytest.raises(BreakOffError):
        write_and_break_off(database, lambda connection: add(connection, "happen", {}, "one"))
    assert states(database) == {}
    with database.write() as connection:
        assert add(connection, "happen", {}, "one")
        assert not add(connection, "happen", {}, "one")
    assert states(database) == {"waiting": 1}
    assert woken == ["woken"]


def test_due_effects_run_in_order_and_later_ones_wait(database: Database) -> None:
    seen: list[object] = []

    def note(_connection: sa.Connection, effect: Effect, _now: datetime) -> None:
        seen.append(effect.payload["index"])

    add_effects(database, BATCH + 5)
    with database.write() as connection:
        add(connection, "happen", {}, "later", at=datetime.now(UTC) + timedelta(hours=1))
    assert Dispatcher(database, note).drain() == BATCH + 5
    assert seen == list(range(BATCH + 5))
    assert states(database) == {"done": BATCH + 5, "waiting": 1}


def test_what_people_do_comes_before_bulk_work_and_what_follows_from_that(
    database: Database,
) -> None:
    seen: list[str] = []

    def follow(connection: sa.Connection, effect: Effect, now: datetime) -> None:
        seen.append(effect.key)
        if effect.key == "effect-0":
            add(connection, "happen", {}, "following")

    with database.write() as connection:
        yield_to_people(connection)
        for index in range(BATCH + 1):
            add(connection, "happen", {"index": index}, f"effect-{index}")
    Dispatcher(database, follow).run_batch()
    assert seen == [f"effect-{index}" for index in range(BATCH)]
    with database.write() as connection:
        add(connection, "happen", {}, "of a person")
    assert Dispatcher(database, follow).drain() == 3
    assert seen[BATCH:] == ["of a person", f"effect-{BATCH}", "following"]
    with database.read() as connection:
        own = sa.select(outbox.c.effect_key).where(outbox.c.turn != IN_BULK)
        assert connection.scalars(own).all() == ["of a person"]


def test_neither_the_clock_nor_people_wait_for_many_of_the_other(database: Database) -> None:
    seen: list[str] = []

    def follow(connection: sa.Connection, effect: Effect, now: datetime) -> None:
        seen.append(effect.key)
        if effect.key == "timer-0":
            add(connection, "happen", {}, "following")

    for name, number in (("person", 3 * BATCH), ("timer", BATCH), ("other", BATCH)):
        with database.write() as connection:
            for index in range(number):
                at = NOW if name == "timer" else None
                add(connection, "happen", {}, f"{name}-{index}", at=at)
    Dispatcher(database, follow).run_batch()
    half = range(BATCH // 2)
    assert seen == [*(f"timer-{one}" for one in half), *(f"person-{one}" for one in half)]
    Dispatcher(database, follow).run_batch()
    assert f"timer-{BATCH - 1}" in seen
    Dispatcher(database, follow).run_batch()
    assert "following" in seen[2 * BATCH :]


def test_what_is_written_now_is_due_now(database: Database) -> None:
    for index in range(200):
        with database.write() as connection:
            add(connection, "happen", {}, f"now-{index}")
            due = is_due(database_now(connection))
            waiting = sa.select(sa.func.count()).select_from(outbox).where(due)
            assert connection.execute(waiting).scalar_one() == index + 1


def test_many_dispatchers_at_once_do_each_effect_once(database: Database) -> None:
    add_effects(database, 120)
    threads = [threading.Thread(target=Dispatcher(database, happen).drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys(database) == sorted(f"effect-{index}" for index in range(120))
    assert states(database) == {"done": 120}


def test_what_a_dead_dispatcher_left_is_taken_over_when_its_lease_ends(database: Database) -> None:
    add_effects(database, 3, at=NOW)
    with database.write() as connection:
        assert len(claim(connection, "dead", NOW)) == 3
    early = Dispatcher(database, happen, lambda _connection: NOW + timedelta(seconds=1))
    assert early.drain() == 0
    late = Dispatcher(
        database, happen, lambda _connection: NOW + timedelta(seconds=LEASE_SECONDS + 1)
    )
    assert late.drain() == 3
    assert keys(database) == ["effect-0", "effect-1", "effect-2"]


def test_who_is_started_in_a_dead_ones_place_takes_over_at_once(database: Database) -> None:
    add_effects(database, 3, at=NOW)
    with database.write() as connection:
        assert len(claim(connection, "w1/7", NOW)) == 3
    soon = NOW + timedelta(milliseconds=200)
    for other in ("w2", "w", "w1/7"):
        assert Dispatcher(database, happen, lambda _c: soon, holder=other).let_go() == 0
    following = Dispatcher(database, happen, lambda _c: soon, holder="w1")
    assert following.drain() == 0
    assert following.let_go() == 3
    later = soon + timedelta(milliseconds=1)
    assert Dispatcher(database, happen, lambda _connection: later).drain() == 3
    assert keys(database) == ["effect-0", "effect-1", "effect-2"]
    assert following.let_go() == 0


def test_whoever_lost_its_lease_leaves_nothing_behind(database: Database) -> None:
    """A dispatcher that slept through its lease comes back after another has done the work."""
    add_effects(database, 1, at=NOW)
    with database.write() as connection:
        (effect,) = claim(connection, "sleeper", NOW)
    later = NOW + timedelta(seconds=LEASE_SECONDS + 1)
    assert Dispatcher(database, happen, lambda _connection: later).drain() == 1
    Dispatcher(database, happen, lambda _connection: later).run(effect, "sleeper")
    assert keys(database) == ["effect-0"]


@pytest.mark.parametrize("error", [ValueError("no such thing"), KeyError("x")])
def test_failures_leave_nothing_are_tried_again_and_end(
    database: Database, error: Exception
) -> None:
    clock = [NOW]

    def fail(connection: sa.Connection, effect: Effect, now: datetime) -> None:
        happen(connection, effect, now)
        raise error

    add_effects(database, 1, at=NOW)
    dispatcher = Dispatcher(database, fail, lambda _connection: clock[0])
    tries = 0
    for _ in range(MAX_ATTEMPTS * 3):
        tries += dispatcher.run_batch()
        clock[0] += timedelta(minutes=15)
    assert tries == MAX_ATTEMPTS
    assert states(database) == {"dead": 1}
    assert keys(database) == []
    with database.read() as connection:
        text = connection.execute(sa.select(outbox.c.last_error)).scalar_one()
    assert text == f"{type(error).__name__}: {error}"


def test_what_kills_its_dispatchers_again_and_again_is_buried(database: Database) -> None:
    add_effects(database, 1, at=NOW)
    now = NOW
    for _ in range(MAX_ATTEMPTS):
        with database.write() as connection:
            assert len(claim(connection, "killed", now)) == 1
        now += timedelta(seconds=LEASE_SECONDS + 1)
    with database.write() as connection:
        assert claim(connection, "next", now) == []
    assert states(database) == {"dead": 1}


def test_old_done_effects_are_purged(database: Database) -> None:
    add_effects(database, 2, at=NOW)
    Dispatcher(database, happen, lambda _connection: NOW).drain()
    assert Dispatcher(database, happen, lambda _c: NOW + timedelta(days=6)).purge() == 0
    assert Dispatcher(database, happen, lambda _c: NOW + timedelta(days=8)).purge() == 2


def test_quick_effects_share_a_transaction_and_one_that_fails_keeps_no_other_back(
    database: Database,
) -> None:
    add_effects(database, BATCH)
    begun: list[str] = []

    def fail_once(connection: sa.Connection, effect: Effect, now: datetime) -> None:
        begun.append(effect.key)
        if effect.key == "effect-3":
            raise ValueError("no")
        happen(connection, effect, now)

    Dispatcher(database, fail_once, is_quick=lambda _effect: True).run_batch()
    # Four together, then each by itself.
    assert len(begun) == 4 + BATCH
    assert keys(database) == sorted(f"effect-{n}" for n in range(BATCH) if n != 3)
    assert states(database) == {"done": BATCH - 1, "waiting": 1}
