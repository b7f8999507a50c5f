"""Records that rows and links belong to: they hold them, and their history tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.prepared import write_all
from metadata.problems import Problem
from trellis.automation.holds import hold_of
from trellis.errors import Conflict, Missing
from trellis.records.followers import keep_up
from trellis.records.history import as_wire, history_write
from trellis.records.reach import target_of
from trellis.records.rows import update_row
from trellis.records.stamps import STAMPS, stamps_of_change
from trellis.records.written import Written
from trellis.unit import Channel, Unit

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Owning:
    """An object that lists records of another one over `link`."""

    object: str
    link: LinkDefinition


def owning(unit: Unit, definition: ObjectDefinition) -> tuple[Owning, ...]:
    """Gives the objects to whose records those of `definition` belong, or which they link."""

    def find() -> Iterator[Owning]:
        for field in definition.pointing_fields:
            for target in field.type.targets(field):
                for link in unit.catalog.children(target).values():
                    is_it = link.target == definition.name and link.field == field.name
                    if is_it and (link.nested is not None or link.beyond is not None):
                        yield Owning(target, link)

    key = ("owning", definition.name)
    return unit.catalog.queries.get(key, tuple, lambda: tuple(find()))


def hold_owners(unit: Unit, definition: ObjectDefinition, state: Record) -> None:
    """Locks the records to which a row belongs, before the row itself.

    Raises Conflict when one of them is locked against this person.
    """
    for owner in owning(unit, definition):
        record_id = state.get(owner.link.field)
        key = (owner.object, str(record_id))
        if owner.link.nested is None or record_id is None or key in unit.saving:
            continue
        parent = unit.catalog.objects[owner.object]
        try:
            target_of(unit.as_automation(), parent, str(record_id), "update")
        except Missing:
            continue
        if not unit.principal.unrestricted:
            refuse_held_owner(unit, parent, owner.link.nested, str(record_id))


def hold_owners_of(unit: Unit, definition: ObjectDefinition, record_id: str) -> None:
    """Locks the records to which a stored row belongs; see `hold_owners`."""
    fields = [owner.link.field for owner in owning(unit, definition) if owner.link.nested]
    if fields:
        found = unit.as_automation().records().get(definition.name, record_id, fields)
        hold_owners(unit, definition, found or {})


def records_asked(
    unit: Unit, definition: ObjectDefinition, saves: Iterable[Iterable[Record]]
) -> set[tuple[str, str]]:
    """Gives the records (object and id) whose locks were asked before some saves: those saved, and
    those to which they belong as rows."""
    nested = [owner for owner in owning(unit, definition) if owner.link.nested is not None]
    states = [state for save in saves for state in save if state]
    own = {(definition.name, str(state["id"])) for state in states}
    return own | {
        (one.object, str(state.get(one.link.field))) for one in nested for state in states
    }


def refuse_held_owner(unit: Unit, parent: ObjectDefinition, nested: str, record_id: str) -> None:
    """Raises Conflict when a lock on a record covers its rows."""
    hold = hold_of(unit, parent, record_id)
    if hold is not None and not hold.allows(nested, unit.user_id):
        cause = unit.catalog.rule_text(hold.cause or "")
        raise Conflict([Problem("", "locked", {"field": nested, "cause": cause})])


def tell_owners(
    unit: Unit,
    definition: ObjectDefinition,
    old: Record,
    new: Record,
    *,
    channel: Channel,
    why: str | None = None,
) -> None:
    """Writes what happened to a row or link into the histories of the records it belongs to.

    `old` is empty for a new one, `new` for one that goes. A record whose own save this is part of
    tells it itself. Whoever has rows gets a new version: its ETag covers them.
    """
    for owner in owning(unit, definition):
        for record_id in sorted({str(s[owner.link.field]) for s in (old, new) if is_at(s, owner)}):
            if (owner.object, record_id) in unit.saving:
                continue
            before = old if str(old.get(owner.link.field)) == record_id else {}
            after = new if str(new.get(owner.link.field)) == record_id else {}
            pair = changed_items(definition, owner.link, before, after)
            if pair != ([], []):
                tell(unit, definition, owner, record_id, pair, channel=channel, why=why)


def is_at(state: Record, owner: Owning) -> bool:
    """Says whether a state belongs to a record of the owning object."""
    value = state.get(owner.link.field)
    return value is not None and getattr(value, "object", owner.object) == owner.object


def tell(
    unit: Unit,
    definition: ObjectDefinition,
    owner: Owning,
    record_id: str,
    pair: tuple[list[Record], list[Record]],
    *,
    channel: Channel,
    why: str | None,
) -> None:
    """Writes one entry into an owner's history; one that is deleted gets none."""
    parent = unit.catalog.objects[owner.object]
    rules = unit.as_automation()
    try:
        record = target_of(rules, parent, record_id, "update")
    except (Missing, Conflict):
        return
    version = int(str(record["version"]))
    if owner.link.nested is not None:
        stamps = stamps_of_change(unit, version + 1)
        update_row(unit, parent, record_id, version, stamps)
        version += 1
        keep_up(unit, parent, [Written(record_id, record, {**record, **stamps}, version)])
    inner = {inner_key(unit, owner): pair}
    history = history_write(
        unit, parent, record_id, version, {}, channel=channel, why=why, inner=inner
    )
    write_all(unit.connection, history)


def inner_key(unit: Unit, owner: Owning) -> str:
    """Gives the stable id under which a history keeps what happened over a link."""
    if owner.link.nested is not None:
        return unit.catalog.objects[owner.object].fields[owner.link.nested].id
    return unit.catalog.objects[owner.link.target].fields[owner.link.field].id


def changed_items(
    definition: ObjectDefinition, link: LinkDefinition, old: Record, new: Record
) -> tuple[list[Record], list[Record]]:
    """Gives what differs between two states of a row or link, as history keeps it."""
    names = [
        field.name
        for field in definition.own_fields
        if old.get(field.name) != new.get(field.name)
        and field.name not in {*STAMPS, link.field, link.beyond}
        and not (field.nested or field.virtual or field.type.is_sealed)
    ]
    if old and new and not names:
        return [], []
    return (
        [item_of(definition, link, old, names)] if old else [],
        [item_of(definition, link, new, names)] if new else [],
    )


def item_of(
    definition: ObjectDefinition, link: LinkDefinition, record: Record, names: list[str]
) -> Record:
    """Gives a row or link with some of its fields by their ids, in wire form."""
    fields = (definition.fields[name] for name in names)
    values = {field.id: as_wire(field, record.get(field.name)) for field in fields}
    shown = {key: value for key, value in values.items() if value is not None}
    return {"id": str(record[link.beyond or "id"]), **shown}
