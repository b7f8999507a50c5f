"""Quarantine: what rules that run wild leave in the outbox is held, until somebody has looked.

A rule is put there when it leaves more effects in a minute than an installation allows, or when
many of its effects fail at the same time. Nothing is lost: what was held is run in its order when
the rule is released. What a rule does inside the transaction of a save cannot be held and goes on:
the depth of chains bounds it, and who wants it to end retires the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa

from rule_engine.columns import Instant
from trellis.automation.outbox import (
    CANCELLED,
    DEAD,
    FAILING,
    HELD,
    OUTBOX,
    WAITING,
    outbox,
)
from trellis.db import SYSTEM_TABLES, clock, insert_once, signal

Cause = Literal["storm", "failures"]

FAILURES: Final = 20
"""How many effects of one rule may fail at the same time. Each is tried again for half an hour: one
that fails for a reason of its own stays alone, twenty have the same reason."""
MINUTE: Final = timedelta(minutes=1)
RECENT: Final = timedelta(days=1)
BY_THE_CLOCK: Final = ("due", "scheduled")
"""Effects that only start a rule: many may be planned at once."""

rule_quarantine = sa.Table(
    "rule_quarantine",
    SYSTEM_TABLES,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Wild:
    """A rule that runs wild: why it counts as such, and how many effects say so."""

    rule: str
    cause: Cause
    number: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A rule in quarantine, and how many of its effects are held."""

    rule: str
    since: datetime
    cause: str
    number: int
    held: int


def find_wild(connection: sa.Connection, now: datetime, storm: int) -> Iterator[Wild]:
    """Gives the rules that are to be put into quarantine; `storm` 0 allows any number."""
    known = sa.select(rule_quarantine.c.rule)
    free = sa.and_(outbox.c.rule.is_not(None), outbox.c.rule.not_in(known))
    number = sa.func.count()
    counted = sa.select(outbox.c.rule, number).group_by(outbox.c.rule)
    if storm:
        lately = sa.and_(outbox.c.id >= first_id(now - MINUTE), outbox.c.created_at >= now - MINUTE)
        left = sa.and_(free, lately, outbox.c.action.not_in(BY_THE_CLOCK))
        for rule, found in connection.execute(counted.where(left).having(number > storm)):
            yield Wild(rule, "storm", found)
    failing = sa.and_(free, FAILING, outbox.c.state.in_((WAITING, DEAD)))
    failing = sa.and_(failing, outbox.c.created_at >= now - RECENT)
    for rule, found in connection.execute(counted.where(failing).having(number >= FAILURES)):
        yield Wild(rule, "failures", found)


def first_id(at: datetime) -> str:
    """Gives an id (UUIDv7) before which nothing made at an instant or later sorts."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7"


def quarantine(connection: sa.Connection, wild: Wild) -> bool:
    """Holds what a rule leaves from now on; says whether it was not held already."""
    row = {"rule": wild.rule, "cause": wild.cause, "number": wild.number}
    return insert_once(connection, rule_quarantine, "rule", {**row, "since": clock(connection)})


def hold(connection: sa.Connection, due: sa.ColumnElement[bool]) -> None:
    """Puts due effects of rules in quarantine aside."""
    rules = connection.execute(sa.select(rule_quarantine.c.rule)).scalars().all()
    if rules:
        aside = {"state": HELD, "lease": None, "lease_until": None}
        wild = sa.and_(due, outbox.c.rule.in_(rules))
        connection.execute(sa.update(outbox).where(wild).values(aside))


def held_for_nothing() -> sa.ColumnElement[bool]:
    """Gives the condition of effects that are held although their rules are not in quarantine:
    somebody released them while a worker put some aside."""
    known = sa.select(rule_quarantine.c.rule)
    return sa.and_(outbox.c.state == HELD, outbox.c.rule.not_in(known))


def is_held_for_nothing(connection: sa.Connection) -> bool:
    """Says whether any effect is."""
    return bool(connection.execute(sa.select(sa.exists().where(held_for_nothing()))).scalar())


def free_held(connection: sa.Connection) -> int:
    """Lets those go on; gives how many. They keep their order: it follows from when they were
    due."""
    held = held_for_nothing()
    count = connection.execute(sa.update(outbox).where(held).values(state=WAITING)).rowcount
    if count:
        signal(connection, OUTBOX)
    return count


def release(connection: sa.Connection, rule: str) -> int:
    """Ends a rule's quarantine: what was held is run, what failed is tried afresh. Gives how many
    that are."""
    leave(connection, rule)
    failing = sa.and_(outbox.c.rule == rule, FAILING, outbox.c.state.in_((WAITING, DEAD)))
    afresh = {"state": WAITING, "attempts": 0, "last_error": None}
    values = {**afresh, "available_at": clock(connection)}
    count = connection.execute(sa.update(outbox).where(failing).values(values)).rowcount
    if count:
        signal(connection, OUTBOX)
    return count + free_held(connection)


def drop(connection: sa.Connection, rule: str) -> int:
    """Ends a rule's quarantine and cancels what was held and what failed; gives how many."""
    leave(connection, rule)
    held = sa.and_(outbox.c.rule == rule, outbox.c.state == HELD)
    failing = sa.and_(outbox.c.rule == rule, FAILING, outbox.c.state.in_((WAITING, DEAD)))
    gone = {"state": CANCELLED, "done_at": clock(connection), "last_error": None}
    return connection.execute(sa.update(outbox).where(held | failing).values(gone)).rowcount


def leave(connection: sa.Connection, rule: str) -> None:
    """Forgets that a rule is in quarantine."""
    connection.execute(sa.delete(rule_quarantine).where(rule_quarantine.c.rule == rule))


def quarantined(connection: sa.Connection) -> Mapping[str, Quarantine]:
    """Gives the rules in quarantine by name."""
    rows = connection.execute(sa.select(rule_quarantine).order_by(rule_quarantine.c.rule)).all()
    if not rows:
        return {}
    number = sa.select(outbox.c.rule, sa.func.count()).where(outbox.c.state == HELD)
    held = {rule: count for rule, count in connection.execute(number.group_by(outbox.c.rule))}
    return {
        row.rule: Quarantine(row.rule, row.since, row.cause, row.number, held.get(row.rule, 0))
        for row in rows
    }


def failing(connection: sa.Connection) -> Mapping[str, int]:
    """Gives by rule how many of its effects failed when they were tried last."""
    number = sa.select(outbox.c.rule, sa.func.count()).where(outbox.c.rule.is_not(None), FAILING)
    return {rule: count for rule, count in connection.execute(number.group_by(outbox.c.rule))}


def failing_of(connection: sa.Connection, rule: str, limit: int) -> Sequence[sa.RowMapping]:
    """Gives effects of a rule that failed when they were tried last, the newest first."""
    mine = sa.select(outbox).where(outbox.c.rule == rule, FAILING)
    newest = mine.order_by(outbox.c.id.desc()).limit(limit)
    return connection.execute(newest).mappings().all()
