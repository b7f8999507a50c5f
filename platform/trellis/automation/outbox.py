"""The outbox: what is to happen because of a change, written in the transaction of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
import uuid_utils

from metadata.locks import Busy
from metadata.problems import Problem
from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES, clock, insert_once, signal
from trellis.pausing import goes_on

# The signal after whose commit workers are woken.
OUTBOX = "outbox"

# What pauses when effects are paused.
EFFECTS = "effects"

WAITING, RUNNING, DONE, DEAD = "waiting", "running", "done", "dead"
HELD, CANCELLED = "held", "cancelled"

TURNS: Final = ("clock", "people", "bulk")
BY_THE_CLOCK, OF_PEOPLE, IN_BULK = TURNS
"""The turns: what was planned for a time, what follows from people's work, and bulk work. The first
two share, so that neither waits for many of the other; bulk work has what they leave."""
TURN: Final = "trellis_turn"
"""The option of a connection that says in which turn effects are that are added over it."""
MAX_ERROR_LENGTH: Final = 500
CROWD: Final = 2_000
"""When more bulk effects wait than that, who adds more has to wait."""

outbox = sa.Table(
    "outbox",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("effect_key", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("object", sa.Text),
    sa.Column("record_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("available_at", Instant, nullable=False),
    sa.Column("lease", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("last_error", sa.Text),
    sa.Column("said", sa.JSON, comment="what the last error says by language"),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("done_at", Instant),
    sa.Column("rule", sa.Text, comment="what asked for it: a rule, an approval, a service level"),
    sa.Column("turn", sa.Text, nullable=False, server_default=OF_PEOPLE),
    sa.Index("outbox_effect_key", "effect_key", unique=True),
    sa.Index("outbox_due", "state", "turn", "available_at", "id"),
    sa.Index("outbox_record", "object", "record_id"),
)
FAILING: Final = outbox.c.last_error.is_not(None)
"""The effects that failed when they were tried last: few, so that their index is small."""
sa.Index(
    "outbox_failing", outbox.c.rule, sqlite_where=FAILING, postgresql_where=FAILING
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the outbox: `action` is to be run with `payload`.

    `key` names the effect for ever: whoever writes a row because of it stores a unique key made
    from this one. `attempts` counts this run too. What follows from it has its `turn`, too.
    It is not run before `at`.
    """

    id: str
    key: str
    action: str
    payload: Mapping[str, object]
    object: str | None
    record_id: str | None
    attempts: int
    at: datetime
    turn: str = OF_PEOPLE


def yield_to_people(connection: sa.Connection) -> None:
    """Has the effects that are added over a connection wait for those of what people do."""
    take_turn(connection, IN_BULK)


def take_turn(connection: sa.Connection, turn: str) -> None:
    """Gives the effects that are added over a connection their turn."""
    connection.execution_options(**{TURN: turn})


def turn_of(connection: sa.Connection) -> str:
    """Gives the turn of effects that are added over a connection."""
    turn: str = connection.get_execution_options().get(TURN, OF_PEOPLE)
    return turn


def is_crowded(connection: sa.Connection) -> bool:
    """Says whether so many bulk effects are due that who adds more is to wait."""
    bulk = sa.and_(outbox.c.state == WAITING, outbox.c.turn == IN_BULK)
    due = sa.and_(bulk, outbox.c.available_at <= clock(connection))
    beyond = sa.select(outbox.c.id).where(due, goes_on(EFFECTS)).limit(1).offset(CROWD)
    return connection.execute(beyond).first() is not None


def demand_room(connection: sa.Connection) -> None:
    """Raises Busy while so many bulk effects wait that who adds more is to wait."""
    if is_crowded(connection):
        raise Busy(why=Problem("", "bulk_crowded", {"limit": CROWD}))


def add_all(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes many effects that are new for sure; `rows` say what `add` is told of one."""
    fresh = sa.insert(outbox).values(state=WAITING, attempts=0, created_at=clock(connection))
    signal(connection, OUTBOX)
    same = {"turn": turn_of(connection)}
    connection.execute(fresh, [{"id": str(uuid_utils.uuid7()), **same, **row} for row in rows])


def add(
    connection: sa.Connection,
    action: str,
    payload: Mapping[str, object],
    effect_key: str,
    *,
    object_name: str | None = None,
    record_id: str | None = None,
    at: datetime | None = None,
    rule: str | None = None,
    turn: str | None = None,
) -> bool:
    """Writes an effect into the caller's transaction; workers are woken when it commits.

    `payload` is JSON. `at` has it run by the clock, unless `turn` says otherwise; `rule` names what
    asked for it. A second effect with the same key is left out, and False is returned.
    """
    if turn is None:
        turn = turn_of(connection) if at is None else BY_THE_CLOCK
    row = new_row(connection, action, payload, effect_key, turn)
    row |= {"object": object_name, "record_id": record_id, "rule": rule}
    if at is not None:
        row["available_at"] = not_before(at)
    signal(connection, OUTBOX)
    return insert_once(connection, outbox, "effect_key", row)


def add_given_up(
    connection: sa.Connection,
    action: str,
    payload: Mapping[str, object],
    effect_key: str,
    said: Mapping[str, str],
    *,
    object_name: str,
    record_id: str,
    rule: str,
) -> None:
    """Writes an effect that has failed already: it is tried again when somebody says so. `said` is
    what to tell of the failure by language; for the rest see `add`."""
    row = new_row(connection, action, payload, effect_key, BY_THE_CLOCK)
    about = {"object": object_name, "record_id": record_id, "rule": rule}
    row |= {**about, "state": DEAD, "attempts": 1, **failed_with(said)}
    insert_once(connection, outbox, "effect_key", row)


def new_row(
    connection: sa.Connection,
    action: str,
    payload: Mapping[str, object],
    effect_key: str,
    turn: str,
) -> dict[str, object]:
    """Gives the row of an effect that waits."""
    now = clock(connection)
    return {
        "id": str(uuid_utils.uuid7()),
        "effect_key": effect_key,
        "action": action,
        "payload": dict(payload),
        "state": WAITING,
        "attempts": 0,
        "available_at": now,
        "created_at": now,
        "turn": turn,
    }


def failed_with(said: Mapping[str, str]) -> dict[str, object]:
    """Gives what a row says of a failure, by language."""
    short = {language: text[:MAX_ERROR_LENGTH] for language, text in said.items()}
    return {"last_error": short["en"], "said": short}


def error_in(row: sa.RowMapping, language: str) -> str | None:
    """Gives what the last try met, in words; None for a row that did not fail when it was tried
    last. What an older product wrote is there as it was."""
    if row["last_error"] is None:
        return None
    said: Mapping[str, str] = row["said"] or {}
    return said.get(language, str(row["last_error"]))


def not_before(at: datetime) -> datetime:
    """Gives the first instant in milliseconds that is not before another one: instants are kept
    without parts of them, and a timer that comes too early finds nothing to do."""
    return at + timedelta(microseconds=-at.microsecond % 1000)
