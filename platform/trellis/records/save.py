"""Saving a record: the one use case behind forms, API, import and rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import uuid_utils

from metadata.catalog import Translated
from metadata.coerce import defaults
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.types import Environment
from trellis.automation.approval_restart import restart
from trellis.automation.environment import environment_of
from trellis.automation.requests import Hold, hold_of, release, take_hold
from trellis.automation.scores import score_values
from trellis.errors import Conflict, Missing, Refused
from trellis.records.history import changes_between, write_history
from trellis.records.incoming import Incoming, pointer, read_incoming, resolve_references
from trellis.records.judge import Judgement, judge, run_rules
from trellis.records.people import follow_account, open_account
from trellis.records.reach import creatable, definition_of, stale, target_of
from trellis.records.rows import insert_row, update_row
from trellis.unit import MAX_DEPTH, Channel, Unit

Record = Mapping[str, object]

FIRST_VERSION = 1
# Fields that say who wrote when: each save has them, so they are no part of its history.
STAMPS = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})


@dataclass(frozen=True, slots=True)
class Saved:
    """A record as it stands after the save, whatever of it the principal may see."""

    id: str
    version: int
    record: Record


def save_record(
    unit: Unit,
    object_name: str,
    record_id: str | None,
    values: Mapping[str, object],
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
    source: str | None = None,
) -> Saved:
    """Creates a record (`record_id` None) or changes one; `values` are in wire form or text.

    Without `expected_version` the newest state is changed. A save that changes nothing writes
    nothing. `why` is kept in the history, `source` on the record that is created.

    Raises Missing, NotAllowed, Stale, Conflict (locked) or Refused with every problem found;
    whoever catches one rolls the transaction back.
    """
    definition = definition_of(unit, object_name)
    if record_id is None:
        return create(unit, definition, values, channel=channel, why=why, source=source)
    return change(
        unit,
        definition,
        record_id,
        values,
        channel=channel,
        expected_version=expected_version,
        why=why,
    )


def create(
    unit: Unit,
    definition: ObjectDefinition,
    values: Mapping[str, object],
    *,
    channel: Channel,
    why: str | None,
    source: str | None,
) -> Saved:
    """Adds a record."""
    creatable(unit, definition)
    incoming = resolve_references(unit, definition, read_incoming(unit, definition, values), None)
    record = {
        **dict.fromkeys(definition.fields),
        **defaults(definition),
        **stamps_of_new(unit, definition, source),
        **incoming.values,
    }
    environment = environment_of(unit)
    judgement = judged(unit, definition, record, None, incoming, environment)
    scores = score_values(unit.catalog, definition, judgement.record, environment)
    record = {**judgement.record, **scores}
    record = open_account(unit, definition, record)
    insert_row(unit, definition, record)
    write_history(
        unit,
        definition,
        str(record["id"]),
        FIRST_VERSION,
        told(changes_between(definition, {}, record)),
        channel=channel,
        why=why,
        rules=judgement.fired,
    )
    finish(unit, definition, judgement, {}, record)
    return Saved(str(record["id"]), FIRST_VERSION, record)


def change(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    values: Mapping[str, object],
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
) -> Saved:
    """Changes a record."""
    old = target_of(unit, definition, record_id, "update")
    version = int(str(old["version"]))
    if expected_version is not None and expected_version != version:
        raise stale(unit, definition, record_id)
    incoming = resolve_references(unit, definition, read_incoming(unit, definition, values), old)
    hold = refuse_locked(unit, definition, old, incoming)
    environment = environment_of(unit)
    judgement = judged(unit, definition, {**old, **incoming.values}, old, incoming, environment)
    saved = store(unit, definition, old, judgement, environment, channel=channel, why=why)
    if hold is not None and hold.request is not None:
        changed = [name for name, value in saved.record.items() if old.get(name) != value]
        restart(unit, hold.request, changed, saved.record, environment, change)
    return saved


def store(
    unit: Unit,
    definition: ObjectDefinition,
    old: Record,
    judgement: Judgement,
    environment: Environment,
    *,
    channel: Channel,
    why: str | None,
    counts: bool = True,
) -> Saved:
    """Writes what differs from `old`; `counts` is False for computed writes (same version)."""
    scores = score_values(unit.catalog, definition, judgement.record, environment)
    record = {**judgement.record, **scores}
    changes = told(changes_between(definition, old, record))
    record_id, version = str(old["id"]), int(str(old["version"]))
    if changes:
        stamps = stamps_of_change(unit, version + 1) if counts else {}
        record.update(stamps)
        written = {name: record[name] for name in (*changes, *stamps)}
        if not update_row(unit, definition, record_id, version, written):
            raise stale(unit, definition, record_id)
        version = int(str(record["version"]))
        follow_account(unit, definition, record_id)
        write_history(
            unit,
            definition,
            record_id,
            version,
            changes,
            channel=channel,
            why=why,
            rules=judgement.fired,
        )
    finish(unit, definition, judgement, old if changes else record, record)
    return Saved(record_id, version, record)


def told(changes: Mapping[str, tuple[object, object]]) -> dict[str, tuple[object, object]]:
    """Gives the changes that history tells."""
    return {name: pair for name, pair in changes.items() if name not in STAMPS}


def stamps_of_new(
    unit: Unit, definition: ObjectDefinition, source: str | None
) -> dict[str, object]:
    """Gives a new record's system fields; it belongs to who makes it, and to that person's team."""
    user = unit.principal.user or {}
    stamps = {
        "id": str(uuid_utils.uuid7()),
        "version": FIRST_VERSION,
        "created_at": unit.moment.now,
        "created_by": unit.user_id,
        "updated_at": unit.moment.now,
        "updated_by": unit.user_id,
        "source": source,
        "owner": unit.user_id,
        "owner_team": user.get("team"),
    }
    return {name: value for name, value in stamps.items() if name in definition.fields}


def stamps_of_change(unit: Unit, version: int) -> dict[str, object]:
    """Gives the system fields that each change sets."""
    return {"version": version, "updated_at": unit.moment.now, "updated_by": unit.user_id}


def refuse_locked(
    unit: Unit, definition: ObjectDefinition, old: Record, incoming: Incoming
) -> Hold | None:
    """Gives what holds a record. Raises Conflict when it keeps this person from her change."""
    if unit.principal.unrestricted:
        return None
    hold = hold_of(unit.connection, definition.id, str(old["id"]))
    if hold is None:
        return None
    touched = [name for name, value in incoming.values.items() if old.get(name) != value]
    refused = [name for name in touched if not hold.allows(name, unit.user_id)]
    if refused:
        cause = unit.catalog.rule_text(hold.cause or "")
        raise Conflict(
            Problem(pointer(name), "locked", {"field": name, "cause": cause}) for name in refused
        )
    return hold


def judged(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    incoming: Incoming,
    environment: Environment,
) -> Judgement:
    """Runs rules and checks. Raises Refused with all that was found, here and before."""
    judgement = judge(
        unit.catalog,
        definition,
        record,
        old,
        environment,
        incoming,
        by_person=not unit.principal.unrestricted,
    )
    if judgement.problems:
        raise Refused(judgement.problems)
    return judgement


def finish(
    unit: Unit, definition: ObjectDefinition, judgement: Judgement, old: Record, record: Record
) -> None:
    """Does what a save causes inside its transaction: locks of rules, and parents' rules."""
    record_id = str(record["id"])
    if judgement.locked is True:
        cause = ", ".join(judgement.fired)
        take_hold(unit.connection, definition.id, record_id, cause, unit.moment.now)
    elif judgement.locked is False:
        release(unit.connection, definition.id, record_id)
    if old is not record:
        refresh_parents(unit, definition, (old, record))


