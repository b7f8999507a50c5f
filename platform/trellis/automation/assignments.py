"""Assignments as rows: whose turn it is, and what was decided for a record and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils

from metadata.objects import ObjectDefinition
from rule_engine.columns import Instant
from rule_engine.services.assign import Assigned, Turns
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


def note_decision(
    unit: Unit, definition: ObjectDefinition, record_id: str, decision: Assigned
) -> None:
    """Keeps what was decided, who was skipped, and why."""
    row = {
        "id": str(uuid_utils.uuid7()),
        "object": definition.id,
        "record_id": record_id,
        "at": unit.moment.now,
        "decision": decision.to_json(),
    }
    unit.connection.execute(sa.insert(assignment_log).values(row))


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
