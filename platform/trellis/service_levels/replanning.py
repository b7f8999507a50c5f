"""Planning open clocks anew: business time has changed, or the rules for what is open too.

What is kept of a clock are facts, so nothing is lost: when it is at risk and due follows anew. What
has gone off does not go off again; what should have gone off by now goes off now, once, in order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.objects import ObjectDefinition
from metadata.query.answers import MAX_LIMIT
from rule_engine.program import ServiceLevel
from rule_engine.services.sla import begin, move
from rule_engine.services.sla_clock import look_ahead
from rule_engine.services.sla_state import SlaState
from trellis.automation.environment import Surroundings, environment_of
from trellis.automation.rulebook import keep_rules
from trellis.automation.service_levels import (
    FOLLOWS,
    follows_of,
    insert,
    keep_targets,
    level_named,
    service_level,
    service_target,
    target_rows,
)
from trellis.many_rows import Rows, update_many
from trellis.service_levels.batches import Record, open_rows, read_batch
from trellis.unit import Unit

BATCH: Final = 1_000


def plan_some(
    unit: Unit, definition: ObjectDefinition, sla: str, after: str, *, moves: bool
) -> tuple[str | None, int]:
    """Plans the next clocks of a service level anew; gives where to go on (None: all are done) and
    how many records that were. With `moves` they go over to the rules in force."""
    rows = open_rows(unit, definition.id, sla, after, BATCH, locked=True)
    batch = read_batch(unit, definition, rows, whole=moves)
    level = level_named(unit.catalog.program, definition.name, sla)
    rules = keep_rules(unit.connection, unit.catalog.rules) if moves else ""
    levels: list[dict[str, object]] = []
    targets: list[dict[str, object]] = []
    for one, record, environment in batch:
        under = (level or one.definition) if moves else one.definition
        if under is None:
            continue
        state = move(level, one.state, record, environment) if moves else one.state
        ahead = look_ahead(under, state, record, environment)
        written = {"rules": rules, "state": state.to_json()} if moves else {}
        levels.append({"id": one.id, **follows_of(ahead, environment.now), **written})
        targets += target_rows(one.id, definition, state, ahead)
    write(
        unit.connection, levels, targets, may_be_new=moves or any(row.ended is None for row in rows)
    )
    return (rows[-1].id if len(rows) == BATCH else None), len(rows)


def write(connection: sa.Connection, levels: Rows, targets: Rows, *, may_be_new: bool) -> None:
    """Writes what has become of clocks, where it is something else than before."""
    update_many(connection, service_level, levels)
    if may_be_new:
        keep_targets(connection, targets)
        return
    update_many(
        connection,
        service_target,
        [{name: row[name] for name in ("id", *FOLLOWS)} for row in targets],
    )


@dataclass(frozen=True, slots=True)
class Beginning:
    """Records on which a service level would begin: of `looked_at` records `without` had none;
    `next` is the cursor."""

    states: tuple[tuple[SlaState, Record], ...]
    environment: Surroundings
    looked_at: int
    without: int
    next: str | None


def beginnings(
    unit: Unit, definition: ObjectDefinition, level: ServiceLevel, after: str | None
) -> Beginning:
    """Gives on which of the next records a service level begins that is not on them yet."""
    page = (
        replace(unit, principal=SYSTEM)
        .records()
        .list(definition.name, after=after, limit=MAX_LIMIT)
    )
    here = service_level.c
    ids = [str(record["id"]) for record in page.items]
    known = sa.select(here.record_id).where(
        here.object == definition.id, here.sla == level.name, here.record_id.in_(ids)
    )
    there = set(unit.connection.scalars(known))
    environment = environment_of(unit)
    found = (
        (begin(level, record, environment), record)
        for record in page.items
        if record["id"] not in there
    )
    states = tuple((state, record) for state, record in found if state is not None)
    return Beginning(states, environment, len(ids), len(ids) - len(there), page.next)


def begin_some(
    unit: Unit, definition: ObjectDefinition, sla: str, after: str | None
) -> tuple[str | None, int]:
    """Begins a service level on the next records to which it applies now; gives where to go on
    (None: all are done) and how many records were looked at."""
    level = level_named(unit.catalog.program, definition.name, sla)
    if level is None:
        return None, 0
    found = beginnings(unit, definition, level, after)
    rules = keep_rules(unit.connection, unit.catalog.rules)
    for state, record in found.states:
        ahead = look_ahead(level, state, record, found.environment)
        insert(unit.connection, definition, rules, state, ahead, found.environment.now)
    return found.next, found.looked_at