def refresh_parents(unit: Unit, definition: ObjectDefinition, states: Iterable[Record]) -> None:
    """Lets the rules of records that look at this one through a link run again.

    Raises Conflict when rules cause each other more than MAX_DEPTH levels deep.
    """
    parents = {
        (str(field.target), str(record[field.name]))
        for field in definition.references
        if (definition.name, field.name) in unit.catalog.watched_references
        for record in states
        if record.get(field.name) is not None
    }
    if parents and unit.depth >= MAX_DEPTH:
        raise Conflict([Problem("", "rule_depth", {"object": definition.name, "limit": MAX_DEPTH})])
    for object_name, record_id in sorted(parents):
        refresh(
            unit.as_automation(),
            object_name,
            record_id,
            why=f"{definition.name} changed",
            respect_lock=not unit.principal.unrestricted,
        )


def refresh(unit: Unit, object_name: str, record_id: str, *, why: str, respect_lock: bool) -> None:
    """Runs a record's before-save rules and scores again; a deleted one is left alone.

    With `respect_lock` it raises Conflict where rules would change a locked record: nobody gets
    round a lock by changing what the record is computed from.
    """
    definition = unit.catalog.objects[object_name]
    try:
        # Locks the row before its children are read: of two saves the second sees the first's.
        old = target_of(unit, definition, record_id, "update")
    except Missing:
        return
    environment = environment_of(unit)
    judgement = run_rules(unit.catalog, definition, old, old, environment)
    if respect_lock and any(old[name] != value for name, value in judgement.record.items()):
        hold = hold_of(unit.connection, definition.id, record_id)
        if hold is not None and hold.cause is not None:
            cause = unit.catalog.rule_text(hold.cause)
            values = {"object": Translated(definition.labels), "cause": cause}
            raise Conflict([Problem("", "parent_locked", values)])
    store(unit, definition, old, judgement, environment, channel="rule", why=why, counts=False)
