"""Service levels that run on records, as rows: their facts, and what is to be expected of them.

All else follows from the facts (`rule_engine.services.sla_clock`). What follows is kept beside them
to be found by: `service_target` says of each promise when it is at risk and due, `next_at` when the
clock is to be looked at. Both are made anew from the facts with every change.

A running service level stays on the rules under which it began, unless an administrator moves it;
business time is always that of the calendars in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
import uuid_utils

from metadata.objects import ObjectDefinition
from rule_engine.columns import Instant
from rule_engine.program import Program, ServiceLevel
from rule_engine.services.sla import first_look
from rule_engine.services.sla_clock import Outlook, look_ahead
from rule_engine.services.sla_state import SlaState
from rule_engine.types import Calendar
from trellis.automation.environment import Surroundings, environment_of
from trellis.automation.requests import rule_snapshot
from trellis.automation.rulebook import keep_rules, program_of
from trellis.db import SYSTEM_TABLES, insert_into
from trellis.many_rows import upsert_many
from trellis.unit import Unit

ENDED: Final = frozenset({"met", "cancelled"})

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
    sa.Column("ended", sa.Boolean),
    sa.Index("service_level_of_record", "object", "record_id", "sla", unique=True),
    sa.Index("service_level_due", "object", "next_at"),
    sa.Index("service_level_open", "object", "sla", "ended", "id"),
)
"""`revision` counts how often it was looked at when its time had come. `ended` is null in rows that
an older product wrote: then it is not known."""

service_target = sa.Table(
    "service_target",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service_level", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("sla", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due", Instant),
    sa.Column("at_risk_at", Instant),
    sa.Index("service_target_due", "object", "state", "due", "id", "at_risk_at"),
)
"""`state` is how the clock stands; one that stands still after its time was over counts as running,
since it is late whatever follows."""

service_plan = sa.Table(
    "service_plan",
    SYSTEM_TABLES,
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
)
"""By what the open clocks are planned: one row, of the calendars."""

FOLLOWS: Final = ("state", "due", "at_risk_at")


@dataclass(frozen=True, slots=True)
class Running:
    """A service level on a record. `definition` is None when there are no rules for it any more.

    `calendars` are those in force, and besides them those of its rules that are there no more.
    """

    id: str
    record_id: str
    name: str
    state: SlaState
    next_at: datetime | None
    definition: ServiceLevel | None
    calendars: Mapping[str, Calendar]

    def environment(self, known: Surroundings) -> Surroundings:
        """Gives what the rules of this one may know."""
        return replace(known, calendars=self.calendars)


def running_on(
    unit: Unit, definition: ObjectDefinition, record_id: str, *, for_change: bool = False
) -> Mapping[str, Running]:
    """Gives the service levels that run on a record, by name."""
    here = service_level.c
    query = (
        sa.select(service_level)
        .where(here.object == definition.id, here.record_id == record_id)
        .order_by(here.id)
    )
    if for_change:
        query = query.with_for_update()
    rows = unit.connection.execute(query).all()
    return {row.sla: running(unit, definition, row) for row in rows}


def running(unit: Unit, definition: ObjectDefinition, row: sa.Row[Any]) -> Running:
    """Reads a row."""
    return read_row(row, *rules_for(unit, definition, row.rules, row.sla))


def read_row(
    row: sa.Row[Any], level: ServiceLevel | None, calendars: Mapping[str, Calendar]
) -> Running:
    """Reads a row whose rules are known."""
    state = SlaState.from_json(row.state)
    key = (row.id, row.record_id, row.sla)
    return Running(*key, state, row.next_at, level, calendars)


def rules_for(
    unit: Unit, definition: ObjectDefinition, digest: str, name: str
) -> tuple[ServiceLevel | None, Mapping[str, Calendar]]:
    """Gives a service level as kept rules have it, and the calendars for it.

    One that does not fit what has become of the object gives way to that in force, which was
    rewritten with it.
    """

    def found() -> tuple[ServiceLevel | None, Mapping[str, Calendar]]:
        present = unit.catalog.program
        program = program_of(unit.connection, unit.catalog, digest)
        kept = level_named(program, definition.name, name)
        if kept is None:
            return level_named(present, definition.name, name), present.business_time
        return kept, {**program.business_time, **present.business_time}

    return unit.catalog.queries.get(("service level", digest, definition.id, name), tuple, found)


def level_named(program: Program, object_name: str, name: str) -> ServiceLevel | None:
    """Gives a service level of an object."""
    known = (one for one in program.service_levels if one.object == object_name)
    return next((level for level in known if level.name == name), None)


def keep(
    unit: Unit,
    definition: ObjectDefinition,
    level: ServiceLevel,
    before: Running | None,
    state: SlaState,
    record: Mapping[str, object],
) -> None:
    """Writes the facts and what is to be expected of them."""
    known = environment_of(unit)
    environment = known if before is None else before.environment(known)
    ahead = look_ahead(level, state, record, environment)
    if before is None:
        rules = keep_rules(unit.connection, unit.catalog.rules)
        insert(unit.connection, definition, rules, state, ahead)
        return
    follows = follows_of(ahead)
    if (before.state, before.next_at) != (state, follows["next_at"]):
        written = sa.update(service_level).where(service_level.c.id == before.id)
        unit.connection.execute(written.values(state=state.to_json(), **follows))
    keep_targets(unit.connection, target_rows(before.id, definition, state, ahead))


def insert(
    connection: sa.Connection,
    definition: ObjectDefinition,
    rules: str,
    state: SlaState,
    ahead: Sequence[Outlook],
    since: datetime | None = None,
) -> None:
    """Writes a service level that begins on a record, unless one does already.

    `since` is the first instant at which it may be looked at.
    """
    key = str(uuid_utils.uuid7())
    row = {
        "id": key,
        "object": definition.id,
        "record_id": state.record_id,
        "sla": state.sla,
        "rules": rules,
        "state": state.to_json(),
        "revision": 0,
        **follows_of(ahead, since),
    }
    made = insert_into(connection, service_level).values(row).on_conflict_do_nothing()
    if connection.execute(made.returning(service_level.c.id)).first() is not None:
        keep_targets(connection, target_rows(key, definition, state, ahead))


def follows_of(ahead: Sequence[Outlook], since: datetime | None = None) -> dict[str, Any]:
    """Gives what a row says that follows from its facts: when to look, not before `since`, and
    whether no clock can go on by itself."""
    at = first_look(ahead)
    if at is not None and since is not None:
        at = max(at, since)
    return {"next_at": at, "ended": all(one.status in ENDED for one in ahead)}


def target_rows(
    key: str, definition: ObjectDefinition, state: SlaState, ahead: Iterable[Outlook]
) -> list[dict[str, object]]:
    """Gives the rows of the promises of a service level."""
    return [
        {
            "id": f"{key}/{one.target}",
            "service_level": key,
            "target": one.target,
            "object": definition.id,
            "record_id": state.record_id,
            "sla": state.sla,
            "state": "running" if one.status == "paused" and one.due else one.status,
            "due": one.due,
            "at_risk_at": one.at_risk_at,
        }
        for one in ahead
    ]


def keep_targets(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes the rows of promises, those only that are not so already."""
    upsert_many(connection, service_target, rows, FOLLOWS)
