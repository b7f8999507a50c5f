"""Keeps the search index in line with records, in the transaction that writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metadata.objects import ObjectDefinition
from metadata.search.entries import (
    Entry,
    drop_entries,
    entry_tokens,
    put_entries,
    reindex,
    texts_of,
)
from metadata.search.fields import Fields
from trellis.records.written import Written
from trellis.unit import Unit


def follow_search(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Indexes records whose searched values are new or others, and forgets deleted ones."""
    fields = unit.catalog.searched.get(definition.name, ())
    if not fields:
        return
    last = {write.id: write for write in writes if concerns(write, fields)}
    gone = [record_id for record_id, write in last.items() if write.new is None]
    if gone:
        drop_entries(unit.connection, definition, gone)
    left = {key: write.new for key, write in last.items() if write.new is not None}
    whole = {key: new for key, new in left.items() if all(one.name in new for one in fields)}
    put_entries(unit.connection, definition, made(definition, fields, whole))
    partly = [key for key in left if key not in whole]
    reindex(unit.connection, unit.catalog, definition.name, partly)


def concerns(write: Written, fields: Fields) -> bool:
    """Says whether a write changes what a record is found by."""
    created_or_gone = write.old is None or write.new is None
    return created_or_gone or any(write.differs(field.name) for field in fields)


def made(
    definition: ObjectDefinition, fields: Fields, records: Mapping[str, Mapping[str, object]]
) -> list[Entry]:
    """Gives the entries of records by their values."""
    return [
        (record_id, entry_tokens(definition, fields, texts_of(fields, record)))
        for record_id, record in records.items()
    ]
