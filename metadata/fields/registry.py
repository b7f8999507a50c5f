"""The field types there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from metadata.fields.base import FieldType
from metadata.kinds import load_kinds


@cache
def field_types() -> Mapping[str, FieldType]:
    """Gives all field types by name: the built-in ones and those of installed distributions."""
    found = load_kinds(
        "metadata.fields.types",
        FieldType,  # type: ignore[type-abstract]  # only asked whether members are instances
        group="trellis.field_types",
    )
    return MappingProxyType(found)


@cache
def offered_types() -> Mapping[str, FieldType]:
    """Gives the field types that definitions may name."""
    found = {name: kind for name, kind in field_types().items() if kind.is_offered}
    return MappingProxyType(found)
