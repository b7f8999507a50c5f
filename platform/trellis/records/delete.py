"""Deleting and restoring records: softly, with what refers to them decided first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from metadata.catalog import Translated
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem
from trellis.automation.requests import hold_of
from trellis.errors import Conflict, Missing
from trellis.records.history import as_wire, deleted_with, write_history
from trellis.records.people import follow_account
from trellis.records.reach import definition_of, stale, target_of
from trellis.records.rows import update_row
from trellis.records.save import Record, change, refresh_parents, stamps_of_change
from trellis.unit import MAX_DEPTH, Channel, Unit


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
    old = target_of(unit, definition, record_id, "delete")
    if expected_version is not None and expected_version != old["version"]:
        raise stale(unit, definition, record_id)
    refuse_held(unit, definition, record_id)
    for link in links_to(unit, definition):
        let_go(unit, definition, record_id, link)
    set_deleted(unit, definition, old, deleted=True, channel=channel, why=why)


def restore_record(
    unit: Unit, object_name: str, record_id: str, *, channel: Channel, why: str | None = None
) -> None:
    """Brings a deleted record back, and what was deleted together with it.

    Raises Missing when there is no deleted record that this principal could see and delete, and
    Refused when a unique value is taken meanwhile.
    """
    definition = definition_of(unit, object_name)
    old = target_of(unit, definition, record_id, "delete", deleted=True)
    set_deleted(unit, definition, old, deleted=False, channel=channel, why=why)
    for link in links_to(unit, definition):
        if link.on_delete == "cascade":
            bring_back(unit.as_automation(), definition, old, link)


def bring_back(unit: Unit, definition: ObjectDefinition, old: Record, link: LinkDefinition) -> None:
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
            restore_record(unit, child.name, record_id, channel="rule", why=why)


def refuse_held(unit: Unit, definition: ObjectDefinition, record_id: str) -> None:
    """Raises Conflict when a lock or an open approval keeps the record from being deleted."""
    if unit.principal.unrestricted:
        return
    hold = hold_of(unit.connection, definition.id, record_id)
    if hold is not None:
        cause = unit.catalog.rule_text(hold.cause or hold.approval or "")
        raise Conflict([Problem("", "record_locked", {"cause": cause})])


def links_to(unit: Unit, definition: ObjectDefinition) -> Iterator[LinkDefinition]:
    """Gives the ways by which other records refer to this object's; holding ones first."""
    links = unit.catalog.children(definition.name).values()
    return iter(sorted(links, key=lambda link: link.on_delete != "restrict"))


def let_go(unit: Unit, definition: ObjectDefinition, record_id: str, link: LinkDefinition) -> None:
    """Does with the records that refer over `link` what their definition says."""
    rules = unit.as_automation()
    found = rules.records().children(link.target, link.field, [record_id], ["id"]).get(record_id)
    if not found:
        return
    if link.on_delete == "restrict":
        seen = unit.principal.access(link.target).exists
        title = Translated(unit.catalog.objects[link.target].labels)
        values = {"object": title if seen else "", "count": len(found) if seen else 0}
        raise Conflict([Problem("", "held_by" if seen else "held", values)])
    if rules.depth > MAX_DEPTH:
        raise Conflict([Problem("", "rule_depth", {"object": definition.name, "limit": MAX_DEPTH})])
    why = f"{definition.name} deleted"
    for record in found:
        if link.on_delete == "cascade":
            delete_record(rules, link.target, str(record["id"]), channel="rule", why=why)
        else:
            child = unit.catalog.objects[link.target]
            change(rules, child, str(record["id"]), {link.field: None}, channel="rule", why=why)


def set_deleted(
    unit: Unit,
    definition: ObjectDefinition,
    old: Record,
    *,
    deleted: bool,
    channel: Channel,
    why: str | None,
) -> None:
    """Writes the mark, its history and what parents make of it."""
    record_id, version = str(old["id"]), int(str(old["version"]))
    at = unit.moment.now if deleted else None
    new = {**old, "deleted_at": at}
    values = {"deleted_at": at, **stamps_of_change(unit, version + 1)}
    if not update_row(unit, definition, record_id, version, values):
        raise stale(unit, definition, record_id)
    follow_account(unit, definition, record_id)
    field = definition.fields["deleted_at"]
    changes = {"deleted_at": (as_wire(field, old.get("deleted_at")), as_wire(field, at))}
    write_history(unit, definition, record_id, version + 1, changes, channel=channel, why=why)
    refresh_parents(unit, definition, (new,))
