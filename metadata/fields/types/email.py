"""Addresses of electronic mail."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition, JsonObject, Refused, Sample, Titles
from metadata.fields.inputs import EmailField
from metadata.fields.numbers import shown
from metadata.fields.texts import clean_line
from metadata.fields.types.text import Text

LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]+")
LABEL: Final = re.compile(r"[^\W_]([\w-]*[^\W_])?")
MAX_LOCAL_BYTES: Final = 64
MAX_ADDRESS_BYTES: Final = 254


def is_address(text: str) -> bool:
    """Says whether a text is a mailbox in dot-atom form (RFC 5321, 6531; no quoted local part)."""
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    return bool(
        at
        and LOCAL.fullmatch(local)
        and all(local.split("."))
        and len(local.encode()) <= MAX_LOCAL_BYTES
        and len(text.encode()) <= MAX_ADDRESS_BYTES
        and len(labels) > 1
        and all(LABEL.fullmatch(label) and len(label) <= 63 for label in labels)
    )


class Email(Text):
    """A mailbox; the domain is kept in small letters."""

    name = "email"
    titles: ClassVar[Titles] = {"en": "Email", "zh": "电子邮件"}
    icon = "mail"
    group = "texts"
    is_searched = True
    default_sensitivity = "personal"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "string", "format": "email"},
            (("Li.Wei@Example.COM ", "Li.Wei@example.com"),),
            ("a", "a@b", "a b@c.de", "a@@c.de", ".a@c.de", "@c.de", "a@-c.de", f"{'a' * 65}@c.de"),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"text", "long_text"})
    widens = conversions
    input = EmailField
    wire_schema: ClassVar[JsonObject] = {"type": "string", "format": "idn-email"}
    cell = "email"

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a mailbox."""
        text = clean_line(wire)
        if text is None:
            return None
        if not is_address(text):
            raise Refused("email", value=shown(text))
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"


TYPE = Email()
