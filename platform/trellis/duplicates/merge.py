"""Merging: several records become one, with all that belongs to them, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa
import uuid_utils

from metadata.access import Access
from metadata.fields.types.secret import Hidden
from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.parse import SYSTEM
from metadata.problems import Problem
from trellis.audit import note
from trellis.duplicates.choice import Chosen, Wish, as_told, choose
from trellis.duplicates.pointers import MERGED, Moved, count_known, move_all
from trellis.duplicates.redirects import last_survivor, living
from trellis.duplicates.tables import MERGED as PAIR_MERGED
from trellis.duplicates.tables import (
    OPEN,
    duplicate_pair,
    merged_record,
    record_merge,
)
from trellis.errors import Missing, Refused
from trellis.records.history import as_wire, kept
from trellis.records.reach import definition_of, stale, target_of
from trellis.records.removal import refuse_held, remove
from trellis.records.save import WRITERS, save_record
from trellis.unit import Channel, Unit

MOST_RECORDS: Final = 20
"""So many records are merged at once, the survivor among them."""

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge came to, as far as who merges may know it: how many pointers were `moved`, and
    the survivor's `fields` that changed. After a dry run its version is the one it has."""

    id: str
    survivor: str
    merged: tuple[str, ...]
    version: int
    moved: int
    fields: tuple[str, ...]
    dry_run: bool = False


def may_merge(definition: ObjectDefinition, access: Access) -> bool:
    """Says whether records of an object may be merged by who has these rights."""
    is_fixed = definition.package == SYSTEM or definition.append_only
    return not is_fixed and access.may("update") and access.may("delete")


