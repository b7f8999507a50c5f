"""Deleting and restoring records: softly, with what refers to them decided first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from metadata.objects import LinkDefinition, ObjectDefinition
from trellis.automation.environment import environment_of
from trellis.automation.service_timers import look_soon
from trellis.duplicates.redirects import leave_survivor
from trellis.errors import Missing, Refused
from trellis.records.exclusions import exclusion_problems
from trellis.records.handover import hand_over_anyhow
from trellis.records.history import deleted_with
from trellis.records.owners import hold_owners
from trellis.records.reach import definition_of, target_of
from trellis.records.removal import links_to, remove, set_deleted
from trellis.records.save import WRITERS, Record
from trellis.records.successors import holder_instead
from trellis.unit import Channel, Unit


def delete_record(
    unit: Unit,
    object_name: str,
    record_id: str,
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
) -> None:
    """Deletes a record; what refers to it goes with it, loses the reference, or holds it.

    Raises Missing, NotAllowed, Stale, or Conflict when a lock or another record holds it; whoever
    catches one rolls the transaction back.
    """
    definition = definition_of(unit, object_name)
    remove(
        unit,
        definition,
        record_id,
        WRITERS,
        channel=channel,
        expected_version=expected_version,
        why=why,
    )


def restore_record(
    unit: Unit,
    object_name: str,
    record_id: str,
    *,
    channel: Channel,
    why: str | None = None,
    asker: Unit | None = None,
) -> None:
    """Brings a deleted record back, and what was deleted together with it. One whose owner has left
    meanwhile belongs to who took over from her, else to whoever restores it.

    `asker` is with whose restoring it comes back. Raises Missing when there is no deleted record
    that this principal could see and delete, Conflict for one that was merged and can be un-merged,
    and Refused when a unique value is taken meanwhile.
    """
    definition = definition_of(unit, object_name)
    old = target_of(unit, definition, record_id, "delete", deleted=True)
    leave_survivor(unit, definition, record_id)
    hold_owners(unit, definition, old)
    problems = list(exclusion_problems(unit, definition, old, None, environment_of(unit)))
    if problems:
        raise Refused(problems)
    set_deleted(unit, definition, old, WRITERS, deleted=False, channel=channel, why=why)
    settle_owner(unit, definition, old, asker or unit, channel)
    look_soon(unit, definition, record_id)
    for link in links_to(unit, definition):
        if link.on_delete == "cascade":
            bring_back(unit.as_automation(), definition, old, link, asker or unit)


def settle_owner(
    unit: Unit, definition: ObjectDefinition, old: Record, asker: Unit, channel: Channel
) -> None:
    """Gives a record that came back to somebody who works here."""
    values = holder_instead(unit, definition, old, asker)
    if values is None:
        return
    doing = replace(unit, principal=replace(unit.principal, unrestricted=True))
    record = target_of(doing, definition, str(old["id"]), "assign")
    why = "its owner has left"
    hand_over_anyhow(doing, definition, record, values, channel=channel, why=why)


def bring_back(
    unit: Unit, definition: ObjectDefinition, old: Record, link: LinkDefinition, asker: Unit
) -> None:
    """Restores what was deleted over `link` together with a record."""
    child, at = unit.catalog.objects[link.target], old["deleted_at"]
    if not isinstance(at, datetime):
        return
    for record_id in deleted_with(unit, child, at, f"{definition.name} deleted"):
        try:
            record = target_of(unit, child, record_id, "delete", deleted=True)
        except Missing:  # restored or purged meanwhile
            continue
        if record[link.field] == old["id"] and record["deleted_at"] == at:
            why = f"{definition.name} restored"
            about = unit, child.name, record_id
            restore_record(*about, channel="rule", why=why, asker=asker)
