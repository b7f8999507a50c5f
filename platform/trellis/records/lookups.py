"""Filtered lookups: a reference may only lead to records for which its `filter` holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from metadata.conditions import filter_fields
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.query import QueryProblem, This
from trellis.records.incoming import pointer
from trellis.records.links import Links
from trellis.records.nested import Nested
from trellis.unit import Unit

logger = logging.getLogger(__name__)

Record = Mapping[str, object]


def lookup_problems(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    nested: Nested | None = None,
) -> Iterator[Problem]:
    """Gives the references that lead where their filters do not let them.

    Asked with the rights of who saves, and only of references that change, or whose filter looks
    at a field of the record that changes; and of links that are new (`nested`).
    """
    for part in nested.parts if nested is not None else ():
        if isinstance(part, Links) and part.field.text("filter") is not None:
            for one in part.wanted:
                if one.id is None and not may_refer(
                    unit, definition, part.field, record, one.target
                ):
                    place = pointer(part.field.name, str(one.place))
                    yield Problem(place, "lookup_filter", {"field": part.field.name})
    for field in definition.references:
        text = field.text("filter")
        value = record.get(field.name)
        if text is None or value is None:
            continue
        if old is not None and not touches(unit, definition, field, record, old):
            continue
        if not may_refer(unit, definition, field, record, str(value)):
            yield Problem(pointer(field.name), "lookup_filter", {"field": field.name})


def lookup_target(field: FieldDefinition) -> str | None:
    """Gives the object whose records a reference or a list of links may lead to."""
    return field.target or field.text("to")


def touches(
    unit: Unit, definition: ObjectDefinition, field: FieldDefinition, record: Record, old: Record
) -> bool:
    """Says whether a save changes a reference, or what its filter looks at."""
    names = this_fields(unit, definition, field)
    return any(record.get(name) != old.get(name) for name in (field.name, *names))


def this_fields(
    unit: Unit, definition: ObjectDefinition, field: FieldDefinition
) -> tuple[str, ...]:
    """Gives the fields of the record being edited that a reference's filter looks at."""
    text, target = field.text("filter"), lookup_target(field)
    if text is None or target is None:
        return ()
    schema = unit.catalog.schema
    return unit.catalog.queries.get(
        ("lookup_filter", definition.name, field.name),
        tuple,
        lambda: filter_fields(text, schema, target, definition.name),
    )


def may_refer(
    unit: Unit, definition: ObjectDefinition, field: FieldDefinition, record: Record, value: str
) -> bool:
    """Says whether the filter lets a record refer to another, as the principal may see both."""
    this = This(definition.name, record)
    try:
        page = unit.records().list(
            str(lookup_target(field)),
            fields=["id"],
            filter=field.text("filter"),
            match={"id": value},
            limit=1,
            this=this,
        )
    except QueryProblem as error:
        # It names what this principal may not see: whatever it lets through would tell of it.
        logger.warning(
            "the filter of %s.%s lets nothing pass: %s", definition.name, field.name, error
        )
        return False
    return bool(page.items)
