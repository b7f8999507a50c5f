"""Rows and links inside of a record: saved with it, in its transaction, all problems together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from metadata.fields.base import FieldDefinition
from metadata.fields.nested import nested_type, rows_of
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem
from trellis.automation.holds import Hold
from trellis.errors import Conflict, Refused
from trellis.records.incoming import Incoming, pointer
from trellis.records.links import plan_links
from trellis.records.nested_rows import plan_rows
from trellis.records.writers import Writers
from trellis.unit import Channel, Unit

Record = Mapping[str, object]
Items = list[Record]
Pair = tuple[Items, Items]


class Part(Protocol):
    """What becomes of the rows or links of one field.

    `save` writes them and gives what history keeps of it; problems go to `found`.
    """

    @property
    def field(self) -> FieldDefinition:
        """The field that was sent."""

    @property
    def link(self) -> LinkDefinition:
        """The way to its rows or links."""

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""

    def save(
        self, unit: Unit, record_id: str, writers: Writers, channel: Channel, found: list[Problem]
    ) -> Pair:
        """Writes the rows or links."""


@dataclass(frozen=True, slots=True)
class Nested:
    """All rows and links that a save is to write; nothing where they are as they were."""

    definition: ObjectDefinition
    parts: tuple[Part, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def watched(self, unit: Unit) -> bool:
        """Says whether rules of the record look at what is written."""
        watched = unit.catalog.watched_references
        return any((part.link.target, part.link.field) in watched for part in self.parts)

    def refuse_held(self, unit: Unit, hold: Hold | None) -> None:
        """Raises Conflict when a lock on the record covers one of these fields."""
        if hold is None or unit.principal.unrestricted:
            return
        names = [part.field.name for part in self.parts]
        refused = [name for name in names if not hold.allows(name, unit.user_id)]
        if refused:
            cause = unit.catalog.rule_text(hold.cause or "")
            raise Conflict(
                Problem(pointer(name), "locked", {"field": name, "cause": cause})
                for name in refused
            )

    def save(
        self, unit: Unit, record_id: str, writers: Writers, channel: Channel
    ) -> dict[str, Pair]:
        """Writes everything and gives what history keeps, by the ids of the fields.

        Raises Refused with the problems of all rows.
        """
        found: list[Problem] = []
        saved = self.attempt(unit, record_id, writers, channel, found)
        if found:
            raise Refused(found)
        return saved

    def attempt(
        self,
        unit: Unit,
        record_id: str,
        writers: Writers,
        channel: Channel,
        found: list[Problem],
    ) -> dict[str, Pair]:
        """Writes as far as it goes; what is wrong goes to `found`."""
        inside = replace(unit, saving=unit.saving | {(self.definition.name, record_id)})
        return {
            part.field.id: part.save(inside, record_id, writers, channel, found)
            for part in self.parts
        }


def take_nested(
    unit: Unit, definition: ObjectDefinition, incoming: Incoming, record_id: str | None
) -> tuple[Incoming, Nested]:
    """Takes rows and links out of what was sent; a record that is not there yet has none."""
    values, problems = dict(incoming.values), list(incoming.problems)
    parts: list[Part] = []
    if not definition.nested_fields:
        return incoming, Nested(definition, ())
    for field in definition.nested_fields:
        kind = nested_type(field)
        if kind is None:
            continue
        is_sent = field.name in values
        sent = rows_of(values.pop(field.name, None))
        if field.name not in incoming.broken:
            problems += too_few(field, sent, is_sent=is_sent, is_new=record_id is None)
        if not is_sent or (record_id is None and not sent):
            continue
        link = unit.catalog.children(definition.name)[field.name]
        plan = plan_links if kind.makes_links else plan_rows
        part: Part = plan(unit, definition, field, link, sent, record_id, problems)
        if part.is_changed:
            parts.append(part)
    return Incoming(values, tuple(problems)), Nested(definition, tuple(parts))


def too_few(
    field: FieldDefinition, sent: Sequence[Record], *, is_sent: bool, is_new: bool
) -> Iterator[Problem]:
    """Finds a list that has to have members and has none."""
    if sent or not (is_sent or is_new):
        return
    least = field.limits.get("minItems")
    if field.required:
        yield Problem(pointer(field.name), "required", {"field": field.name})
    elif is_sent and isinstance(least, int) and least > 0:
        values = {"limit": least, "length": 0}
        yield Problem(pointer(field.name), "min_items", values)


@contextmanager
def telling_all(
    unit: Unit,
    nested: Nested,
    record_id: str,
    writers: Writers,
    prepare: Prepare | None = None,
) -> Iterator[None]:
    """Adds the problems of rows to those of the record they belong to.

    The rows are tried beneath a savepoint that is always rolled back; `prepare` puts a new
    record there first, as far as it can be stored.
    """
    try:
        yield
    except Refused as refused:
        if not nested:
            raise
        found = list(refused.problems)
        savepoint = unit.connection.begin_nested()
        try:
            if prepare is not None:
                prepare()
            nested.attempt(unit, record_id, writers, "page", found)
        except (Refused, Conflict) as further:
            found += [one for one in further.problems if one not in found]
        finally:
            savepoint.rollback()
        raise Refused(found) from refused


class Prepare(Protocol):
    """Stores a record for the time being."""

    def __call__(self) -> None:
        """Stores it."""
