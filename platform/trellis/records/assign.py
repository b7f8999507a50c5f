"""Giving a record to somebody else: another user, or a queue from which its members take."""

from __future__ import annotations

from trellis.records.handover import hand_over
from trellis.records.holders import holder_named
from trellis.records.reach import definition_of, stale, target_of
from trellis.records.save import Saved
from trellis.unit import Channel, Unit


def assign_record(
    unit: Unit,
    object_name: str,
    record_id: str,
    to: str,
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
    name: str = "to",
) -> Saved:
    """Makes a user the owner of a record, or lets it wait in a queue; see `holder_named`. `name` is
    what the caller calls `to`.

    Raises Missing, NotAllowed without the right to assign, Stale, Conflict when the record is
    locked, or Refused.
    """
    definition = definition_of(unit, object_name)
    old = target_of(unit, definition, record_id, "assign")
    if expected_version is not None and expected_version != old["version"]:
        raise stale(unit, definition, record_id)
    values = holder_named(unit, definition, to, name)
    return hand_over(unit, definition, old, values, channel=channel, why=why)
