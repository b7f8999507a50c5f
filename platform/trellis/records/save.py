"""Saving a record: the one use case behind forms, API, import and rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from metadata.coerce import defaults
from metadata.objects import ObjectDefinition
from metadata.prepared import write_all
from metadata.problems import Problem
from rule_engine.services.automate import SaveEvent
from rule_engine.types import Environment
from trellis.automation.environment import environment_of
from trellis.automation.scores import score_values
from trellis.errors import Conflict, Missing, Refused
from trellis.records.computed import change_of, follow, formula_values, hold_sources, woken
from trellis.records.exclusions import exclusion_problems
from trellis.records.files import take_files
from trellis.records.followers import companions, tell_followers
from trellis.records.following import follow_save
from trellis.records.history import changes_between, history_write
from trellis.records.incoming import Incoming, read_incoming, resolve_references
from trellis.records.judge import Judgement, judge, run_rules, validation_problems
from trellis.records.locked import mind_lock, refuse_computed, refuse_locked, refuse_rolled_up
from trellis.records.lookups import lookup_problems
from trellis.records.nested import Nested, take_nested, telling_all
from trellis.records.numbers import give_numbers
from trellis.records.owners import hold_owners, hold_owners_of, records_asked, tell_owners
from trellis.records.people import open_account
from trellis.records.reach import creatable, definition_of, stale, target_of
from trellis.records.reapproval import approve_again, approve_all_again, differing, held_changes
from trellis.records.rows import insert_row, update_row
from trellis.records.stamps import FIRST_VERSION, STAMPS, stamps_of_change, stamps_of_new
from trellis.records.trees import lock_trees, tree_problems
from trellis.records.webhooks import webhook_problems
from trellis.records.writers import Writers
from trellis.records.written import Written
from trellis.unit import MAX_DEPTH, Channel, Unit

Record = Mapping[str, object]

NOTHING_GIVEN: Record = MappingProxyType({})


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
    unshown: Collection[str] = (),
) -> Saved:
    """Creates a record (`record_id` None) or changes one; `values` are in wire form or text.

    Without `expected_version` the newest state is changed. A save that changes nothing writes
    nothing. `why` is kept in the history, `source` on the record that is created; `unshown` are
    fields that a form left out because of its layout: they are not demanded.

    Raises Missing, NotAllowed, Stale, Conflict (locked) or Refused with every problem found;
    whoever catches one rolls the transaction back.
    """
    definition = definition_of(unit, object_name)
    if record_id is None:
        return create(
            unit, definition, values, channel=channel, why=why, source=source, unshown=unshown
        )
    return change(
        unit,
        definition,
        record_id,
        values,
        channel=channel,
        expected_version=expected_version,
        why=why,
        unshown=unshown,
    )


def create(
    unit: Unit,
    definition: ObjectDefinition,
    values: Mapping[str, object],
    *,
    channel: Channel,
    why: str | None,
    source: str | None,
    unshown: Collection[str] = (),
    given: Record = NOTHING_GIVEN,
) -> Saved:
    """Adds a record; `given` are values that the platform itself sets, whatever the rights."""
    creatable(unit, definition)
    lock_trees(unit, definition, values)
    incoming = resolve_references(unit, definition, read_incoming(unit, definition, values), None)
    incoming, nested = take_nested(unit, definition, incoming, None)
    incoming = take_files(unit, definition, incoming, None)
    record = {
        **dict.fromkeys(definition.fields),
        **defaults(definition),
        **stamps_of_new(unit, definition, source),
        **incoming.values,
        **given,
    }
    record |= give_numbers(unit, definition, record)
    record_id = str(record["id"])
    hold_owners(unit, definition, record)
    hold_sources(unit, definition, record, None)
    environment = environment_of(unit, new=record_id)
    with telling_all(
        unit, nested, record_id, WRITERS, lambda: insert_row(unit, definition, record)
    ):
        judgement = judged(unit, definition, record, None, incoming, environment, unshown, nested)
    record = scored(unit, definition, judgement.record, environment)
    record = open_account(unit, definition, record)
    changes = told(changes_between(definition, {}, record))
    history = partial(
        history_write,
        *(unit, definition, record_id, FIRST_VERSION, changes),
        channel=channel,
        why=why,
        rules=(*unit.led_by, *judgement.fired),
        op="create",
    )
    written = [Written(record_id, None, record, FIRST_VERSION)]
    beside = companions(unit, definition, written)
    insert_row(unit, definition, record, beside if nested else (*beside, *history()))
    if nested:
        inner = nested.save(unit, record_id, WRITERS, channel)
        write_all(unit.connection, history(inner=inner))
    tell_owners(unit, definition, {}, record, channel=channel, why=why)
    tell_followers(unit, definition, written)
    finish(unit, definition, judgement, {}, record)
    after = settle(unit, definition, record, None, nested)
    return followed(unit, definition, "create", Saved(record_id, FIRST_VERSION, after), None)


def change(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    values: Mapping[str, object],
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
    unshown: Collection[str] = (),
    given: Record = NOTHING_GIVEN,
) -> Saved:
    """Changes a record; `given` are values that the platform itself sets, whatever the rights."""
    lock_trees(unit, definition, values)
    hold_owners_of(unit, definition, record_id)
    old = target_of(unit, definition, record_id, "update")
    version = int(str(old["version"]))
    if expected_version is not None and expected_version != version:
        raise stale(unit, definition, record_id)
    incoming = resolve_references(unit, definition, read_incoming(unit, definition, values), old)
    incoming = take_files(unit, definition, incoming, old)
    incoming, nested = take_nested(unit, definition, incoming, record_id)
    hold = refuse_locked(unit, definition, old, incoming)
    nested.refuse_held(unit, hold)
    environment = environment_of(unit)
    record = {**old, **incoming.values, **given}
    hold_owners(unit, definition, record)
    hold_sources(unit, definition, record, old)
    with telling_all(unit, nested, record_id, WRITERS):
        judgement = judged(unit, definition, record, old, incoming, environment, unshown, nested)
    saved = store(
        unit, definition, old, judgement, environment, channel=channel, why=why, nested=nested
    )
    saved = replace(saved, record=settle(unit, definition, saved.record, old, nested))
    changed = differing(old, saved.record)
    approve_again(unit, definition, record_id, hold, changed, change)
    return followed(unit, definition, "update", saved, old)


def followed(
    unit: Unit, definition: ObjectDefinition, event: SaveEvent, saved: Saved, old: Record | None
) -> Saved:
    """Lets happen what follows a save, and gives the record as it stands then."""
    now = follow_save(unit, definition, event, saved.record, old, WRITERS)
    return saved if now is None else Saved(saved.id, int(str(now["version"])), now)


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
    nested: Nested | None = None,
) -> Saved:
    """Writes what differs from `old`; `counts` is False for computed writes (same version)."""
    record = scored(unit, definition, judgement.record, environment)
    changes = told(changes_between(definition, old, record))
    record_id, version = str(old["id"]), int(str(old["version"]))
    if changes or nested:
        stamps = stamps_of_change(unit, version + 1) if counts else {}
        record.update(stamps)
        values = {name: record[name] for name in (*changes, *stamps)}
        after = int(str(record["version"]))
        history = partial(
            history_write,
            *(unit, definition, record_id, after, changes),
            channel=channel,
            why=why,
            rules=(*unit.led_by, *judgement.fired),
        )
        written = [Written(record_id, old, record, after)]
        beside = companions(unit, definition, written)
        if not nested:
            beside = (*beside, *history())
        if not update_row(unit, definition, record_id, version, values, beside):
            raise stale(unit, definition, record_id)
        version = after
        if nested:
            inner = nested.save(unit, record_id, WRITERS, channel)
            write_all(unit.connection, history(inner=inner))
        if counts:
            tell_owners(unit, definition, old, record, channel=channel, why=why)
        tell_followers(unit, definition, written)
    finish(unit, definition, judgement, old if changes else record, record)
    return Saved(record_id, version, record)


def scored(
    unit: Unit, definition: ObjectDefinition, record: Record, environment: Environment
) -> dict[str, object]:
    """Gives a record with its scores, and with the formulas that look at them."""
    after = {**record, **score_values(unit.catalog, definition, record, environment)}
    return {**after, **formula_values(unit.catalog, definition, after, record, environment)}


def told(changes: Mapping[str, tuple[object, object]]) -> dict[str, tuple[object, object]]:
    """Gives the changes that history tells."""
    return {name: pair for name, pair in changes.items() if name not in STAMPS}


def judged(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    incoming: Incoming,
    environment: Environment,
    unshown: Collection[str] = (),
    nested: Nested | None = None,
) -> Judgement:
    """Runs rules and checks. Raises Refused with all that was found, here and before.

    What asks the database comes last, and other records only once all else is well. With rows
    still to be written, validations wait for these (`settle`).
    """
    judgement = judge(
        unit.catalog,
        definition,
        record,
        old,
        environment,
        incoming,
        by_person=not unit.principal.unrestricted,
        unshown=unshown,
        validates=not nested,
        silent=unit.silent,
    )
    record = judgement.record
    problems = [*judgement.problems, *lookup_problems(unit, definition, record, old, nested)]
    problems += tree_problems(unit, definition, record, old)
    problems += webhook_problems(unit, definition, record)
    if not problems:
        problems += exclusion_problems(unit, definition, record, old, environment)
    if problems:
        raise Refused(problems)
    return judgement


def finish(
    unit: Unit, definition: ObjectDefinition, judgement: Judgement, old: Record, record: Record
) -> None:
    """Does what a save causes inside its transaction: locks of rules, and parents' rules."""
    mind_lock(unit, definition, judgement, str(record["id"]))
    if old is not record:
        refresh_parents(unit, definition, (old, record))


