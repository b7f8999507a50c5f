"""Which value the survivor of a merge has in each field, and who may have it so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from metadata.access import SYSTEM, Access
from metadata.fields.files import StoredFiles
from metadata.fields.types.file import File
from metadata.fields.types.secret import Hidden
from metadata.json_text import nearest, pointer
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from trellis.errors import NotAllowed, Refused
from trellis.records.history import as_wire
from trellis.unit import Unit

Record = Mapping[str, object]

SURVIVOR: Final = "survivor"
NEWEST: Final = "newest"
MOST_COMPLETE: Final = "most_complete"
SOURCE: Final = "source"
PREFERENCES: Final[Mapping[str, str | None]] = {
    SURVIVOR: None,
    NEWEST: "updated_at",
    MOST_COMPLETE: None,
    SOURCE: "source",
}
"""Each way to prefer records, with the field without which there is none."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the values of a merge are chosen.

    `fields` names the record by field whose value counts, empty or not. All other fields take the
    first value there is in the order of `prefer`: the survivor's own before the newest, the record
    changed last, the one with most fields filled, or by the names of `sources`. Whoever merges does
    not see all of that: only fields that she reads in full decide, and records that these do not
    tell apart keep the order in which they were named. Fields that hold several files take those
    of all records, if they may hold so many.
    """

    fields: Mapping[str, str]
    prefer: str = SURVIVOR
    sources: tuple[str, ...] = ()


def preferences(access: Access) -> list[str]:
    """Gives the ways to prefer records that exist for who has these rights."""
    return [one for one, field in PREFERENCES.items() if field is None or access.reads(field)]


def ordered(records: Sequence[Record], wish: Wish, access: Access) -> list[Record]:
    """Gives records in the order in which their values are preferred; the first is the survivor.

    What is not read in full with this access, masked or hidden, plays no part: the values that are
    taken would tell of it.
    """

    def changed(record: Record) -> str:
        return str(record.get("updated_at") or "") if access.reads("updated_at") else ""

    def filled(record: Record) -> int:
        return sum(value is not None and access.reads(name) for name, value in record.items())

    survivor, *others = records
    usual = [survivor, *sorted(others, key=changed, reverse=True)]
    if wish.prefer == NEWEST:
        return sorted(usual, key=changed, reverse=True)
    if wish.prefer == MOST_COMPLETE:
        return sorted(usual, key=filled, reverse=True)
    if wish.prefer == SOURCE:
        places = {name: place for place, name in enumerate(wish.sources)}
        return sorted(usual, key=lambda one: places.get(str(one.get("source")), len(places)))
    return usual


def mergeable(definition: ObjectDefinition) -> Iterator[FieldDefinition]:
    """Gives the fields whose values can pass from one record to another: those that are
    written."""
    for field in definition.own_fields:
        if field.writable and not field.nested and not field.computed:
            yield field


def wish_problems(
    unit: Unit, definition: ObjectDefinition, records: Sequence[Record], wish: Wish
) -> Iterator[Problem]:
    """Gives what is wrong with a wish: unknown (or hidden) fields, an order by such a field,
    records that are not merged."""
    access = unit.principal.access(definition.name)
    known = [field.name for field in mergeable(definition) if access.reads(field.name)]
    ids, ways = [str(record["id"]) for record in records], preferences(access)
    if wish.prefer not in ways:
        yield unknown("/prefer", wish.prefer, ways)
    for name, record_id in wish.fields.items():
        if name not in known:
            yield unknown(pointer(("fields", name)), name, known)
        elif record_id not in ids:
            yield unknown(pointer(("fields", name)), record_id, ids)


def unknown(place: str, value: str, known: Sequence[str]) -> Problem:
    """Words a value that is not among the known ones."""
    values = {"value": value, "nearest": nearest(value, known), "known": list(known)}
    return Problem(place, "not_known", values)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Values that the survivor gets: `own` are written with the rights of who merges, `other` by
    the platform, because they are files or fields that she does not see. `before` is the survivor
    as it is, secrets opened."""

    own: Mapping[str, object]
    other: Mapping[str, object]
    before: Record


def choose(
    unit: Unit, definition: ObjectDefinition, records: Sequence[Record], wish: Wish
) -> Chosen:
    """Gives the values that differ from the survivor's; the first of `records` is the survivor.

    A field that the principal does not see keeps the survivor's value, or takes the next one in the
    usual order where that is empty: nothing is lost, and nothing is shown. Raises Refused for a
    wish that does not fit, and NotAllowed when a field would change that the principal only reads.
    """
    problems = list(wish_problems(unit, definition, records, wish))
    if problems:
        raise Refused(problems)
    access = unit.principal.access(definition.name)
    by_id = {str(record["id"]): opened(unit, definition, record) for record in records}
    survivor, *_ = records = list(by_id.values())
    ranked, unseen = (ordered(records, one, access) for one in (wish, Wish({})))
    own: dict[str, object] = {}
    other: dict[str, object] = {}
    forbidden = []
    for field in mergeable(definition):
        name, seen = field.name, access.reads(field.name)
        if name in wish.fields:
            value = outer(by_id[wish.fields[name]], name, by_id)
        else:
            value = usual_value(field, ranked if seen else unseen, by_id)
        if value == survivor.get(name):
            continue
        if seen and not access.edits(name):
            if name in wish.fields:
                forbidden.append(name)
            elif outer(survivor, name, by_id) is None:
                other[name] = value
        elif not seen or isinstance(field.type, File):
            other[name] = value
        else:
            own[name] = value
    # Nobody writes these, but the survivor must not lead to what becomes part of it either.
    for field in definition.pointing_fields:
        is_fixed = not (field.writable or field.computed or field.nested)
        if is_fixed and survivor.get(field.name) != outer(survivor, field.name, by_id):
            other[field.name] = None
    if forbidden:
        places = [(pointer(("fields", name)), name) for name in forbidden]
        raise NotAllowed(
            [Problem(place, "field_forbidden", {"field": name}) for place, name in places]
        )
    return Chosen(own, other, survivor)


def as_told(field: FieldDefinition, value: object) -> object:
    """Gives the form in which a merge remembers a value, which `kept` seals where the field is:
    the wire form, and the text of a secret."""
    return value.text if isinstance(value, Hidden) else as_wire(field, value)


def opened(unit: Unit, definition: ObjectDefinition, record: Record) -> Record:
    """Gives a record with the texts of its secrets, which pass on without anybody seeing them."""
    records = replace(unit, principal=SYSTEM).records()
    secrets = {
        name: Hidden(records.reveal(definition.name, str(record["id"]), name))
        for name, value in record.items()
        if isinstance(value, Hidden)
    }
    return {**record, **secrets}


def usual_value(
    field: FieldDefinition, ranked: Sequence[Record], merged: Collection[str]
) -> object:
    """Gives the first value that is not empty, or the files of all records together."""
    found = (outer(one, field.name, merged) for one in ranked)
    values = [value for value in found if value is not None]
    lists = [value.items for value in values if isinstance(value, StoredFiles)]
    files = {file.id: file for items in lists for file in items}
    most = field.limits.get("maxItems")
    if len(lists) > 1 and (not isinstance(most, int) or len(files) <= most):
        return StoredFiles(files.values())
    return values[0] if values else None


def outer(record: Record, name: str, merged: Collection[str]) -> object:
    """Gives a record's value; none where it leads to one of those that become one."""
    value = record.get(name)
    return None if isinstance(value, str) and value in merged else value
