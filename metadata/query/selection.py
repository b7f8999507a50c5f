"""What a statement selects, and how its rows become records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.fields.base import FieldDefinition
from metadata.objects import ObjectDefinition
from metadata.query.mask import mask
from metadata.query.paths import ResolvedPath, Source

FOLD = "fold"
OWN_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Reader:
    """Where one path's value stands in a row: its parts from `start` on."""

    path: ResolvedPath
    start: int
    parts: tuple[str, ...]

    def read(self, row: Sequence[Any]) -> object:
        """Gives the value, masked where the principal may see it only in part."""
        field = self.path.field
        parts = {part: row[self.start + place] for place, part in enumerate(self.parts)}
        value = None if parts[""] is None else field.type.from_parts(parts, field)
        return mask(value, field.text("mask")) if self.path.masked else value


class Selection:
    """The columns behind some paths; a row starts with the record's id and version."""

    def __init__(self, source: Source, paths: Sequence[ResolvedPath]) -> None:
        columns: list[sa.ColumnElement[Any]] = [source.root.c.id, source.root.c.version]
        self.readers: list[Reader] = []
        for path in paths:
            parts = value_parts(path.field)
            self.readers.append(Reader(path, len(columns), parts))
            columns.extend(source.column(path, part) for part in parts)
        self.columns = [column.label(f"c{place}") for place, column in enumerate(columns)]

    def read(self, row: Sequence[Any]) -> dict[str, object]:
        """Gives a row as a record by path, with `id` and `version`."""
        record: dict[str, object] = {reader.path.text: reader.read(row) for reader in self.readers}
        record["id"] = row[0]
        record["version"] = int(row[1])
        return record


def value_parts(field: FieldDefinition) -> tuple[str, ...]:
    """Gives the parts a value is made of; the folded companion only serves order and search."""
    return tuple(part for part in field.type.parts if part != FOLD)


def whole_record(definition: ObjectDefinition) -> tuple[ResolvedPath, ...]:
    """Gives the paths of all of an object's own fields."""
    fields = definition.fields.items()
    return tuple(ResolvedPath(name, definition.name, (), field) for name, field in fields)
