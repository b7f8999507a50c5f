"""Whether stored values of a field are values of what the field becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from metadata.ddl import columns_of
from metadata.fields.base import FieldDefinition
from metadata.fields.read import read_field
from metadata.fields.registry import offered_types
from metadata.stored import Document

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Fit(Enum):
    """How stored values relate to another definition of their field."""

    SAME = auto()
    """They stay where they are."""
    CONVERTS = auto()
    """They move to a new column in another form."""
    NONE = auto()
    """They cannot become values of it."""


def read_alone(document: Document) -> FieldDefinition | None:
    """Gives a property as a field by itself; None for one that cannot be read."""
    found, _ = read_field(
        "value",
        document,
        offered_types(),
        holder="",
        identity="",
        package="",
        required=False,
    )
    return found


def type_of(document: Document) -> str:
    """Gives the name of a property's field type; "" for one that cannot be read."""
    found = read_alone(document)
    return found.type.name if found is not None else ""


def fit_of(before: Document, after: Document, former: Mapping[str, str] = NOTHING) -> Fit:
    """Says what a changed definition means for the values that are there.

    `former` are the names that objects had until now, by those of now.
    """
    if before == after:
        return Fit.SAME
    old, new = read_alone(before), read_alone(after)
    if old is None or new is None:
        return Fit.SAME  # what cannot be read is a problem of its own
    if old.nested or new.nested:
        led = new.text("to") or ""
        alike = new.type.name == old.type.name and former.get(led, led) == old.text("to")
        return Fit.SAME if alike else Fit.NONE
    target = former.get(new.target or "", new.target)
    if not columns_of(old) or is_same(old, new, target):
        return Fit.SAME
    if old.computed and new.virtual:
        return Fit.SAME  # its column is left alone meanwhile
    if new.computed or can_convert(old, new, target):
        return Fit.CONVERTS
    return Fit.NONE


def is_same(old: FieldDefinition, new: FieldDefinition, target: str | None) -> bool:
    """Says whether values mean the same in both."""
    if new.computed and not old.computed:
        return False
    is_wide = new.type.name == old.type.name or new.type.name in old.type.widens
    return is_wide and old.target == target and storage(old) == storage(new)


def can_convert(old: FieldDefinition, new: FieldDefinition, target: str | None) -> bool:
    """Says whether a field's type tells how its values become values of another."""
    if new.type.name == old.type.name:
        return old.target == target
    return new.type.name in old.type.conversions


def storage(definition: FieldDefinition) -> tuple[object, ...]:
    """Gives what two types must share so that stored values mean the same in both."""
    alike = replace(definition, column="value")
    columns = tuple((column.name, kept_as(column.type)) for column in columns_of(alike))
    return (*columns, definition.type.rule_type(definition).kind)


def kept_as(column_type: sa.types.TypeEngine[Any]) -> tuple[str, int | None]:
    """Gives what decides how a column's values are read."""
    return repr(column_type), getattr(column_type, "scale", None)
