"""Service levels that run on records, as rows: their facts, and when to look at them next.

All else follows from the facts (`rule_engine.services.sla_clock`). A running one stays on the rules
under which it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import uuid_utils

from metadata.objects import ObjectDefinition
from rule_engine.columns import Instant
from rule_engine.program import Program, ServiceLevel
from rule_engine.services.sla import next_look
from rule_engine.services.sla_state import SlaState
from trellis.automation.environment import environment_of
from trellis.automation.outbox import add
from trellis.automation.requests import rule_snapshot
from trellis.automation.rulebook import keep_rules, program_of
from trellis.db import SYSTEM_TABLES
from trellis.unit import Unit

TIME = "service_level_time"

service_level = sa.Table(
    "service_level",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("sla", sa.Text, nullable=False),
    sa.Column("rules", sa.Text, sa.ForeignKey(rule_snapshot.c.digest), nullable=False),
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("next_at", Instant),
    sa.Index("service_level_of_record", "object", "record_id", "sla", unique=True),
)


@dataclass(frozen=True, slots=True)
class Running:
    """A service level on a record. `definition` is None when its rules fit no more."""

    id: str
    state: SlaState
    revision: int
    next_at: datetime | None
    definition: ServiceLevel | None


def running_on(
    unit: Unit, definition: ObjectDefinition, record_id: str, *, for_change: bool = False
) -> Mapping[str, Running]:
    """Gives the service levels that run on a record, by name."""
    query = sa.select(service_level).where(
        service_level.c.object == definition.id, service_level.c.record_id == record_id
    )
    if for_change:
        query = query.with_for_update()
    rows = unit.connection.execute(query).all()
    return {row.sla: running(unit, definition, row) for row in rows}


def running(unit: Unit, definition: ObjectDefinition, row: sa.Row[tuple[object, ...]]) -> Running:
    """Reads a row."""
    program = program_of(unit.connection, unit.catalog, row.rules)
    found = None if program is None else level_named(program, definition.name, row.sla)
    state = SlaState.from_json(row.state)
    return Running(row.id, state, row.revision, row.next_at, found)


def level_named(program: Program, object_name: str, name: str) -> ServiceLevel | None:
    """Gives a service level of an object."""
    levels = program.for_object(object_name).service_levels
    return next((level for level in levels if level.name == name), None)


def keep(
    unit: Unit,
    definition: ObjectDefinition,
    level: ServiceLevel,
    before: Running | None,
    state: SlaState,
    record: Mapping[str, object],
) -> None:
    """Writes the facts, and has the clock looked at when it has something to do next."""
    at = next_look(level, state, record, environment_of(unit))
    if before is not None and (before.state, before.next_at) == (state, at):
        return
    key = before.id if before else str(uuid_utils.uuid7())
    revision = before.revision + 1 if before else 1
    values = {"state": state.to_json(), "revision": revision, "next_at": at}
    if before is None:
        row = {
            "id": key,
            "object": definition.id,
            "record_id": state.record_id,
            "sla": level.name,
            "rules": keep_rules(unit.connection, unit.catalog.rules),
            **values,
        }
        unit.connection.execute(sa.insert(service_level).values(row))
    else:
        unit.connection.execute(
            sa.update(service_level).where(service_level.c.id == key).values(values)
        )
    if at is not None:
        about = {"object_name": definition.name, "record_id": state.record_id}
        add(unit.connection, TIME, {"sla": level.name}, f"{TIME}/{key}/{revision}", at=at, **about)
