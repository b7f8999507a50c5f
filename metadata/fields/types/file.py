"""One file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    JsonObject,
    Parameters,
    Sample,
    Titles,
)
from metadata.fields.file_inputs import FileField, FilesField
from metadata.fields.files import (
    FACTS,
    PARAMETERS,
    WIRE,
    FileLimits,
    StoredFile,
    file_to_wire,
    files_in,
    is_blank,
    limits_of,
    pack,
    read_file,
    told_file,
    unpack,
)
from metadata.fields.texts import folded

SAMPLE_ID = "0197b5c2-0000-7000-8000-000000000001"
SAMPLE_WIRE: JsonObject = {
    "id": SAMPLE_ID,
    "name": SAMPLE_ID,
    "media_type": "",
    "size": 0,
    "url": f"/files/{SAMPLE_ID}/{SAMPLE_ID}",
}


class File(FieldType):
    """One file that was uploaded before. Conditions see its name.

    On the wire `{"id", "name", "media_type", "size", "url"}`; on input the id, or such an object.
    """

    name = "file"
    holds_files = True
    titles: ClassVar[Titles] = {"en": "File", "zh": "文件"}
    icon: ClassVar[str] = "paperclip"
    group = "more"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "object", "crm": {"field": "file"}},
            (
                (SAMPLE_ID, SAMPLE_WIRE),
                ({"id": SAMPLE_ID.upper(), "name": "../etc/passwd"}, SAMPLE_WIRE),
            ),
            ("contract.pdf", 5, {"name": "a"}, ["a"]),
        ),
    )
    json_types: ClassVar[tuple[str, ...]] = ("object", "string")
    input: ClassVar[type[FilesField]] = FileField
    parts: ClassVar[tuple[str, ...]] = ("", "fold", FACTS)
    sort_part: ClassVar[str] = "fold"
    operators: ClassVar[tuple[str, ...]] = (
        *("contains", "starts with", "ends with"),
        *("is empty", "is not empty"),
    )
    cell: ClassVar[str] = "file"
    parameters: ClassVar[Parameters] = PARAMETERS
    wire_schema: ClassVar[JsonObject] = WIRE
    is_brief = False
    is_picture: ClassVar[bool] = False
    """Whether files are kept as pictures: checked, re-encoded, without what cameras add."""
    is_signed: ClassVar[bool] = False
    """Whether it is kept who put the file there, and when."""
    usual_media_types: ClassVar[tuple[str, ...]] = ()

    def limits(self, field: FieldDefinition) -> FileLimits:
        """Gives what the field accepts."""
        return limits_of(field, self.usual_media_types)

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the name, its folded companion, and which file it is."""
        if not isinstance(value, StoredFile):
            return dict.fromkeys(self.parts)
        return {"": value.name, "fold": folded(value.name), FACTS: pack([value])}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the file."""
        return next(iter(unpack(parts.get(FACTS))), None)

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an id, or an object with one."""
        return None if is_blank(wire) else read_file(wire)

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives what is known of the file; of a masked one what is left of its name."""
        return file_to_wire(value) if isinstance(value, StoredFile) else value

    def from_wire(self, wire: object, field: FieldDefinition) -> object:
        """Gives the file that was meant."""
        return told_file(wire) if isinstance(wire, Mapping) else wire

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the name."""
        return ", ".join(file.name for file in files_in(value)) or str(value)

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the id."""
        return ";".join(file.id for file in files_in(value))


TYPE = File()
