"""One item of a list inside a record, a row or a link: written, and told to history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metadata.fields.base import FieldDefinition
from metadata.objects import LinkDefinition
from metadata.problems import Problem
from trellis.records.inner_writes import write_inner
from trellis.records.owners import changed_items
from trellis.records.writers import Writers
from trellis.unit import Channel, Unit

Record = Mapping[str, object]
Items = list[Record]


@dataclass(frozen=True, slots=True)
class Item:
    """One row or link that was sent: its place in the list, its id if it is there, what is new."""

    place: int
    id: str | None
    values: Record


def write_item(
    unit: Unit,
    field: FieldDefinition,
    link: LinkDefinition,
    item: Item,
    given: Record,
    writers: Writers,
    channel: Channel,
    found: list[Problem],
) -> tuple[Items, Items]:
    """Changes an item that is there, or adds one with what is `given` besides.

    Gives what history keeps of it, before and after. What is wrong with it goes to `found`.
    """
    definition = unit.catalog.objects[link.target]
    place, key, values = (field.name, item.place), item.id, item.values
    if key is None:
        made = write_inner(
            unit,
            definition,
            place,
            found,
            lambda: writers.create(
                unit, definition, values, channel=channel, why=None, source=None, given=given
            ),
        )
        return ([], []) if made is None else changed_items(definition, link, {}, made.record)
    if not values:
        return [], []
    before = unit.as_automation().records().get(definition.name, key) or {}
    changed = write_inner(
        unit,
        definition,
        place,
        found,
        lambda: writers.change(unit, definition, key, values, channel=channel, why=None),
    )
    return ([], []) if changed is None else changed_items(definition, link, before, changed.record)
