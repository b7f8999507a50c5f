"""Taking a merge back: the merged records return with what belonged to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.audit import note
from trellis.duplicates.pointers import (
    TABLES,
    Moved,
    Pointing,
    count_known,
    point_rows,
    pointing_fields,
    repoint,
    stored_names,
)
from trellis.duplicates.redirects import UNDONE_WITHIN, living
from trellis.duplicates.returning import WHY, Kept, give_back, restore_merged, values_before
from trellis.duplicates.tables import duplicate_pair, merged_record, record_merge
from trellis.errors import Conflict, Missing, RecordError
from trellis.records.delete import restore_record
from trellis.records.reach import definition_of, target_of
from trellis.records.trees import ancestors
from trellis.unit import Channel, Unit

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Unmerge:
    """What came back, as far as who undoes the merge may know it: records, pointers, fields of the
    survivor; and what was `kept`."""

    id: str
    survivor: str
    restored: tuple[str, ...]
    moved: int
    fields: tuple[str, ...]
    kept: tuple[Kept, ...] = ()


def unmerge_records(
    unit: Unit,
    object_name: str,
    survivor: str,
    merge_id: str | None = None,
    *,
    channel: Channel,
    why: str | None = None,
) -> Unmerge:
    """Undoes a merge, the last one of the survivor unless it is named.

    It takes the rights to change the survivor and to delete (and so restore) the others, and is
    possible for 30 days. What was changed since stays, and so does what cannot be given back any
    more; the answer names it. An undone merge that is named again changes nothing.

    Raises Missing, NotAllowed, Conflict or Refused; whoever catches one rolls the transaction back.
    """
    definition = definition_of(unit, object_name)
    record = target_of(unit, definition, survivor, "update")
    row = read_merge(unit, definition, survivor, merge_id)
    if row["undone_at"] is not None:
        return Unmerge(row["id"], survivor, (), 0, ())
    if unit.moment.now - row["at"] > UNDONE_WITHIN:
        raise Conflict([Problem("", "unmerge_late", {"days": UNDONE_WITHIN.days})])
    others = merged_into(unit, row["id"])
    refuse_newer(unit, definition, survivor, row)
    before, kept = values_before(unit, definition, record, row["values"])
    # What restored records need must be free; what needs these is refused, and given back last.
    refused = give_back(unit, definition, survivor, before, channel)
    forget(unit, definition, row["id"], survivor, others)
    there = living(unit, definition, others)
    for one in others:
        if one in there:
            target_of(unit, definition, one, "delete")
        else:
            kept += restore_merged(unit, definition, one, channel, why or WHY)
    moved, left = move_back(unit, definition, survivor, row["moved"])
    refused = give_back(unit, definition, survivor, refused, channel)
    kept += [*left, *(Kept(object_name, survivor, name) for name in refused)]
    note(
        unit,
        "unmerge",
        object=object_name,
        record_ids=[survivor, *others],
        values={"merge": row["id"], "moved": len(moved), "kept": len(kept)},
        why=why,
    )
    access = unit.principal.access(object_name)
    return Unmerge(
        row["id"],
        survivor,
        restored=tuple(one for one in others if one not in there),
        moved=count_known(unit, definition, moved),
        fields=tuple(name for name in before if name not in refused and access.reads(name)),
        kept=tuple(one for one in kept if may_know(unit, one)),
    )


def read_merge(
    unit: Unit, definition: ObjectDefinition, survivor: str, merge_id: str | None
) -> sa.RowMapping:
    """Gives a merge of a survivor. Raises Missing where there is none."""
    here = record_merge.c
    query = sa.select(record_merge).where(here.object == definition.id, here.survivor == survivor)
    if merge_id is not None:
        query = query.where(here.id == merge_id)
    else:
        query = query.where(here.undone_at.is_(None))
    row = unit.connection.execute(query.order_by(here.id.desc()).limit(1)).mappings().first()
    if row is None:
        raise Missing([Problem("", "missing_merge", {})])
    return row


def refuse_newer(
    unit: Unit, definition: ObjectDefinition, survivor: str, row: sa.RowMapping
) -> None:
    """Raises Conflict when the survivor was merged again since: merges are undone in their order,
    the last one first."""
    here = record_merge.c
    newer = sa.select(here.id).where(
        here.object == definition.id,
        here.survivor == survivor,
        here.id > row["id"],
        here.undone_at.is_(None),
    )
    if unit.connection.scalar(newer.limit(1)) is not None:
        raise Conflict([Problem("", "unmerge_order", {})])


def merged_into(unit: Unit, merge_id: str) -> list[str]:
    """Gives the records that a merge made part of its survivor."""
    here = merged_record.c
    query = sa.select(here.record).where(here.merge == merge_id).order_by(here.record)
    return list(unit.connection.scalars(query))


def move_back(
    unit: Unit, definition: ObjectDefinition, survivor: str, moved: Iterable[Sequence[Any]]
) -> tuple[list[Moved], list[Kept]]:
    """Has pointers lead to the restored records again that still lead to the survivor.

    Gives these, and those that were changed since.
    """
    places: dict[str, list[Moved]] = {}
    for one in moved:
        pointer = Moved(*one)
        places.setdefault(pointer.place, []).append(pointer)
    back: list[Moved] = []
    kept: list[Kept] = []
    for pointing in pointing_fields(unit, definition):
        rows = places.pop(pointing.field.id, [])
        done, left = field_back(unit, definition, pointing, survivor, rows)
        back += done
        kept += left
    for name, rows in places.items():
        if name in TABLES:
            back += rows_back(unit, TABLES[name], survivor, rows)
    return back, kept


def field_back(
    unit: Unit,
    definition: ObjectDefinition,
    pointing: Pointing,
    survivor: str,
    rows: Sequence[Moved],
) -> tuple[list[Moved], list[Kept]]:
    """Moves the pointers in one field back."""
    child, name = pointing.child, pointing.field.name
    records = replace(unit, principal=SYSTEM).records()
    known = records.by_ids(
        child.name, [one.row for one in rows if not one.removed], stored_names(child)
    )
    kept: list[Kept] = []
    done: list[Moved] = []
    back: dict[str, dict[str, tuple[Record, str]]] = {}
    for one in rows:
        record = known.get(one.row)
        if one.removed and bring_back(unit, child, one.row):
            done.append(one)
        elif record is None or str(record[name]) != survivor:
            kept.append(Kept(child.name, one.row, name))
        else:
            back.setdefault(one.was, {})[one.row] = record, survivor
            done.append(one)
    for was, moving in back.items():
        above = moving.keys() & standing_above(unit, pointing, was)
        kept += [Kept(child.name, row, name) for row in sorted(above)]
        done = [one for one in done if one.row not in above]
        going = [pair for row, pair in moving.items() if row not in above]
        repoint(unit, definition, pointing, going, was)
    return done, kept


def standing_above(unit: Unit, pointing: Pointing, record_id: str) -> list[str]:
    """Gives the records that stand above one in a tree: none of them goes back below it."""
    if not pointing.field.type.is_tree:
        return []
    return ancestors(unit, pointing.child, pointing.field, record_id)


def bring_back(unit: Unit, child: ObjectDefinition, row: str) -> bool:
    """Restores a link that the survivor had twice; says whether it could be."""
    try:
        with unit.connection.begin_nested():
            restore_record(unit.as_automation(), child.name, row, channel="rule", why=WHY)
    except RecordError:
        return False
    return True


def rows_back(unit: Unit, table: sa.Table, survivor: str, rows: Sequence[Moved]) -> list[Moved]:
    """Has rows of a platform's table belong to the restored records again; gives these."""
    here = table.c
    ids = [one.row for one in rows]
    query = sa.select(here.id).where(here.id.in_(ids), here.record_id == survivor)
    still = set(unit.connection.scalars(query))
    done = [one for one in rows if one.row in still]
    for one in done:
        point_rows(unit, table, [one.row], one.was)
    return done


def forget(
    unit: Unit, definition: ObjectDefinition, merge_id: str, survivor: str, others: Sequence[str]
) -> None:
    """Notes that a merge is undone: ids lead to their own records again, and pairs are gone."""
    here = merged_record.c
    unit.connection.execute(sa.delete(merged_record).where(here.merge == merge_id))
    undone = sa.update(record_merge).where(record_merge.c.id == merge_id)
    unit.connection.execute(undone.values(undone_at=unit.moment.now))
    pair, group = duplicate_pair.c, [survivor, *others]
    both = sa.and_(pair.first.in_(group), pair.second.in_(group))
    unit.connection.execute(sa.delete(duplicate_pair).where(pair.object == definition.id, both))


def may_know(unit: Unit, kept: Kept) -> bool:
    """Says whether the principal may read what was kept."""
    access = unit.principal.access(kept.object)
    if not access.exists or not access.reads(kept.field):
        return False
    return kept.record in unit.records().readable(kept.object, [kept.record])
