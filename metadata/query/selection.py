"""What a statement selects, and how its rows become records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from metadata.columns import from_parts
from metadata.fields.base import BASE, FOLD, FieldDefinition, FieldType
from metadata.fields.encrypted import INDEX
from metadata.objects import ObjectDefinition
from metadata.query.mask import mask
from metadata.query.paths import ResolvedPath, Source

OWN_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Reader:
    """Where one path's value stands in a row: its parts from `start` on.

    An encrypted one belongs to a record of `definition`, whose id stands at `record`.
    """

    path: ResolvedPath
    start: int
    parts: tuple[str, ...]
    definition: ObjectDefinition
    record: int = 0

    @property
    def is_plain(self) -> bool:
        """Says whether the value is what stands in the row's main column."""
        kind = self.path.field.type
        own = type(kind).from_parts is not FieldType.from_parts
        return not (own or kind.is_sealed or self.path.masked)

    def read(self, row: Sequence[Any], connection: sa.Connection) -> object:
        """Gives the value, masked where the principal may see it only in part."""
        field = self.path.field
        parts = {part: row[self.start + place] for place, part in enumerate(self.parts)}
        if field.type.is_sealed:
            record_id = str(row[self.record])
            value = from_parts(connection, self.definition, field, record_id, parts)
        else:
            value = None if parts.get("") is None else field.type.from_parts(parts, field)
        return mask(value, field.text("mask")) if self.path.masked else value


class Selection:
    """The columns behind some paths; a row starts with the record's id and version."""

    def __init__(self, source: Source, paths: Sequence[ResolvedPath]) -> None:
        columns: list[sa.ColumnElement[Any]] = [source.root.c.id, source.root.c.version]
        self.readers: list[Reader] = []
        for path in paths:
            parts = value_parts(path.field)
            definition = end_of(source, path)
            start, record = len(columns), 0
            columns.extend(source.column(path, part) for part in parts)
            if path.hops and path.field.type.is_sealed:
                record = len(columns)
                columns.append(source.at(path.hops).c.id)
            self.readers.append(Reader(path, start, parts, definition, record))
        self.columns = [column.label(f"c{place}") for place, column in enumerate(columns)]
        self._names = (*(reader.path.text for reader in self.readers), "id", "version")
        self._pick = itemgetter(*(reader.start for reader in self.readers), 0, 1)
        self._made = [reader for reader in self.readers if not reader.is_plain]

    def read(self, row: Sequence[Any], connection: sa.Connection) -> dict[str, object]:
        """Gives a row as a record by path, with `id` and `version`; encrypted fields are opened
        with the cipher of the connection."""
        record: dict[str, Any] = dict(zip(self._names, self._pick(row), strict=True))
        for reader in self._made:
            record[reader.path.text] = reader.read(row, connection)
        return record


def end_of(source: Source, path: ResolvedPath) -> ObjectDefinition:
    """Gives the object that has a path's field."""
    name = path.hops[-1].target if path.hops else path.object
    return source.tables.catalog.objects[str(name)]


def value_parts(field: FieldDefinition) -> tuple[str, ...]:
    """Gives the parts a value is made of; folded and blind companions only serve comparing, and
    what an amount is worth is only known of stored ones."""
    unread = (FOLD, INDEX, BASE) if field.virtual else (FOLD, INDEX)
    return tuple(part for part in field.type.parts if part not in unread)


def whole_record(definition: ObjectDefinition) -> tuple[ResolvedPath, ...]:
    """Gives the paths of all of an object's fields that have columns."""
    fields = (field for field in definition.fields.values() if not field.nested)
    return tuple(ResolvedPath(field.name, definition.name, (), field) for field in fields)
