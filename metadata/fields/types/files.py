"""Several files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import UTC, FieldDefinition, JsonObject, Sample, Titles
from metadata.fields.file_inputs import FilesField
from metadata.fields.files import (
    FACTS,
    WIRE,
    StoredFiles,
    file_to_wire,
    pack,
    read_files,
    told_file,
    unpack,
)
from metadata.fields.types.file import SAMPLE_ID, SAMPLE_WIRE, File
from metadata.json_text import sequence
from rule_engine.columns import Choices
from rule_engine.types import Kind


class Files(File):
    """Files that were uploaded before, in an order; `maxItems` says how many at most.

    Conditions see the set of their names: `count(photos)`, `photos contains "plan.pdf"`.
    """

    name = "files"
    titles: ClassVar[Titles] = {"en": "Files", "zh": "多个文件"}
    icon = "files"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "array", "crm": {"field": "files"}},
            (([SAMPLE_ID], [SAMPLE_WIRE]), (f"{SAMPLE_ID};{SAMPLE_ID}", [SAMPLE_WIRE])),
            ("contract.pdf", 5, [{"name": "a"}]),
        ),
    )
    json_types = ("array",)
    input = FilesField
    kind = Kind.CHOICES
    parts = ("", FACTS)
    sort_part = ""
    operators = ("contains", "is empty", "is not empty")
    cell = "files"
    keywords = frozenset({"minItems", "maxItems"})

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the type of the column that holds the names."""
        return Choices()

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the names, and which files they are."""
        if not isinstance(value, StoredFiles):
            return dict.fromkeys(self.parts)
        return {"": [file.name for file in value.items], FACTS: pack(value.items)}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the files in their order."""
        found = StoredFiles(unpack(parts.get(FACTS)))
        return found if found.items else None

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a list of ids, or of objects with one."""
        return None if wire is None else read_files(wire)

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives what is known of the files."""
        if not isinstance(value, StoredFiles):
            return value
        return [file_to_wire(file) for file in value.items]

    def from_wire(self, wire: object, field: FieldDefinition) -> object:
        """Gives the files that were meant."""
        return StoredFiles(map(told_file, sequence(wire)))

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the schema of a list of files."""
        schema: JsonObject = {"type": "array", "items": dict(WIRE)}
        return dict(schema)


TYPE = Files()
