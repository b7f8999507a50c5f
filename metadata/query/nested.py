"""Values that are records of another object: rows of a table, links; and names beside ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metadata.fields.types.any_reference import RecordId
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem

if TYPE_CHECKING:
    from metadata.query.records import Records

Record = dict[str, object]
Rows = Mapping[str, tuple[Record, ...]]


def split_fields(
    records: Records, object_name: str, fields: Sequence[str] | None, *, everything: bool
) -> tuple[Sequence[str] | None, tuple[str, ...]]:
    """Gives the fields with columns and the names of those without, as far as they are seen.

    `fields` None means all that have columns, and the others too with `everything`.
    """
    definition = records.catalog.objects.get(object_name)
    if definition is None or not definition.nested_fields:
        return fields, ()
    known = records.paths.known(object_name, whole=False)
    nested = [name for name, field in known.items() if field.nested]
    if fields is None:
        return None, tuple(nested) if everything else ()
    asked = tuple(dict.fromkeys(name for name in fields if name in nested))
    return [name for name in fields if name not in asked], asked


def fill(
    records: Records, object_name: str, found: Iterable[Record], names: Sequence[str]
) -> tuple[Record, ...]:
    """Gives records with their nested values, and names beside the ids of any object.

    One statement per nested field and one per object that is referred to, however many records.
    """
    filled = tuple(found)
    if filled and names:
        ids = [str(record["id"]) for record in filled]
        values = {name: records.nested(object_name, name, ids) for name in names}
        for record in filled:
            key = str(record["id"])
            record.update({name: rows.get(key) for name, rows in values.items()})
    name_references(records, object_name, filled)
    return filled


def shown_paths(records: Records, definition: ObjectDefinition, link: LinkDefinition) -> list[str]:
    """Gives the paths that a nested value is made of, the reference back included."""
    known = records.paths.known(definition.name, whole=False)
    own = [name for name, one in known.items() if not (one.system or one.nested)]
    shown = [*own, link.field]
    named = (name_of(records, definition, name) for name in own if name != link.field)
    return [*shown, *(path for path in named if path is not None)]


def name_of(records: Records, definition: ObjectDefinition, reference: str) -> str | None:
    """Gives the path of the name of the record that a field leads to.

    None for other fields, and for names that are not to be seen.
    """
    target = records.catalog.objects.get(definition.fields[reference].target or "")
    if target is None:
        return None
    path = f"{reference}.{target.name_field}"
    found = records.paths.resolve(definition.name, path, "fields", whole=True)
    return None if isinstance(found, Problem) else path


def as_row(records: Records, link: LinkDefinition, record: Mapping[str, Any]) -> Record:
    """Gives a record as a member of a nested value: without what says where it belongs."""
    left_out = {link.field, "version"}
    if link.beyond is None:
        return {name: value for name, value in record.items() if name not in left_out}
    definition = records.catalog.objects[link.target]
    path = name_of(records, definition, link.beyond)
    left_out |= {link.beyond, "id", *([path] if path else [])}
    own = {name: value for name, value in record.items() if name not in left_out}
    return {"id": record[link.beyond], "name": record[path] if path else None, **own}


def name_references(records: Records, object_name: str, found: Sequence[Record]) -> None:
    """Puts names beside the ids of records of any object, where the reader may know them.

    The system itself reads without names: nothing that it does looks at them.
    """
    if records.principal.unrestricted:
        return
    fields = records.catalog.objects[object_name].fields.values()
    mixed = [field.name for field in fields if "object" in field.type.parts]
    if not mixed:
        return
    wanted: dict[str, set[str]] = {}
    for record in found:
        for name in mixed:
            value = record.get(name)
            if isinstance(value, RecordId):
                wanted.setdefault(value.object, set()).add(str(value))
    known = {
        target: records.names(target, ids)
        for target, ids in wanted.items()
        if target in records.catalog.objects and records.principal.access(target).may("read")
    }
    for record in found:
        for name in mixed:
            value = record.get(name)
            if isinstance(value, RecordId):
                text = known.get(value.object, {}).get(str(value))
                record[name] = RecordId(str(value), value.object, text)
