"""Field types whose values are stored encrypted: made from any type that is `encryptable`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

import sqlalchemy as sa

from metadata.encryption import Cipher, Place, Sealed, SealedText
from metadata.fields.base import FieldDefinition, FieldType, Refused

INDEX = "index"
"""The part that holds the blind index."""


class Encrypted(FieldType):
    """Mixed into a field type: the main column is sealed, a second one serves equality.

    `to_parts` and `from_parts` refuse: values pass through `metadata.columns`, which has the
    cipher.
    """

    is_sealed: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("", INDEX)
    sort_part: ClassVar[str] = INDEX
    unique_part: ClassVar[str] = INDEX
    operators: ClassVar[tuple[str, ...]] = (
        *("=", "!=", "in", "not in"),
        *("is empty", "is not empty"),
    )

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the type that takes nothing but sealed values."""
        return SealedText()

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Raises TypeError for any value: it takes a cipher to store it."""
        if value is None:
            return dict.fromkeys(self.parts)
        raise TypeError(f"{field.name} is encrypted: write it through metadata.columns")

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Raises TypeError for any value: it takes a cipher to read it."""
        if parts.get("") is None:
            return None
        raise TypeError(f"{field.name} is encrypted: read it through metadata.columns")

    def seal(
        self, value: object, field: FieldDefinition, cipher: Cipher, place: Place
    ) -> dict[str, object]:
        """Gives the columns' values by part."""
        return self.seal_text(self.to_secret(value, field), cipher, place)

    def seal_text(self, text: str, cipher: Cipher, place: Place) -> dict[str, object]:
        """Gives the columns' values by part for what `to_secret` gave."""
        index = {INDEX: cipher.index(text, index_name(place))} if INDEX in self.parts else {}
        return {"": cipher.seal(text, place), **index}

    def open(self, sealed: Sealed, field: FieldDefinition, opened: Callable[[], str]) -> object:
        """Gives the value; `opened` decrypts it when it is called."""
        return self.from_secret(opened(), field)

    def to_secret(self, value: object, field: FieldDefinition) -> str:
        """Gives the text that is encrypted and indexed: the wire form as JSON."""
        return json.dumps(self.to_wire(value, field), ensure_ascii=False, sort_keys=True)

    def from_secret(self, text: str, field: FieldDefinition) -> object:
        """Gives the value of such a text, also when the definition would refuse it by now."""
        wire = json.loads(text)
        try:
            return self.coerce(wire, field)
        except Refused:
            return wire


@cache
def encrypted(kind: FieldType) -> FieldType:
    """Gives the type that reads and shows values as `kind` does and stores them sealed."""
    plain = type(kind)
    made: Any = type(f"Encrypted{plain.__name__}", (Encrypted, plain), {"__doc__": plain.__doc__})
    result: FieldType = made()
    return result


def index_name(place: Place) -> str:
    """Gives what the blind index key of a field is made for."""
    return f"{place.scope}.{place.field}"
