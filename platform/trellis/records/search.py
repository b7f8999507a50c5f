"""Keeps the search index in line with records, in the transaction that writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metadata.objects import ObjectDefinition
from metadata.prepared import Write
from metadata.search.entries import (
    drop_entries,
    entry_tokens,
    entry_writes,
    reindex,
    texts_of,
)
from metadata.search.fields import Fields
from trellis.records.written import Written
from trellis.unit import Unit


def search_entries(
    unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]
) -> Sequence[Write]:
    """Indexes records whose searched values are new or others and are all known."""
    fields = unit.catalog.searched.get(definition.name, ())
    last = last_writes(fields, writes)
    entries = [
        (record_id, entry_tokens(definition, fields, texts_of(fields, write.new)))
        for record_id, write in last.items()
        if write.new is not None and knows(write.new, fields)
    ]
    return entry_writes(unit.connection, definition, entries)


def follow_search(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Forgets deleted records, and indexes those of which only some searched values are known by
    what is stored of them."""
    fields = unit.catalog.searched.get(definition.name, ())
    last = last_writes(fields, writes)
    gone = [record_id for record_id, write in last.items() if write.new is None]
    if gone:
        drop_entries(unit.connection, definition, gone)
    kept = {key: write.new for key, write in last.items() if write.new is not None}
    partly = [key for key, new in kept.items() if not knows(new, fields)]
    reindex(unit.connection, unit.catalog, definition.name, partly)


def last_writes(fields: Fields, writes: Sequence[Written]) -> dict[str, Written]:
    """Gives the last write to each record that changes what the record is found by."""
    return {write.id: write for write in writes if concerns(write, fields)} if fields else {}


def knows(record: Mapping[str, object], fields: Fields) -> bool:
    """Says whether a record holds all that is searched of it."""
    return all(field.name in record for field in fields)


def concerns(write: Written, fields: Fields) -> bool:
    """Says whether a write changes what a record is found by."""
    created_or_gone = write.old is None or write.new is None
    return created_or_gone or any(write.differs(field.name) for field in fields)
