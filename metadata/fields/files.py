"""Files as values: their names, with which stored file each one is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from metadata.fields.base import FieldDefinition, JsonObject, Parameters, Refused
from metadata.json_text import mapping, strings

MAX_FILE_BYTES: Final = 1 << 30
USUAL_FILE_BYTES: Final = 25 << 20
"""What a field takes whose definition does not say."""

MEDIA_TYPE: Final = r"^[a-z]+/(\*|[a-z0-9.+-]+)$"
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
FACTS: Final = "file"
"""The part that holds which files they are; the main one holds the names, for conditions."""

PARAMETERS: Final[Parameters] = {
    "max_bytes": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_FILE_BYTES,
        "description": "Most bytes of one file",
    },
    "media_types": {
        "description": "What may be uploaded, by media type: `application/pdf`, `image/*`",
        "type": "array",
        "items": {"type": "string", "pattern": MEDIA_TYPE},
        "minItems": 1,
        "maxItems": 50,
    },
}
WIRE: Final[JsonObject] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string"},
        "media_type": {"type": "string"},
        "size": {"type": "integer"},
        "url": {"type": "string"},
        "signed_by": {"type": "string"},
        "signed_at": {"type": "string", "format": "date-time"},
    },
}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a stored file; `size` in bytes, `media_type` as found in its content.

    `signed_by` (a user's id) and `signed_at` (an instant in wire form) belong to signatures.
    """

    id: str
    name: str = ""
    media_type: str = ""
    size: int = 0
    signed_by: str | None = None
    signed_at: str | None = None


class StoredFile(str):
    """The name of a file, as conditions see it; two are the same when they are the same file."""

    __slots__ = ("facts",)

    facts: FileFacts

    def __new__(cls, facts: FileFacts) -> StoredFile:
        """Gives a file. One that nobody has looked up yet goes by its id."""
        made = super().__new__(cls, facts.name or facts.id)
        made.facts = facts
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StoredFile):
            return self.facts.id == other.facts.id
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    @property
    def id(self) -> str:
        """Gives the id."""
        return self.facts.id

    @property
    def name(self) -> str:
        """Gives the name as plain text."""
        return str.__str__(self)

    @property
    def url(self) -> str:
        """Gives where the file is to be had, by those who may."""
        return f"/files/{self.id}/{quote(self.name, safe='')}"

    @property
    def is_image(self) -> bool:
        """Says whether browsers show it: only what was re-encoded here counts."""
        return self.facts.media_type.startswith("image/")

    def __reduce__(self) -> tuple[type[StoredFile], tuple[FileFacts]]:
        return StoredFile, (self.facts,)


class StoredFiles(frozenset[str]):
    """Several files: for conditions the set of their names, in `items` in their order."""

    items: tuple[StoredFile, ...]

    def __new__(cls, items: Iterable[StoredFile]) -> StoredFiles:
        """Gives files, each once."""
        kept = {item.id: item for item in items}
        made = super().__new__(cls, kept.values())
        made.items = tuple(kept.values())
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StoredFiles):
            return [one.id for one in self.items] == [one.id for one in other.items]
        return frozenset.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = frozenset.__hash__


def files_in(value: object) -> tuple[StoredFile, ...]:
    """Gives the files of a value of any type of files; of everything else none."""
    if isinstance(value, StoredFile):
        return (value,)
    return value.items if isinstance(value, StoredFiles) else ()


def is_blank(wire: object) -> bool:
    """Says whether there is nothing to read."""
    return wire is None or (isinstance(wire, str) and not wire.strip())


def read_file(wire: object) -> StoredFile:
    """Reads an id, or an object with one; whatever else it says is looked up, not believed."""
    if isinstance(wire, StoredFile):
        return wire
    found = wire.get("id") if isinstance(wire, Mapping) else wire
    text = found.strip().lower() if isinstance(found, str) else ""
    if not UUID.fullmatch(text):
        raise Refused("file_expected")
    return StoredFile(FileFacts(text))


def read_files(wire: object) -> StoredFiles | None:
    """Reads a list of files, or their ids with `;` between them; none gives None."""
    if isinstance(wire, StoredFiles):
        return wire
    if isinstance(wire, str):
        wire = [part for part in wire.split(";") if part.strip()]
    items = wire if isinstance(wire, Sequence) else [wire]
    found = StoredFiles(read_file(item) for item in items if not is_blank(item))
    return found if found.items else None


def file_to_wire(file: StoredFile) -> dict[str, object]:
    """Gives the JSON form of a file."""
    facts = file.facts
    signed = {"signed_by": facts.signed_by, "signed_at": facts.signed_at}
    return {
        "id": facts.id,
        "name": file.name,
        "media_type": facts.media_type,
        "size": facts.size,
        "url": file.url,
        **{name: value for name, value in signed.items() if value is not None},
    }


def told_file(wire: object) -> StoredFile:
    """Gives a file out of its wire form, which is believed: it comes out of our own history."""
    told = mapping(wire)
    known = {name: told[name] for name in FileFacts.__slots__ if name in told}
    return StoredFile(FileFacts(**known))  # type: ignore[arg-type]  # as `file_to_wire` wrote them


def pack(files: Iterable[StoredFile]) -> str:
    """Gives the text that keeps which files they are."""
    rows = [
        {name: value for name, value in fields_of(file.facts) if value is not None}
        for file in files
    ]
    return json.dumps(rows, ensure_ascii=False)


def fields_of(facts: FileFacts) -> Iterator[tuple[str, object]]:
    """Gives the facts by name."""
    return ((name, getattr(facts, name)) for name in FileFacts.__slots__)


def unpack(text: object) -> tuple[StoredFile, ...]:
    """Gives the files of a packed text."""
    rows = json.loads(str(text)) if text else []
    return tuple(StoredFile(FileFacts(**row)) for row in rows)


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What a field accepts: at most so many bytes, and media types such as `image/*` (() all)."""

    max_bytes: int = USUAL_FILE_BYTES
    media_types: tuple[str, ...] = ()

    def accepts(self, media_type: str) -> bool:
        """Says whether a media type is among the accepted ones."""
        family = f"{media_type.partition('/')[0]}/*"
        return not self.media_types or bool({media_type, family} & {*self.media_types})


def limits_of(field: FieldDefinition, usual: tuple[str, ...] = ()) -> FileLimits:
    """Gives what a field's definition accepts; `usual` media types where it says nothing."""
    media_types = strings(field.parameters.get("media_types")) or usual
    return FileLimits(field.number("max_bytes", USUAL_FILE_BYTES), tuple(media_types))
