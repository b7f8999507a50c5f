"""The standard keyword `format` where no field type stands for it."""

from __future__ import annotations

from typing import Final

from jsonschema import FormatChecker

from metadata.fields.base import Check, FieldDefinition, Flaw, Refused
from rule_engine.types import Kind

CHECKED: Final = ("date", "email", "ipv4", "ipv6", "regex", "time", "uuid")
"""Formats that jsonschema knows without further libraries."""
CHECKER: Final = FormatChecker(CHECKED)
SHOWN_ONLY: Final = frozenset({"password"})
"""Formats that say how a value is shown, not which values there are."""


def format_checks(field: FieldDefinition, own: str | None) -> tuple[list[Check], list[Flaw]]:
    """Gives the check of a text's format, and what is wrong with one nobody knows.

    `own` is the field type that a format stands for: that type judges its values itself.
    """
    name = field.document.get("format")
    if name is None or own == field.type.name or field.type.has_options:
        return [], []
    if field.type.kind is not Kind.TEXT:
        values = {"keyword": "format", "field": field.type.name}
        return [], [Flaw("/format", "keyword_not_judged", values)]
    if name in SHOWN_ONLY:
        return [], []
    if name not in CHECKED:
        return [], [Flaw("/format", "unknown_format", {"name": name, "known": CHECKED})]

    def check(value: object) -> None:
        if not CHECKER.conforms(value, str(name)):
            raise Refused("format", format=name)

    return [check], []
