"""Creating and changing many records of one object at once, with the outcome of one by one.

Rights, rules and checks are asked for each record as `save` asks them; what goes to the database
goes there for all of them together. Roll-ups and rules of other records follow once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from metadata.coerce import defaults
from metadata.objects import ObjectDefinition
from trellis.automation.environment import RelatedRecords, environment_of
from trellis.automation.requests import held_among
from trellis.errors import RecordError
from trellis.records.computed import hold_sources
from trellis.records.followers import keep_up
from trellis.records.following import has_followers
from trellis.records.history import changes_between, entry_row, insert_entries
from trellis.records.incoming import Incoming, read_incoming, resolve_references
from trellis.records.judge import Judgement
from trellis.records.locked import mind_lock
from trellis.records.numbers import give_numbers
from trellis.records.owners import owning
from trellis.records.people import USER
from trellis.records.reach import creatable, stale, targets_of
from trellis.records.reapproval import approve_all_again
from trellis.records.references import KnownReferences
from trellis.records.rows import insert_rows, update_rows
from trellis.records.save import WRITERS, judged, refresh_all, scored, told
from trellis.records.stamps import FIRST_VERSION, stamps_of_change, stamps_of_new
from trellis.records.written import Written
from trellis.unit import Channel, Unit

Record = Mapping[str, object]

MOST: Final = 1_000
"""How many writes are held in memory at once."""


class NotTogether(Exception):  # noqa: N818  # says what is the case
    """These writes have to be done one by one, each seeing what those before it did."""


class InParts(Exception):  # noqa: N818  # says what to do
    """One of these writes does not go with the others."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One write: of a new record (`id` None), or of one that is there."""

    id: str | None
    values: Record
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """One write that may be done: the record before (empty for a new one) and after it."""

    old: Record
    record: Record
    judgement: Judgement
    changes: Mapping[str, tuple[object, object]]
    version: int
    stamps: Record

    @property
    def id(self) -> str:
        """Gives the record's id."""
        return str(self.record["id"])

    @property
    def is_written(self) -> bool:
        """Says whether there is anything to write."""
        return not self.old or bool(self.changes)

    @property
    def columns(self) -> tuple[str, ...]:
        """Gives the fields that are written; none for a new record, of which all are."""
        return (*self.changes, *self.stamps) if self.old else ()


Done = tuple[str, int] | RecordError
"""The id and version of a record that was written, or why it was not."""


