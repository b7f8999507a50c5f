"""The one form of a row over which hashes and marks are made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import sqlalchemy as sa

from metadata.encryption import find_cipher
from trellis.audit.verify import canonical_text

#: What a mark is made for; no field of a record has such a name.
PURPOSE = "audit mark"


def canonical(source: str, row: Mapping[str, object]) -> str:
    """Gives a row of a table as text: JSON with sorted keys, instants in wire form.

    The mark, which is made from the rest, is left out.
    """
    kept = {name: plain(value) for name, value in row.items() if name != "mark"}
    return canonical_text(source, kept)


def plain(value: object) -> object:
    """Gives a column's value as JSON."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def marked(
    connection: sa.Connection, table: sa.Table, row: Mapping[str, object]
) -> dict[str, object]:
    """Gives a row to insert with the mark by which the sequencer knows that we wrote it.

    It is a keyed hash: who can write into the database but has no key of the instance cannot make
    one. Without keys there are no marks.
    """
    cipher = find_cipher(connection)
    if cipher is None:
        return {**row, "mark": None}
    whole = {name: row.get(name) for name in names_of(table)}
    return {**row, "mark": cipher.index(canonical(table.name, whole), PURPOSE)}


@cache
def names_of(table: sa.Table) -> tuple[str, ...]:
    """Gives the names of a table's columns; SQLAlchemy makes them anew each time."""
    return tuple(table.columns.keys())


def has_mark(connection: sa.Connection, text: str, mark: object) -> bool:
    """Says whether a mark fits the canonical form of a row, by any key of the instance."""
    cipher = find_cipher(connection)
    return cipher is None or mark in cipher.indexes(text, PURPOSE)