def refresh_parents(unit: Unit, definition: ObjectDefinition, states: Iterable[Record]) -> None:
    """Brings what other records compute from this one right, and lets the rules of those that
    look at it, or at what was computed, run again: each once.

    `states` are the record before (empty for a new one) and after a save, or the record alone
    that was deleted or restored. Raises Conflict when rules cause each other more than MAX_DEPTH
    levels deep.
    """
    refresh_all(unit, definition, [tuple(states)])


def refresh_all(
    unit: Unit, definition: ObjectDefinition, saves: Sequence[Sequence[Record]]
) -> None:
    """Does what `refresh_parents` does for several records of one object, for all together."""
    if not saves:
        return
    parents = {
        (field.type.target_of(record[field.name], field), str(record[field.name]))
        for field in definition.fields.values()
        if (definition.name, field.name) in unit.catalog.watched_references
        for states in saves
        for record in states
        if record.get(field.name) is not None
    }
    found = follow(unit, [change_of(definition, states) for states in saves])
    changed = held_changes(unit, found)
    if changed and not unit.principal.unrestricted:
        refuse_rolled_up(unit, changed, unit.saving | records_asked(unit, definition, saves))
    parents = (parents | woken(unit, found)) - unit.saving
    if parents and unit.depth >= MAX_DEPTH:
        raise Conflict([Problem("", "rule_depth", {"object": definition.name, "limit": MAX_DEPTH})])
    for parent in sorted(parents):
        refresh(unit, *parent, why=f"{definition.name} changed", computed=changed.pop(parent, ()))
    outside = {key: names for key, names in changed.items() if key not in unit.saving}
    approve_all_again(unit, outside, change)


