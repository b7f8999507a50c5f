"""Records as rows of a file, as somebody sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from metadata.fields.base import FieldDefinition
from metadata.fields.nested import rows_of
from metadata.objects import LinkDefinition
from metadata.wire import find_field
from rule_engine.types import Kind
from trellis.transfer.json_lines import plain
from trellis.unit import Unit

Record = Mapping[str, object]
MAX_EXACT_DIGITS = 15
"""So many digits a number in a workbook keeps."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One column: its field, whether values are seen whole, and the path of a reference's name."""

    path: str
    field: FieldDefinition
    is_whole: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of an export, seen by the acting person.

    `exact` writes what an import reads back; otherwise people read it: labels, names of records
    and amounts in words of `language` and times of `zone`.
    """

    unit: Unit
    object_name: str
    paths: Sequence[str]
    exact: bool
    format: str
    language: str
    zone: ZoneInfo

    def headers(self) -> list[str]:
        """Gives the names of the columns: paths, or labels, of which none is twice."""
        if self.exact or self.format == "jsonl":
            return list(self.paths)
        made: list[str] = []
        for path in self.paths:
            label = self._label(path)
            made.append(label if label not in made else f"{label} ({path})")
        return made

    def read(self, ids: Sequence[str]) -> list[list[object]]:
        """Gives rows for the records among `ids` that may be exported, in that order."""
        records = self.unit.records()
        columns = [self._column(path) for path in self.paths]
        allowed = records.within(self.object_name, ids, "export")
        wanted = [record_id for record_id in ids if record_id in allowed]
        nested = [one.path for one in columns if one.field.nested]
        plain_paths = [one.path for one in columns if not one.field.nested]
        names = [one.name for one in columns if one.name is not None]
        paths = list(dict.fromkeys([*plain_paths, *names]))
        found = records.by_ids(self.object_name, wanted, paths)
        rows = {name: records.nested(self.object_name, name, wanted) for name in nested}
        made = []
        for record_id in wanted:
            record = found.get(record_id)
            if record is not None:
                record.update({name: rows[name].get(record_id) for name in nested})
                made.append([self._cell(one, record) for one in columns])
        return made

    def _column(self, path: str) -> Exported:
        objects = self.unit.catalog.objects
        field = find_field(objects[self.object_name], path, objects)
        is_plain = self.exact or self.format == "jsonl"
        name = None if is_plain else self._name_path(path, field)
        return Exported(path, field, self._reads(path), name)

    def _cell(self, column: Exported, record: Record) -> object:
        value, field = record.get(column.path), column.field
        if value is None:
            return None if self.format == "jsonl" else ""
        if not column.is_whole:
            # What is seen in part is a text already, whatever its field holds.
            return str(value)
        if field.nested:
            return self._nested(column.path, value)
        if self.format == "jsonl":
            return plain(field.type.to_wire(value, field))
        if self.exact:
            return field.type.export(value, field)
        return self._shown(column, value, record)

    def _shown(self, column: Exported, value: object, record: Record) -> object:
        field = column.field
        if column.name is not None:
            return str(record.get(column.name) or value)
        if isinstance(value, Decimal) and self.format == "xlsx":
            is_exact = len(value.as_tuple().digits) <= MAX_EXACT_DIGITS
            return float(value) if is_exact else str(value)
        if field.type.kind in (Kind.NUMBER, Kind.DATE, Kind.CLOCK_LENGTH, Kind.TIME):
            return field.type.export(value, field)
        return field.type.display(value, field, self.language, self.zone)

    def _nested(self, path: str, value: object) -> object:
        link = self.unit.catalog.children(self.object_name)[path]
        field = self.unit.catalog.objects[self.object_name].fields[path]
        rows = [self._row(link, row) for row in rows_of(value)]
        if self.format == "jsonl":
            return plain(field.type.to_wire(rows, field) if link.beyond is not None else rows)
        if self.exact or link.beyond is None:
            return field.type.export([plain(row) for row in rows], field)
        return "; ".join(str(row.get("name") or row["id"]) for row in rows)

    def _row(self, link: LinkDefinition, row: Record) -> dict[str, object]:
        fields, access = (
            self.unit.catalog.objects[link.target].fields,
            self.unit.principal.access(link.target),
        )
        made: dict[str, object] = {}
        for name, value in row.items():
            known = fields.get(name)
            if name in ("id", "name") and link.beyond is not None:
                made[name] = value
            elif known is not None and not known.system and name != "id" and self._keeps(known):
                is_whole = value is not None and access.reads(name)
                made[name] = known.type.to_wire(value, known) if is_whole else value
        return made

    def _keeps(self, field: FieldDefinition) -> bool:
        """Says whether a field of a row is written: what an import could not set is left out of
        what it reads back."""
        return field.writable or not self.exact

    def _reads(self, path: str) -> bool:
        here = self.object_name
        *steps, last = path.split(".")
        for step in steps:
            here = str(self.unit.catalog.objects[here].fields[step].target)
        return self.unit.principal.access(here).reads(last)

    def _name_path(self, path: str, field: FieldDefinition) -> str | None:
        target = self.unit.catalog.objects.get(field.target or "")
        if target is None:
            return None
        name = f"{path}.{target.name_field}"
        return None if self.unit.records().check(self.object_name, fields=[name]) else name

    def _label(self, path: str) -> str:
        here, labels = self.unit.catalog.objects[self.object_name], []
        for step in path.split("."):
            field = here.fields[step]
            labels.append(field.label(self.language))
            here = self.unit.catalog.objects.get(str(field.target), here)
        return " › ".join(labels)
