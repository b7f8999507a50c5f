"""Files of a record that is being saved: what the person may have and the field takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from metadata.fields.base import FieldDefinition
from metadata.fields.files import FileFacts, StoredFile, StoredFiles, files_in
from metadata.fields.types.file import File
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.files.access import may_have, rows_of
from trellis.files.tables import facts_of, file_use
from trellis.records.incoming import Incoming, pointer
from trellis.records.written import Written
from trellis.unit import Unit

Record = Mapping[str, object]
Rows = Mapping[str, sa.RowMapping]


def take_files(
    unit: Unit, definition: ObjectDefinition, incoming: Incoming, old: Record | None
) -> Incoming:
    """Replaces the ids of files by what is known of them, and refuses those of others.

    A file that is not there, one that the person may not have, and one whose day is over give the
    same problem. Those that the field holds already stay as they are.
    """
    values, problems = dict(incoming.values), list(incoming.problems)
    sent = [one for one in definition.file_fields if values.get(one.name) is not None]
    if not sent:
        return incoming
    kept = {
        field.name: {file.id: file for file in files_in((old or {}).get(field.name))}
        for field in sent
    }
    new = [
        file.id
        for field in sent
        for file in files_in(values[field.name])
        if file.id not in kept[field.name]
    ]
    rows = rows_of(unit, new)
    for field in sent:
        found: list[StoredFile] = []
        for file in files_in(values[field.name]):
            known = kept[field.name].get(file.id)
            wrong = None if known else flaw_of(unit, field, file, rows)
            if wrong is not None:
                problems.append(wrong)
            else:
                found.append(known or new_file(unit, field, facts_of(rows[file.id])))
        values[field.name] = as_value(values[field.name], found)
    return Incoming(values, tuple(problems))


def as_value(sent: object, found: list[StoredFile]) -> object:
    """Gives files in the form in which they were sent: one, or several."""
    if isinstance(sent, StoredFiles):
        return StoredFiles(found) if found else None
    return found[0] if found else None


def new_file(unit: Unit, field: FieldDefinition, facts: FileFacts) -> StoredFile:
    """Gives a file that comes into a field; a signature with who signed and when."""
    if isinstance(field.type, File) and field.type.is_signed:
        at = unit.moment.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        facts = replace(facts, signed_by=unit.user_id or unit.principal.name, signed_at=at)
    return StoredFile(facts)


def flaw_of(unit: Unit, field: FieldDefinition, file: StoredFile, rows: Rows) -> Problem | None:
    """Gives what keeps a file from coming into a field."""
    row, kind, place = rows.get(file.id), field.type, pointer(field.name)
    if row is None or not may_have(unit, row):
        return Problem(place, "unknown_file", {"field": field.name, "value": file.id})
    if not isinstance(kind, File):
        return None
    limits, name = kind.limits(field), row["name"]
    if row["size"] > limits.max_bytes:
        values = {"name": name, "size": row["size"], "limit": limits.max_bytes}
        return Problem(place, "file_too_large", values)
    if not limits.accepts(row["media_type"]):
        values = {"name": name, "found": row["media_type"], "known": limits.media_types}
        return Problem(place, "file_media_type", values)
    if kind.is_picture and not row["is_picture"]:
        return Problem(place, "file_not_a_picture", {"name": name})
    return None


def follow_files(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Writes down which files records hold now, and which they do not hold any more.

    A deleted record keeps its files: it may come back.
    """
    for field in definition.file_fields:
        for write in writes:
            if write.new is not None and write.differs(field.name):
                note_files(unit, definition, field, write, write.new)


def note_files(
    unit: Unit, definition: ObjectDefinition, field: FieldDefinition, write: Written, new: Record
) -> None:
    """Writes down what became of the files in one field of a record."""
    before = {file.id for file in files_in((write.old or {}).get(field.name))}
    after = {file.id for file in files_in(new.get(field.name))}
    here = {"object": definition.id, "record_id": write.id, "field": field.id}
    for file_id in sorted(before ^ after):
        left_at = None if file_id in after else unit.moment.now
        keep_use(unit, {"file": file_id, **here}, {"left_at": left_at})


def keep_use(unit: Unit, key: Mapping[str, str], values: Mapping[str, object]) -> None:
    """Writes one use, new or known."""
    this = sa.and_(*(file_use.c[name] == value for name, value in key.items()))
    changed = unit.connection.execute(sa.update(file_use).where(this).values(values))
    if changed.rowcount == 0:
        unit.connection.execute(sa.insert(file_use).values({**key, **values}))