def refresh(
    by: Unit, object_name: str, record_id: str, *, why: str, computed: Collection[str] = ()
) -> None:
    """Runs a record's before-save rules and scores again, of which `computed` fields have changed;
    a deleted one is left alone.

    Raises Conflict where rules would change a record that is locked against who set them off.
    """
    unit, definition = by.as_automation(), by.catalog.objects[object_name]
    if definition.append_only:
        return
    try:
        # Locks the row before its children are read: of two saves the second sees the first's.
        old = target_of(unit, definition, record_id, "update")
    except Missing:
        return
    environment = environment_of(unit)
    judgement = run_rules(unit.catalog, definition, old, old, environment, silent=unit.silent)
    if not by.principal.unrestricted:
        refuse_computed(by, definition, record_id, differing(old, judgement.record))
    saved = store(
        unit, definition, old, judgement, environment, channel="rule", why=why, counts=False
    )
    changed = {*computed, *differing(old, saved.record)}
    approve_all_again(unit, {(object_name, record_id): changed}, change)
    followed(unit, definition, "update", saved, old)


def settle(
    unit: Unit, definition: ObjectDefinition, record: Record, old: Record | None, nested: Nested
) -> Record:
    """Lets rules look at a record again whose rows or links are written now, and gives it.

    What they fill counts as computed: it makes no further version. Raises Refused with what
    validations find.
    """
    if not nested:
        return record
    rules, environment = unit.as_automation(), environment_of(unit)
    now = target_of(rules, definition, str(record["id"]), "update")
    judgement = run_rules(unit.catalog, definition, now, now, environment, silent=unit.silent)
    after, problems = judgement.record, list(judgement.problems)
    if not unit.silent:
        problems += validation_problems(unit.catalog, definition, after, old, environment)
    if problems:
        raise Refused(problems)
    saved = store(
        rules, definition, now, judgement, environment, channel="rule", why=None, counts=False
    )
    return saved.record


WRITERS = Writers(create, change, refresh_parents)