class Watched(RelatedRecords):
    """Other records as rules of several writes see them: as they were before all of these."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit.as_automation().records())
        self.new: set[str] = set()
        self.asked: set[str] = set()

    def record(self, object_name: str, record_id: str) -> Mapping[str, object] | None:
        """Gives a record, and notes its object."""
        self.asked.add(object_name)
        return super().record(object_name, record_id)

    def records(
        self, object_name: str, field: str, record_id: str
    ) -> Sequence[Mapping[str, object]]:
        """Gives the records that point at one, and notes their object; none at a new one."""
        self.asked.add(object_name)
        return () if record_id in self.new else super().records(object_name, field, record_id)


def works_together(unit: Unit, definition: ObjectDefinition) -> bool:
    """Says whether records of an object can be written together at all."""
    if definition.name == USER or definition.append_only:
        return False
    if unit.catalog.conditions(definition.name).exclusions:
        return False
    if has_followers(unit, definition.name):
        return False
    return not owning(unit, definition)


def fields_apart(definition: ObjectDefinition) -> frozenset[str]:
    """Gives the fields with which a write is done alone: rows, links, files, places in a tree."""
    found = [one.name for one in definition.fields.values() if one.nested]
    found += [one.name for one in (*definition.tree_fields, *definition.file_fields)]
    return frozenset(found)


def write_together(
    unit: Unit,
    definition: ObjectDefinition,
    asked: Sequence[Asking],
    *,
    channel: Channel,
    why: str | None,
    source: str | None,
) -> list[Done]:
    """Does writes to different records; gives for each what came of it.

    Raises NotTogether or InParts, or what the database or other records say against one of them:
    whoever catches it undoes what was written.
    """
    ready = Together(unit, definition, source).ready(asked)
    writes = [one for one in ready if isinstance(one, Ready) and one.is_written]
    write_rows(unit, definition, writes)
    write_histories(unit, definition, writes, channel, why)
    written = [Written(one.id, one.old or None, one.record, one.version) for one in writes]
    keep_up(unit, definition, written)
    for one in ready:
        if isinstance(one, Ready):
            mind_lock(unit, definition, one.judgement, one.id)
    refresh_all(unit, definition, [(one.old, one.record) for one in writes])
    if unit.principal.unrestricted:  # what waits for an approval a person changes one by one
        changed = {(definition.name, one.id): one.changes for one in writes if one.old}
        approve_all_again(unit, changed, WRITERS.change)
    return [(one.id, one.version) if isinstance(one, Ready) else one for one in ready]


class Together:
    """Some writes as far as they are thought through; nothing is written yet."""

    def __init__(self, unit: Unit, definition: ObjectDefinition, source: str | None) -> None:
        self.unit = unit
        self.definition = definition
        self.source = source
        self.related = Watched(unit)
        self.environment = replace(environment_of(unit), related=self.related)
        self.references = KnownReferences(unit, definition)

    def ready(self, asked: Sequence[Asking]) -> list[Ready | RecordError]:
        """Judges writes; those that are refused leave the others alone."""
        old = self.held([one.id for one in asked if one.id is not None])
        incoming = [self.incoming(one) for one in asked]
        self.references.look_up(one for one in incoming if isinstance(one, Incoming))
        found = [self.judged(one, sent, old) for one, sent in zip(asked, incoming, strict=True)]
        if self.related.asked & self.affected():
            raise NotTogether
        if self.definition.automatic_fields and any(isinstance(one, RecordError) for one in found):
            raise InParts  # a number that was drawn for nothing would be missing
        return found

    def held(self, ids: Sequence[str]) -> Mapping[str, dict[str, object] | RecordError]:
        """Gives the records to change, locked, and why others cannot be."""
        if not ids:
            return {}
        found = targets_of(self.unit, self.definition, ids, "update")
        is_free = self.unit.principal.unrestricted
        asked = [(self.definition.id, one) for one in ids]
        if not is_free and held_among(self.unit.connection, asked):
            raise InParts
        return found

    def incoming(self, asking: Asking) -> Incoming | RecordError:
        """Reads what was sent."""
        try:
            if asking.id is None:
                creatable(self.unit, self.definition)
            return read_incoming(self.unit, self.definition, asking.values)
        except RecordError as error:
            return error

    def judged(
        self,
        asking: Asking,
        incoming: Incoming | RecordError,
        held: Mapping[str, dict[str, object] | RecordError],
    ) -> Ready | RecordError:
        """Gives a write that may be done, or why it may not."""
        old = None if asking.id is None else held[asking.id]
        if isinstance(old, RecordError):
            return old
        if old is not None and asking.version not in (None, old["version"]):
            return stale(self.unit, self.definition, str(old["id"]))
        if isinstance(incoming, RecordError):
            return incoming
        try:
            return self.new(incoming) if old is None else self.changed(incoming, old)
        except RecordError as error:
            return error

    def new(self, incoming: Incoming) -> Ready:
        """Makes a new record. Raises Refused."""
        unit, definition = self.unit, self.definition
        incoming = resolve_references(unit, definition, incoming, None, self.references.find)
        record: dict[str, object] = {
            **dict.fromkeys(definition.fields),
            **defaults(definition),
            **stamps_of_new(unit, definition, self.source),
            **incoming.values,
        }
        record |= give_numbers(unit, definition, record)
        self.related.new.add(str(record["id"]))
        hold_sources(unit, definition, record, None)
        judgement = judged(unit, definition, record, None, incoming, self.environment)
        record = scored(unit, definition, judgement.record, self.environment)
        changes = told(changes_between(definition, {}, record))
        return Ready({}, record, judgement, changes, FIRST_VERSION, {})

    def changed(self, incoming: Incoming, old: dict[str, object]) -> Ready:
        """Changes a record. Raises Refused."""
        unit, definition = self.unit, self.definition
        incoming = resolve_references(unit, definition, incoming, old, self.references.find)
        record: dict[str, object] = {**old, **incoming.values}
        hold_sources(unit, definition, record, old)
        judgement = judged(unit, definition, record, old, incoming, self.environment)
        record = scored(unit, definition, judgement.record, self.environment)
        changes = told(changes_between(definition, old, record))
        version = int(str(old["version"]))
        stamps = stamps_of_change(unit, version + 1) if changes else {}
        record.update(stamps)
        return Ready(old, record, judgement, changes, version + bool(changes), stamps)

    def affected(self) -> frozenset[str]:
        """Gives the objects whose records these writes may change, besides what is computed in
        the records themselves."""
        catalog = self.unit.catalog
        computed = {
            name for (name, _), one in catalog.computed.fields.items() if not one.field.virtual
        }
        watched = {
            target
            for name, reference in catalog.watched_references
            for target in targets(catalog.objects[name], reference)
        }
        return frozenset({self.definition.name} | computed | watched)


def targets(definition: ObjectDefinition, reference: str) -> tuple[str, ...]:
    """Gives the objects to which a reference may lead."""
    field = definition.fields[reference]
    return tuple(field.type.targets(field))


def write_rows(unit: Unit, definition: ObjectDefinition, writes: Sequence[Ready]) -> None:
    """Writes rows in the order of the writes, those side by side that write the same columns.

    Raises Refused when a unique value is taken.
    """
    for columns, group in groupby(writes, key=lambda one: one.columns):
        rows = list(group)
        if not columns:
            insert_rows(unit, definition, [one.record for one in rows])
            continue
        changed = [
            (one.id, int(str(one.old["version"])), {name: one.record[name] for name in columns})
            for one in rows
        ]
        if not update_rows(unit, definition, changed):
            raise InParts


def write_histories(
    unit: Unit,
    definition: ObjectDefinition,
    writes: Sequence[Ready],
    channel: Channel,
    why: str | None,
) -> None:
    """Adds one entry for each write; none for a change of fields whose history is not kept."""
    entries = []
    for one in writes:
        row = entry_row(
            unit,
            definition,
            one.id,
            one.version,
            one.changes,
            channel=channel,
            why=why,
            rules=one.judgement.fired,
            op=None if one.old else "create",
        )
        if row["changes"] or not one.old:
            entries.append(row)
    insert_entries(unit.connection, entries)
