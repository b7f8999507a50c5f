"""Taking records away: what refers to them is decided first, row by row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from metadata.catalog import Translated
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.relation_rights import is_shown
from trellis.automation.holds import hold_of
from trellis.errors import Conflict
from trellis.records.aftermath import refuse_deletion, run_after
from trellis.records.followers import keep_up
from trellis.records.history import as_wire, history_write
from trellis.records.owners import hold_owners_of, tell_owners
from trellis.records.reach import stale, target_of
from trellis.records.rows import update_row
from trellis.records.stamps import stamps_of_change
from trellis.records.writers import Writers
from trellis.records.written import Written
from trellis.unit import MAX_DEPTH, Channel, Unit

Record = Mapping[str, object]


def remove(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    writers: Writers,
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
    asker: Unit | None = None,
    together: Collection[str] = (),
) -> Record:
    """Deletes a record and gives it as it was.

    What refers to it goes with it, loses the reference, or holds it, but for records (ids) that
    become one `together` with it; `asker` is whose deletion it goes with. Raises Missing,
    NotAllowed, Stale, Conflict, or Refused when a rule is against it.
    """
    hold_owners_of(unit, definition, record_id)
    old = target_of(unit, definition, record_id, "delete")
    if expected_version is not None and expected_version != old["version"]:
        raise stale(unit, definition, record_id)
    refuse_held(unit, definition, record_id)
    refuse_deletion(unit, definition, old)
    inside = replace(unit, saving=unit.saving | {(definition.name, record_id)})
    for link in links_to(unit, definition):
        let_go(inside, definition, record_id, link, writers, asker or unit, together)
    set_deleted(unit, definition, old, writers, deleted=True, channel=channel, why=why)
    run_after(unit, definition, "delete", old, old, writers)
    return old


def refuse_held(unit: Unit, definition: ObjectDefinition, record_id: str) -> None:
    """Raises Conflict when a lock or an open approval keeps the record from being deleted."""
    if unit.principal.unrestricted:
        return
    hold = hold_of(unit, definition, record_id)
    if hold is not None:
        cause = unit.catalog.rule_text(hold.cause or hold.approval or "")
        raise Conflict([Problem("", "record_locked", {"cause": cause})])


def links_to(unit: Unit, definition: ObjectDefinition) -> Iterator[LinkDefinition]:
    """Gives the ways by which other records refer to this object's; holding ones first."""
    links = unit.catalog.children(definition.name).values()
    return iter(sorted(links, key=lambda link: link.on_delete != "restrict"))


def let_go(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    link: LinkDefinition,
    writers: Writers,
    asker: Unit,
    together: Collection[str],
) -> None:
    """Does with the records that refer over `link`, but for `together`, what their definition
    says."""
    rules = unit.as_automation()
    children = rules.records().children(link.target, link.field, [record_id], ["id"])
    referring = (str(record["id"]) for record in children.get(record_id, ()))
    found = [key for key in referring if key not in together]
    if not found:
        return
    if link.on_delete == "restrict":
        raise Conflict([held_by(asker, link, record_id)])
    if rules.depth > MAX_DEPTH:
        raise Conflict([Problem("", "rule_depth", {"object": definition.name, "limit": MAX_DEPTH})])
    why = f"{definition.name} deleted"
    child = unit.catalog.objects[link.target]
    for key in found:
        if link.on_delete == "cascade":
            remove(rules, child, key, writers, channel="rule", why=why, asker=asker)
        else:
            writers.change(rules, child, key, {link.field: None}, channel="rule", why=why)


def held_by(unit: Unit, link: LinkDefinition, record_id: str) -> Problem:
    """Words what holds a record, as far as whoever has it deleted reads what refers to it; of links
    the records behind them are told."""
    person = unit.cause.principal if unit.cause else unit.principal
    seen: Sequence[Record] = ()
    if is_shown(person.access(link.target), link.field):
        records = replace(unit, principal=person).records()
        found = records.children(link.target, link.field, [record_id], ["id"])
        seen = found.get(record_id, ())
    if not seen:
        return Problem("", "held")
    child = unit.catalog.objects[link.target]
    if link.beyond is not None:
        child = unit.catalog.objects[str(child.fields[link.beyond].target)]
    return Problem("", "held_by", {"object": Translated(child.labels), "count": len(seen)})


def set_deleted(
    unit: Unit,
    definition: ObjectDefinition,
    old: Record,
    writers: Writers,
    *,
    deleted: bool,
    channel: Channel,
    why: str | None,
) -> None:
    """Writes the mark, its history and what parents make of it."""
    record_id, version = str(old["id"]), int(str(old["version"]))
    at = unit.moment.now if deleted else None
    values = {"deleted_at": at, **stamps_of_change(unit, version + 1)}
    new = {**old, **values}
    field = definition.fields["deleted_at"]
    changes = {"deleted_at": (as_wire(field, old.get("deleted_at")), as_wire(field, at))}
    about = (unit, definition, record_id, version + 1, changes)
    history = history_write(*about, channel=channel, why=why)
    if not update_row(unit, definition, record_id, version, values, history):
        raise stale(unit, definition, record_id)
    before, after = (old, {}) if deleted else ({}, old)
    tell_owners(unit, definition, before, after, channel=channel, why=why)
    gone, back = (old, None) if deleted else (None, new)
    keep_up(unit, definition, [Written(record_id, gone, back, version + 1)])
    writers.refresh_parents(unit, definition, (new,))
