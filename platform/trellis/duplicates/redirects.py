"""Where the id of a merged record leads to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.duplicates.tables import merged_record, record_merge
from trellis.errors import Conflict, Missing
from trellis.unit import Unit

LONGEST_WAY: Final = 20
SHOWN: Final = 80
"""So much of a value is repeated where it is refused."""
UNDONE_WITHIN: Final = timedelta(days=30)
"""So long a merge can be taken back."""


def survivor_of(unit: Unit, object_name: str, record_id: str) -> str | None:
    """Gives the record that a merged one is part of now; None for what was not merged, and for
    who may not read both: to her the old id is as unknown as any other."""
    definition = unit.catalog.objects.get(object_name)
    if definition is None or not unit.principal.access(object_name).may("read"):
        return None
    found = last_survivor(unit, definition.id, record_id)
    if found is None or record_id not in unit.records().readable(object_name, [record_id]):
        return None
    return found if unit.records().get(object_name, found, ["id"]) is not None else None


def missing_record(unit: Unit, object_name: str, record_id: str) -> Missing:
    """Gives what tells that there is no such record to change, and which one it was merged into:
    writes are not led on, since they were meant for another record than they would meet."""
    values = {"object": object_name, "id": record_id}
    survivor = survivor_of(unit, object_name, record_id)
    if survivor is not None:
        values["survivor"] = survivor
    return Missing([Problem("", "missing_record", values)])


def unknown_reference(unit: Unit, path: str, field: str, target: str, value: str) -> Problem:
    """Gives what is wrong with a reference to a record that is not there: where it was merged into
    another one, as far as the principal may read them, the problem names that one."""
    shown = {"field": field, "value": value[:SHOWN]}
    try:
        survivor = survivor_of(unit, target, str(UUID(value)))
    except ValueError:
        survivor = None  # no id but a name: those are not asked for one by one
    if survivor is not None:
        shown["survivor"] = survivor
    return Problem(path, "unknown_reference", shown)


def parts_of(unit: Unit, object_name: str, record_id: str) -> frozenset[str]:
    """Gives the records that became part of one, over several merges, as far as the principal may
    read them."""
    definition = unit.catalog.objects.get(object_name)
    if definition is None or not unit.principal.access(object_name).may("read"):
        return frozenset()
    here, found, newest = merged_record.c, set[str](), {record_id}
    for _ in range(LONGEST_WAY):
        asked = sa.select(here.record).where(
            here.object == definition.id, here.survivor.in_(sorted(newest))
        )
        newest = set(unit.connection.scalars(asked)) - found
        if not newest:
            break
        found |= newest
    return unit.records().readable(object_name, found) if found else frozenset()


def last_survivor(unit: Unit, object_id: str, record_id: str) -> str | None:
    """Gives the end of the way of merges from a record; None where there is none."""
    here, at = merged_record.c, record_id
    for _ in range(LONGEST_WAY):
        following = unit.connection.scalar(
            sa.select(here.survivor).where(here.object == object_id, here.record == at)
        )
        if following is None:
            break
        at = following
    return None if at == record_id else at


def leave_survivor(unit: Unit, definition: ObjectDefinition, record_id: str) -> None:
    """Lets the id of a merged record that is restored lead to the record itself.

    Raises Conflict as long as its merge can be taken back: only that brings back what belongs to
    the record, too.
    """
    mine = sa.and_(merged_record.c.object == definition.id, merged_record.c.record == record_id)
    merge = sa.select(record_merge.c.at).join(
        merged_record, merged_record.c.merge == record_merge.c.id
    )
    at = unit.connection.scalar(merge.where(mine))
    if at is None:
        return
    if unit.moment.now - at <= UNDONE_WITHIN:
        raise Conflict([Problem("", "restore_merged")])
    unit.connection.execute(sa.delete(merged_record).where(mine))


def living(unit: Unit, definition: ObjectDefinition, ids: Iterable[str]) -> frozenset[str]:
    """Gives which of some records are not deleted, whoever may read them; merged ones are, but for
    those that were restored when that was not refused."""
    everything = replace(unit, principal=SYSTEM, witness=None).records()
    return frozenset(everything.by_ids(definition.name, ids, ["id"]))
