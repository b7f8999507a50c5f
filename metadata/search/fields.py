"""What of objects is found by searching."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final

from metadata.fields.base import FOLD, FieldDefinition
from metadata.objects import ObjectDefinition

TAG_CHARACTERS: Final = 8
TOKENS_VERSION: Final = 1
"""Another number makes every record be indexed again: for changes of what tokens look like."""

Fields = tuple[FieldDefinition, ...]


def searched_fields(objects: Mapping[str, ObjectDefinition]) -> dict[str, Fields]:
    """Gives the fields whose texts are in the index, by object, the name first.

    These are an object's name, those it lists in `search`, those another object lists over a
    reference, and those whose type is searched anyway (e-mail, phone). Encrypted ones never are,
    nor virtual ones, which have no column.
    """
    wanted = {name: dict.fromkeys(own_names(made)) for name, made in objects.items()}
    for definition in objects.values():
        for path in definition.search:
            target, name = end_of(objects, definition, path)
            if target in wanted:
                wanted[target][name] = None
    return {
        name: tuple(
            field
            for field in map(objects[name].fields.get, names)
            if field is not None and is_indexed(field)
        )
        for name, names in wanted.items()
    }


def own_names(definition: ObjectDefinition) -> Iterator[str]:
    """Gives the names of the fields that an object itself wants to be found by."""
    yield definition.name_field
    yield from (path for path in definition.search if "." not in path)
    yield from (field.name for field in definition.own_fields if field.type.is_searched)


def end_of(
    objects: Mapping[str, ObjectDefinition], definition: ObjectDefinition, path: str
) -> tuple[str, str]:
    """Gives the object and field a path over references leads to; ("", "") for none."""
    *steps, last = path.split(".")
    here: ObjectDefinition | None = definition
    for step in steps:
        field = here.fields.get(step) if here is not None else None
        here = objects.get(field.target or "") if field is not None else None
    return (here.name, last) if here is not None and steps else ("", "")


def is_indexed(field: FieldDefinition) -> bool:
    """Says whether a field can be searched at all: it has a folded text in a column."""
    return FOLD in field.type.parts and not (field.type.is_sealed or field.virtual)


@lru_cache(maxsize=4_096)
def tag_of(object_id: str, field_id: str) -> str:
    """Gives what each token of a field begins with: 40 bits that tell it from the others."""
    digest = sha256(f"{object_id}/{field_id}".encode()).digest()
    return base64.b32encode(digest)[:TAG_CHARACTERS].decode().lower()


def wanted_digest(fields: Sequence[FieldDefinition]) -> str:
    """Gives what tells whether an index still holds what the definitions want."""
    known = [
        (field.id, field.column, field.type.name, field.document if field.computed else None)
        for field in fields
    ]
    return sha256(repr((TOKENS_VERSION, known)).encode()).hexdigest()[:16]
