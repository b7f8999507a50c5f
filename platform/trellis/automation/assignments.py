"""Assignments as rows: whose turn it is, and what was decided for a record and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils

from metadata.objects import ObjectDefinition
from rule_engine.columns import Instant
from rule_engine.services.assign import Assigned, Turns
from trellis.automation.outbox import add
from trellis.db import SYSTEM_TABLES, insert_into
from trellis.phrases import Sentence
from trellis.unit import Unit

REASSIGN = "reassign"

assignment_turn = sa.Table(
    "assignment_turn",
    SYSTEM_TABLES,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("turns", sa.JSON, nullable=False),
)

assignment_log = sa.Table(
    "assignment_log",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("decision", sa.JSON, nullable=False),
    sa.Index("assignment_log_of_record", "object", "record_id", "id"),
)


def take_turns(connection: sa.Connection, key: str) -> Turns:
    """Gives whose turn it is; of two at once the second waits for the first."""
    first = insert_into(connection, assignment_turn).values(key=key, turns={})
    connection.execute(first.on_conflict_do_nothing())
    query = sa.select(assignment_turn.c.turns).where(assignment_turn.c.key == key)
    return Turns.from_json(connection.execute(query.with_for_update()).scalar_one())


def keep_turns(connection: sa.Connection, key: str, turns: Turns) -> None:
    """Keeps whose turn it is next."""
    statement = sa.update(assignment_turn).where(assignment_turn.c.key == key)
    connection.execute(statement.values(turns=turns.to_json()))


@dataclass(frozen=True, slots=True)
class Look:
    """A `reassign` line, from 0, that is asked at `due` of a record which somebody got.

    It was given by a kept `decision` and had `version` then; the time of the line counts from
    `since`. Another decision or another owner makes the look void.
    """

    assignment: str
    line: int
    decision: str
    version: int
    since: datetime
    due: datetime

    @property
    def key(self) -> str:
        """Names the look for ever."""
        return f"{REASSIGN}/{self.decision}/{self.line}/{self.due.isoformat()}"

    def to_json(self) -> dict[str, object]:
        """Gives plain JSON values; `from_json` is the exact way back."""
        instants = {"since": self.since.isoformat(), "due": self.due.isoformat()}
        return {**asdict(self), **instants}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Look:
        """Reads what `to_json` wrote."""
        instants = {name: datetime.fromisoformat(document[name]) for name in ("since", "due")}
        return cls(**{**document, **instants})


def plan_look(
    unit: Unit, definition: ObjectDefinition, record_id: str, look: Look, due: datetime | None
) -> None:
    """Has a line asked of a record when it is due, if ever."""
    if due is not None:
        look = replace(look, due=due)
        about = {"object_name": definition.name, "record_id": record_id}
        add(unit.connection, REASSIGN, look.to_json(), look.key, at=due, **about)


def note_decision(
    unit: Unit, definition: ObjectDefinition, record_id: str, decision: Assigned
) -> str:
    """Keeps what was decided, who was skipped, and why; gives the id of the decision."""
    key = str(uuid_utils.uuid7())
    row = {
        "id": key,
        "object": definition.id,
        "record_id": record_id,
        "at": unit.moment.now,
        "decision": decision.to_json(),
    }
    unit.connection.execute(sa.insert(assignment_log).values(row))
    return key


def last_given(
    unit: Unit, definition: ObjectDefinition, record_id: str
) -> tuple[str, Assigned] | None:
    """Gives the newest decision by which a record got somebody or a queue, after its id."""
    table = assignment_log.c
    query = sa.select(table.id, table.decision).where(
        table.object == definition.id, table.record_id == record_id
    )
    rows = unit.connection.execute(query.order_by(table.id.desc()))
    known = ((row.id, Assigned.from_json(row.decision)) for row in rows)
    return next((found for found in known if found[1].is_given), None)


def decisions_on(
    unit: Unit, definition: ObjectDefinition, record_id: str
) -> list[tuple[datetime, Assigned]]:
    """Gives what was decided for a record, the newest first."""
    table = assignment_log.c
    query = sa.select(table.at, table.decision).where(
        table.object == definition.id, table.record_id == record_id
    )
    rows: list[Mapping[str, Any]] = [
        dict(row) for row in unit.connection.execute(query.order_by(table.id.desc())).mappings()
    ]
    return [(row["at"], in_our_words(Assigned.from_json(row["decision"]))) for row in rows]


def in_our_words(decision: Assigned) -> Assigned:
    """Gives a decision that no assignment made in words that are translated here."""
    if decision.assignment:
        return decision
    skipped = (replace(one, why=Sentence.from_json(one.why.to_json())) for one in decision.skipped)
    because = Sentence.from_json(decision.because.to_json())
    return replace(decision, because=because, skipped=tuple(skipped))
