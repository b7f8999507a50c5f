"""Whose a record is: the columns that say so, with the part of a right that lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metadata.fields.base import FieldDefinition
from metadata.objects import ObjectDefinition

TERRITORY: Final = "territory"
"""The object of territories."""
OWNERSHIP: Final = (("owner", "owners"), ("owner_team", "teams"), ("owner_queue", "queues"))


def territory_field(definition: ObjectDefinition) -> FieldDefinition | None:
    """Gives the field that says in which territory a record lies: the first reference to
    `territory` in the definition; None where no field does."""
    if definition.name == TERRITORY or definition.link_of is not None:
        return None
    references = (
        field
        for field in definition.own_fields
        if field.target == TERRITORY and not (field.virtual or field.nested)
    )
    return next(references, None)


def holding_columns(definition: ObjectDefinition) -> Iterator[tuple[str, str]]:
    """Gives the columns of an object that say whose a row is, each with its part of `Rows`."""
    if definition.owner:
        yield from OWNERSHIP
    field = territory_field(definition)
    if field is not None:
        yield field.column, "territories"
