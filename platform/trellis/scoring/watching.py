"""What writes make of scores that look at the written records from elsewhere.

A save computes the scores of its record, and in the same transaction those of the records that it
refers to and whose scores look straight back at it. Whatever is farther off may be any number of
records: a line in the outbox has the worker compute them (`trellis.scoring.far`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import uuid_utils

from metadata.computed.incremental import Change
from metadata.computed.reads import PRESENT, Down, Read
from metadata.objects import ObjectDefinition
from metadata.scored_ways import ScoreKey
from trellis.automation.outbox import add
from trellis.records.stamps import FIRST_VERSION
from trellis.records.written import Written
from trellis.unit import MAX_DEPTH, Unit

FAR: Final = "rescore_far"


def follow_scores(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Has scores computed that look at what was written, but for those that the save computes."""
    watched = unit.catalog.scored_ways.get(definition.name, {})
    for key, reads in watched.items():
        change = change_among(definition.name, filter(is_far, reads), writes)
        if change is not None:
            ask(unit, key, change)


def is_far(read: Read) -> bool:
    """Says whether a score looks farther than straight back at what refers to its record."""
    return len(read.way) > 1 or not isinstance(read.way[0], Down)


def change_among(
    object_name: str, reads: Iterable[Read], writes: Sequence[Written]
) -> Change | None:
    """Gives what of the things that are looked at has changed; None for nothing."""
    ids: set[str] = set()
    fields: set[str] = set()
    left: dict[str, set[str]] = {}
    for read in reads:
        for write in writes:
            if has_changed(read, write):
                ids.add(write.id)
                fields.add(read.field)
                left.setdefault(read.field, set()).update(left_by(read, write))
    if not ids:
        return None
    before = {name: frozenset(known) for name, known in left.items() if known}
    return Change(object_name, frozenset(ids), frozenset(fields), before)


def has_changed(read: Read, write: Written) -> bool:
    """Says whether a write changed what is looked at; at a record that nobody can refer to yet
    only those look that look back over its own references."""
    if write.old is None and write.version == FIRST_VERSION and not isinstance(read.way[-1], Down):
        return False
    if read.field == PRESENT:
        return write.old is None or write.new is None
    return write.differs(read.field)


def left_by(read: Read, write: Written) -> Iterator[str]:
    """Gives where the reference led before over which a score looks back."""
    step, old = read.way[-1], (write.old or {}).get(read.field)
    if isinstance(step, Down) and step.field == read.field and old is not None:
        yield str(old)


def ask(unit: Unit, score: ScoreKey, change: Change, *, after: str = "") -> None:
    """Has a score computed by the worker for the records from which it looks at a change, those
    behind an id.

    What scores cause each other without an end stops after MAX_DEPTH; the night makes up for it.
    """
    if unit.depth < MAX_DEPTH:
        payload = {**to_json(score, change), "after": after, "depth": unit.depth}
        one = min(change.ids) if len(change.ids) == 1 else None
        key = f"{FAR}/{uuid_utils.uuid7()}"
        add(unit.connection, FAR, payload, key, object_name=change.object, record_id=one)


def to_json(score: ScoreKey, change: Change) -> dict[str, object]:
    """Gives a score and a change as they stand in a payload."""
    return {
        "score": list(score),
        "object": change.object,
        "ids": sorted(change.ids),
        "fields": sorted(change.fields),
        "left": {name: sorted(known) for name, known in change.left.items()},
    }
