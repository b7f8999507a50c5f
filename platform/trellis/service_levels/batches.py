"""Some running service levels at once, with what their rules look at: few statements for many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.objects import ObjectDefinition
from rule_engine.program import Reads, ServiceLevel, outer_nodes
from rule_engine.program.reads import reads_of
from trellis.automation.environment import RelatedRecords, Surroundings, environment_of
from trellis.automation.service_levels import Running, read_row, rules_for, service_level
from trellis.unit import Unit

Record = Mapping[str, object]


Known = tuple[Running, Record, Surroundings]
"""A running service level, its record, and what its rules may know."""


def read_batch(
    unit: Unit, definition: ObjectDefinition, rows: Sequence[sa.Row[Any]], *, whole: bool
) -> list[Known]:
    """Reads rows of service levels with their records, as the system; those of deleted records are
    left out. Without `whole` records have only what promises look at."""
    rules = {(row.rules, row.sla): rules_for(unit, definition, row.rules, row.sla) for row in rows}
    levels = [level for level, _ in rules.values() if level is not None]
    reads = reads_of_levels(levels, whole=whole)
    fields = None if whole else own_fields(unit, definition, reads)
    system = replace(unit, principal=SYSTEM).records()
    records = system.by_ids(definition.name, [row.record_id for row in rows], fields)
    environment = environment_of(unit)
    related = cast("RelatedRecords", environment.related)
    for way in reads.paths:
        follow(unit, related, definition.name, records.values(), way)
    around = {
        key: replace(environment, calendars=calendars) for key, (_, calendars) in rules.items()
    }
    return [
        (read_row(row, *rules[row.rules, row.sla]), record, around[row.rules, row.sla])
        for row in rows
        if (record := records.get(row.record_id)) is not None
    ]


def own_fields(unit: Unit, definition: ObjectDefinition, reads: Reads) -> list[str]:
    """Gives the fields of the record itself that are looked at, or lead there."""
    known = unit.catalog.schema.objects[definition.name].fields
    return sorted(name for name in {way[0] for way in reads.paths} if name in known)


def reads_of_levels(levels: Iterable[ServiceLevel], *, whole: bool) -> Reads:
    """Gives what service levels look at: their promises alone, or all of their conditions."""
    return reads_of(
        node
        for level in levels
        for target in level.targets
        for node in outer_nodes(
            (replace(level, targets=()), replace(target, triggers=())) if whole else target.within
        )
    )


def follow(
    unit: Unit,
    related: RelatedRecords,
    object_name: str,
    records: Iterable[Record],
    way: Sequence[str],
) -> None:
    """Loads what a path leads to from some records, one statement for each reference of it."""
    here, at = object_name, list(records)
    for name in way[:-1]:
        field = unit.catalog.schema.objects[here].fields.get(name)
        if field is None or field.target is None:
            return
        ids = {str(one[name]) for one in at if one.get(name) is not None}
        here = field.target
        at = list(related.preload(here, sorted(ids)).values())


def open_rows(
    unit: Unit, object_id: str, sla: str, after: str, limit: int, *, locked: bool
) -> Sequence[sa.Row[Any]]:
    """Gives the rows of a service level that have not ended, behind an id."""
    here = service_level.c
    query = (
        sa.select(service_level)
        .where(here.object == object_id, here.sla == sla, here.ended.is_not(True), here.id > after)
        .order_by(here.id)
        .limit(limit)
    )
    return unit.connection.execute(query.with_for_update() if locked else query).all()


def rows_by_id(unit: Unit, ids: Iterable[str]) -> Sequence[sa.Row[Any]]:
    """Gives rows of service levels."""
    query = sa.select(service_level).where(service_level.c.id.in_(sorted(set(ids))))
    return unit.connection.execute(query).all()
