"""Work that goes on in the background, an open family: what waits, what failed, and doing it again.

Each module of `kinds` has one `WORK`: a table of pieces that are claimed, tried and, when they
failed too often, given up. Whoever administers sees them all in one form, has them tried again and
pauses them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import ClassVar, Final

import sqlalchemy as sa

from metadata.kinds import load_kinds
from metadata.problems import Problem
from trellis.audit import note
from trellis.automation.outbox import OUTBOX
from trellis.db import clock, signal
from trellis.errors import Conflict, Missing, NotAllowed
from trellis.pausing import pause, paused, resume
from trellis.phrases import Sentence
from trellis.unit import Unit

Row = sa.RowMapping

STATES: Final[Mapping[str, Sentence]] = {
    "waiting": Sentence("Waiting"),
    "running": Sentence("Under way"),
    "done": Sentence("Done"),
    "held": Sentence("Held"),
    "dead": Sentence("Given up"),
    "failed": Sentence("Failed"),
    "unknown": Sentence("Not known"),
    "left_out": Sentence("Left out"),
    "cancelled": Sentence("Cancelled"),
}
"""What pieces are called by their state; those of all kinds together."""
GIVEN_UP: Final = ("dead", "failed")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of work. `what` says which sort, `title` the same in words, `error` what the last
    try met, `done` how far it has come of `total`, where that is known; times are UTC."""

    id: str
    what: str
    title: str
    object: str | None
    record_id: str | None
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None
    error: str | None
    done: int | None = None
    total: int | None = None
    may_cancel: bool = False
    may_retry: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """How work of a kind stands: pieces by state, and since when and by whom it is paused."""

    work: Work
    counts: Mapping[str, int]
    paused_since: datetime | None
    paused_by: str | None


class Work(ABC):
    """A kind of work. Its `table` has id, state, attempts, available_at and created_at."""

    name: ClassVar[str]
    title: ClassVar[Sentence]
    table: ClassVar[sa.Table]
    states: ClassVar[tuple[str, ...]]
    #: The states from which a piece is tried again when somebody asks for it.
    again: ClassVar[frozenset[str]]
    #: The columns that are empty then.
    clears: ClassVar[tuple[str, ...]]

    @abstractmethod
    def piece(self, row: Row, language: str) -> Piece:
        """Gives a row in the form of all kinds; what its last try met is told in a language, as far
        as it is known in that."""

    def refusal(self, row: Row) -> Problem | None:
        """Gives why a piece is not tried again as it stands; None for one that is."""
        state = row["state"]
        if state in self.again:
            return None
        return Problem("", "not_tried_again", {"state": STATES[state]})

    def cancel(self, unit: Unit, piece: Piece) -> None:
        """Ends a piece before its time. Raises Conflict for one of which that cannot be."""
        raise Conflict([Problem("", "not_cancelled", {"what": piece.what})])


@cache
def load_work() -> Mapping[str, Work]:
    """Gives every kind of work by its name."""
    return load_kinds(
        f"{__name__}.kinds",
        Work,  # type: ignore[type-abstract]  # only asked whether members are instances
        "WORK",
        "trellis.background",
    )


def overview(unit: Unit) -> list[Overview]:
    """Gives how all work stands. Raises NotAllowed."""
    demand_administrator(unit)
    stopped = paused(unit.connection)
    found = []
    for work in load_work().values():
        state = work.table.c.state
        query = sa.select(state, sa.func.count()).group_by(state)
        counts = {name: int(count) for name, count in unit.connection.execute(query)}
        row = stopped.get(work.name)
        since, by = (None, None) if row is None else (row["since"], row["by"])
        found.append(Overview(work, counts, since, by))
    return found


def pieces(
    unit: Unit, name: str, language: str, *, state: str | None, after: str | None, limit: int
) -> tuple[Sequence[Piece], str | None]:
    """Gives pieces of a kind, the newest first, and the id after which the next page begins.

    Raises NotAllowed, and Missing for an unknown kind.
    """
    demand_administrator(unit)
    work = work_named(name)
    table = work.table.c
    query = sa.select(work.table).order_by(table.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(table.state == state)
    if after is not None:
        query = query.where(table.id < after)
    rows = unit.connection.execute(query).mappings().all()
    shown = [
        replace(work.piece(row, language), may_retry=work.refusal(row) is None)
        for row in rows[:limit]
    ]
    return shown, shown[-1].id if len(rows) > limit else None


def retry(unit: Unit, name: str, piece_id: str | None = None) -> int:
    """Has one piece tried again at once, or all that were given up; gives how many.

    Of letters of which nobody knows whether they arrived only the one that is named is sent again.
    Raises NotAllowed, Missing, and Conflict for one that is not to be tried again as it stands.
    """
    demand_administrator(unit)
    work = work_named(name)
    table = work.table.c
    chosen: sa.ColumnElement[bool] = table.state.in_(GIVEN_UP)
    if piece_id is not None:
        row = row_of(unit, work, piece_id)
        refusal = work.refusal(row)
        if refusal is not None:
            raise Conflict([refusal])
        chosen = sa.and_(table.id == piece_id, table.state == row["state"])
    values = {"state": "waiting", "attempts": 0, "available_at": clock(unit.connection)}
    renewed = sa.update(work.table).where(chosen)
    emptied = dict.fromkeys(work.clears)
    count = unit.connection.execute(renewed.values(**values, **emptied)).rowcount
    if count:
        told = {"work": name, "messages": count}
        note(unit, "retried", values=told if piece_id is None else {"work": name, "id": piece_id})
        signal(unit.connection, OUTBOX)
    return count


def cancel(unit: Unit, name: str, piece_id: str) -> None:
    """Ends a piece of work that has not ended: what it has done until now stays.

    Raises NotAllowed, Missing, and Conflict for one that has ended, or is not to stay half done.
    """
    demand_administrator(unit)
    work = work_named(name)
    work.cancel(unit, work.piece(row_of(unit, work, piece_id), "en"))
    note(unit, "cancelled", values={"work": name, "id": piece_id})


def set_paused(unit: Unit, name: str, *, is_paused: bool) -> None:
    """Pauses work of a kind, or lets it go on. Raises NotAllowed and Missing."""
    demand_administrator(unit)
    work = work_named(name)
    if is_paused:
        pause(unit.connection, work.name, unit.principal.name)
    else:
        resume(unit.connection, work.name)
        signal(unit.connection, OUTBOX)
    note(unit, "paused" if is_paused else "resumed", values={"work": work.name})


def row_of(unit: Unit, work: Work, piece_id: str) -> Row:
    """Gives a piece's row. Raises Missing."""
    query = sa.select(work.table).where(work.table.c.id == piece_id)
    row = unit.connection.execute(query).mappings().first()
    if row is None:
        raise Missing([Problem("", "missing_work", {"id": piece_id})])
    return row


def work_named(name: str) -> Work:
    """Gives a kind of work. Raises Missing."""
    found = load_work().get(name)
    if found is None:
        raise Missing([Problem("", "missing_work", {"id": name})])
    return found


def demand_administrator(unit: Unit) -> None:
    """Raises NotAllowed for who may not administer."""
    if not (unit.principal.may_administer or unit.principal.unrestricted):
        raise NotAllowed([Problem("", "administer_needed")])
