"""The links of a record: added and taken away as a list of them says, told on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from metadata.fields.base import FieldDefinition
from metadata.json_text import pointer
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem
from trellis.duplicates.redirects import unknown_reference
from trellis.records.incoming import find_record
from trellis.records.inner_writes import changed_values
from trellis.records.items import Item, Items, write_item
from trellis.records.owners import changed_items
from trellis.records.removal import remove
from trellis.records.writers import Writers
from trellis.unit import Channel, Unit

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Linking(Item):
    """One link that was sent, with the id of the record it leads to."""

    target: str


@dataclass(frozen=True, slots=True)
class Links:
    """What becomes of the links of one record."""

    field: FieldDefinition
    link: LinkDefinition
    removed: tuple[str, ...]
    wanted: tuple[Linking, ...]

    @property
    def is_changed(self) -> bool:
        """Says whether there is anything to write."""
        return bool(self.removed) or any(one.id is None or one.values for one in self.wanted)

    def save(
        self, unit: Unit, record_id: str, writers: Writers, channel: Channel, found: list[Problem]
    ) -> tuple[Items, Items]:
        """Takes links away, changes and adds them.

        Who may write the field writes them, so nobody's rights on links are asked again; the
        history names who did it.
        """
        trusted = replace(unit, principal=replace(unit.principal, unrestricted=True))
        definition = unit.catalog.objects[self.link.target]
        old: Items = []
        new: Items = []
        for link_id in self.removed:
            gone = remove(trusted, definition, link_id, writers, channel=channel)
            old += changed_items(definition, self.link, gone, {})[0]
        for one in self.wanted:
            given = {self.link.field: record_id, str(self.link.beyond): one.target}
            pair = write_item(trusted, self.field, self.link, one, given, writers, channel, found)
            old += pair[0]
            new += pair[1]
        return old, new


def plan_links(
    unit: Unit,
    definition: ObjectDefinition,
    field: FieldDefinition,
    link: LinkDefinition,
    sent: Sequence[Record],
    record_id: str | None,
    problems: list[Problem],
) -> Links:
    """Gives what a list of links means for those that are there, as far as this person sees them.

    Links that she does not see stay. What is wrong with the list goes to `problems`.
    """
    child, beyond = unit.catalog.objects[link.target], str(link.beyond)
    target = str(child.fields[beyond].target)
    there: dict[str, Record] = {}
    if record_id is not None:
        found = unit.records().children(link.target, link.field, [record_id])
        there = {str(one[beyond]): one for one in found.get(record_id, ())}
    keys = [str(given["id"]) for given in sent]
    known = unit.records().by_ids(target, [*keys], ["id"]).keys() | there.keys()
    wanted: dict[str, Linking] = {}
    for place, given in enumerate(sent):
        key = keys[place]
        other = key if key in known else find_record(unit, target, key)
        if other is None:
            path = pointer((field.name, place))
            problems.append(unknown_reference(unit, path, field.name, target, key))
            continue
        values = {name: value for name, value in given.items() if name != "id"}
        problems += unknown_values(child, field, link, place, values)
        stored = there.get(other)
        if stored is not None:
            values = changed_values(unit, child, stored, values)
        link_id = None if stored is None else str(stored["id"])
        wanted[other] = Linking(place, link_id, values, other)
    removed = tuple(str(one["id"]) for other, one in there.items() if other not in wanted)
    return Links(field, link, removed, tuple(wanted.values()))


def unknown_values(
    child: ObjectDefinition,
    field: FieldDefinition,
    link: LinkDefinition,
    place: int,
    values: dict[str, object],
) -> list[Problem]:
    """Takes what is no field of a link's own out of what was sent for it, and tells it."""
    own = [one.name for one in child.own_fields if one.name not in (link.field, link.beyond)]
    unknown = [name for name in values if name not in own]
    for name in unknown:
        del values[name]
    return [
        Problem(
            pointer((field.name, place, name)),
            "unknown_field",
            {"object": field.name, "name": name, "nearest": None, "known": own},
        )
        for name in unknown
    ]
