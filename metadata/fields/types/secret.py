"""Secrets: passwords and tokens that integrations need and nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar
from zoneinfo import ZoneInfo

from metadata.encryption import Sealed
from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    Flaw,
    JsonObject,
    Refused,
    Sample,
    Titles,
)
from metadata.fields.encrypted import Encrypted
from metadata.fields.file_inputs import SecretField
from metadata.fields.texts import as_text, refuse_controls

SHOWN = "•••"
MAX_LENGTH = 10_000
IS_SET: JsonObject = {"set": True}


class Hidden(str):
    """A secret: wherever it is shown it is only `•••`. What was read holds no text at all."""

    __slots__ = ("text",)

    text: str | None

    def __new__(cls, text: str | None = None) -> Hidden:
        """Gives a secret that is to be stored, or one that is there."""
        made = super().__new__(cls, SHOWN)
        made.text = text
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Hidden):
            return self.text == other.text
        return False if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not copied")


class Secret(Encrypted, FieldType):
    """A text that is stored encrypted and never shown: `{"set": true}` says that there is one.

    It can be replaced or cleared; programs get it through `Records.reveal` only.
    """

    name = "secret"
    is_write_only = True
    titles: ClassVar[Titles] = {"en": "Secret", "zh": "机密"}
    icon = "key-round"
    group = "more"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "crm": {"field": "secret"}},
            (("s3cret", IS_SET), (" a b ", IS_SET)),
            (5, {"set": True}, "a\x00b", "x" * (MAX_LENGTH + 1)),
        ),
    )
    input = SecretField
    parts = ("",)
    sort_part = ""
    unique_part = ""
    operators = ("is empty", "is not empty")
    cell = "secret"
    default_sensitivity = "personal"
    wire_schema: ClassVar[JsonObject] = {
        "type": "object",
        "properties": {"set": {"const": True}},
    }

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a new secret. `{"set": true}` is refused: there is nothing to store in it."""
        if isinstance(wire, Hidden):
            return wire
        if wire == IS_SET:
            raise Refused("secret_kept")
        text = as_text(wire).strip()
        if len(text) > MAX_LENGTH:
            raise Refused("max_length", limit=MAX_LENGTH, length=len(text))
        return Hidden(refuse_controls(text)) if text else None

    def to_secret(self, value: object, field: FieldDefinition) -> str:
        """Gives the text. Raises TypeError for a secret that was only read."""
        if not isinstance(value, Hidden) or value.text is None:
            raise TypeError(f"{field.name}: a secret that was read holds no text to store")
        return value.text

    def open(self, sealed: Sealed, field: FieldDefinition, opened: Callable[[], str]) -> object:
        """Gives that there is a secret; nothing is decrypted."""
        return Hidden()

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives that there is a secret."""
        return dict(IS_SET)

    def from_wire(self, wire: object, field: FieldDefinition) -> object:
        """Gives that there was a secret."""
        return Hidden()

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives what stands for it."""
        return SHOWN

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives nothing: a file of values holds no secrets."""
        return ""

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds keywords that would compare secrets."""
        for keyword in ("unique", "index"):
            if field.parameters.get(keyword) is True:
                yield Flaw(f"/crm/{keyword}", "secret_compared", {"keyword": keyword})


TYPE = Secret()