def merge_records(
    unit: Unit,
    object_name: str,
    survivor: str,
    others: Sequence[str],
    wish: Wish,
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> Merge:
    """Makes `others` part of the survivor: values, everything that points at them, their ids.

    It takes the rights to read all of them, to change the survivor and to delete the others; its
    rules and validations run. What was merged into the survivor before is left out, so that the
    same call twice does it once. A `dry_run` does all of it and takes it back.

    Raises Missing, NotAllowed, Stale, Conflict or Refused; whoever catches one rolls the
    transaction back.
    """
    definition = definition_of(unit, object_name)
    ids = wanted_records(definition, survivor, others)
    if not dry_run:
        return merged(unit, definition, survivor, ids, wish, channel, expected_version, why)
    attempt = unit.connection.begin_nested()
    try:
        done = merged(unit, definition, survivor, ids, wish, channel, expected_version, why)
    finally:
        attempt.rollback()
    stays = unit.records().get(object_name, survivor, ["version"]) or {}
    return replace(done, version=int(str(stays["version"])), dry_run=True)


def wanted_records(definition: ObjectDefinition, survivor: str, others: Sequence[str]) -> list[str]:
    """Gives the records to merge, each once. Raises Refused for none, too many and the survivor."""
    ids = list(dict.fromkeys(others))
    problems = []
    if definition.package == SYSTEM:
        problems.append(Problem("", "merge_system", {"object": definition.name}))
    if not ids:
        problems.append(Problem("/records", "merge_nothing", {"example": '{"records": ["<id>"]}'}))
    if len(ids) >= MOST_RECORDS:
        problems.append(Problem("/records", "merge_many", {"limit": MOST_RECORDS}))
    problems += [
        Problem(pointer(("records", place)), "merge_self")
        for place, one in enumerate(others)
        if one == survivor
    ]
    if problems:
        raise Refused(problems)
    return ids


def merged(
    unit: Unit,
    definition: ObjectDefinition,
    survivor: str,
    ids: Sequence[str],
    wish: Wish,
    channel: Channel,
    expected_version: int | None,
    why: str | None,
) -> Merge:
    """Does it."""
    there = living(unit, definition, ids)
    already = [
        one
        for one in ids
        if one not in there and last_survivor(unit, definition.id, one) == survivor
    ]
    others = [one for one in ids if one not in already]
    records = locked(unit, definition, survivor, others)
    version = int(str(records[0]["version"]))
    if not others:
        return known_merge(unit, definition, survivor, already, version)
    if expected_version is not None and expected_version != version:
        raise stale(unit, definition, survivor)
    for one in (survivor, *others):
        refuse_held(unit, definition, one)
    chosen = choose(unit, definition, records, wish)
    moved = move_all(unit, definition, others, survivor)
    reason = why or MERGED
    take_away(unit, definition, survivor, others, channel, reason)
    version = write_values(unit, definition, survivor, chosen, channel, reason)
    merge_id = remember(unit, definition, records, chosen, moved)
    note(
        unit,
        "merge",
        object=definition.name,
        record_ids=[survivor, *others],
        values={"merge": merge_id, "moved": len(moved)},
        why=why,
    )
    fields = (*chosen.own, *chosen.other)
    seen = tuple(name for name in fields if unit.principal.access(definition.name).reads(name))
    known = count_known(unit, definition, moved)
    return Merge(merge_id, survivor, tuple(others), version, known, seen)


def locked(
    unit: Unit, definition: ObjectDefinition, survivor: str, others: Sequence[str]
) -> list[Record]:
    """Gives the records, the survivor first, locked in the order of their ids.

    Raises Missing for what the principal does not see, NotAllowed for what she may not do.
    """
    found: dict[str, Record] = {}
    for one in sorted((survivor, *others)):
        action = "update" if one == survivor else "delete"
        found[one] = target_of(unit, definition, one, action)
    return [found[survivor], *(found[one] for one in others)]


def take_away(
    unit: Unit,
    definition: ObjectDefinition,
    survivor: str,
    others: Sequence[str],
    channel: Channel,
    why: str,
) -> None:
    """Deletes the others.

    Where these refer to one another, or to the survivor, they do so when they come back: no rule
    about deletions has a say in that. The survivor's own values are written afterwards.
    """
    together = (survivor, *others)
    keys = {(definition.name, one) for one in together}
    inside = replace(unit, saving=unit.saving | keys)
    for one in others:
        remove(inside, definition, one, WRITERS, channel=channel, why=why, together=together)


def known_merge(
    unit: Unit, definition: ObjectDefinition, survivor: str, already: Sequence[str], version: int
) -> Merge:
    """Gives the merge that has been done already."""
    here = merged_record.c
    merge_id = unit.connection.scalar(
        sa.select(here.merge).where(here.object == definition.id, here.record == already[0])
    )
    moved = unit.connection.scalar(
        sa.select(record_merge.c.moved).where(record_merge.c.id == merge_id)
    )
    if merge_id is None or moved is None:
        raise Missing([Problem("", "missing_merge", {})])
    known = count_known(unit, definition, [Moved(*one) for one in moved])
    return Merge(merge_id, survivor, tuple(already), version, known, ())


def write_values(
    unit: Unit,
    definition: ObjectDefinition,
    survivor: str,
    chosen: Chosen,
    channel: Channel,
    why: str,
) -> int:
    """Writes the survivor's values; gives its version then.

    Without any value of her own it is saved all the same, so that rules and validations see it.
    """
    saved = save_record(
        unit, definition.name, survivor, wire_of(definition, chosen.own), channel=channel, why=why
    )
    if not chosen.other:
        return saved.version
    rest = wire_of(definition, chosen.other)
    trusted = unit.as_automation()
    return save_record(trusted, definition.name, survivor, rest, channel="rule", why=why).version


def wire_of(definition: ObjectDefinition, values: Record) -> dict[str, object]:
    """Gives values in wire form; a secret, which has none, as it is."""
    return {
        name: value if isinstance(value, Hidden) else as_wire(definition.fields[name], value)
        for name, value in values.items()
    }


def remember(
    unit: Unit,
    definition: ObjectDefinition,
    records: Sequence[Record],
    chosen: Chosen,
    moved: Sequence[Moved],
) -> str:
    """Stores what it takes to undo a merge and to find the survivor; gives its id."""
    survivor, merge_id = str(records[0]["id"]), str(uuid_utils.uuid7())
    values = {}
    for name, value in {**chosen.own, **chosen.other}.items():
        field = definition.fields[name]
        pair = [as_told(field, one) for one in (chosen.before.get(name), value)]
        values[field.id] = [kept(unit, definition, field, survivor, wire) for wire in pair]
    row = {
        "id": merge_id,
        "object": definition.id,
        "survivor": survivor,
        "by": unit.principal.name,
        "at": unit.moment.now,
        "values": values,
        "moved": [one.to_json() for one in moved],
    }
    unit.connection.execute(sa.insert(record_merge).values(row))
    others = [str(record["id"]) for record in records[1:]]
    here = merged_record.c
    before = sa.and_(here.object == definition.id, here.record.in_(others))
    unit.connection.execute(sa.delete(merged_record).where(before))
    lead = {"object": definition.id, "survivor": survivor, "merge": merge_id}
    unit.connection.execute(sa.insert(merged_record), [{**lead, "record": one} for one in others])
    close_pairs(unit, definition, survivor, others)
    return merge_id


def close_pairs(
    unit: Unit, definition: ObjectDefinition, survivor: str, others: Sequence[str]
) -> None:
    """Notes that pairs among the merged records are one, and forgets open ones with others: the
    survivor is compared with these by the next scan."""
    here, group = duplicate_pair.c, [survivor, *others]
    mine = here.object == definition.id
    both = sa.and_(here.first.in_(group), here.second.in_(group))
    decided = {
        "state": PAIR_MERGED,
        "decided_at": unit.moment.now,
        "decided_by": unit.principal.name,
    }
    unit.connection.execute(sa.update(duplicate_pair).where(mine, both).values(decided))
    either = sa.or_(here.first.in_(others), here.second.in_(others))
    unit.connection.execute(sa.delete(duplicate_pair).where(mine, either, here.state == OPEN))
