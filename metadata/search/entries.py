"""Rows of the index: which tokens a record has, and writing them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.fields.base import FOLD, physical_name
from metadata.objects import ObjectDefinition
from metadata.prepared import Prepared, Write, write_all
from metadata.search.fields import Fields, tag_of
from metadata.search.tables import SEARCH_ENTRY
from metadata.search.tokens import tokens_of

if TYPE_CHECKING:
    from metadata.catalog import Catalog

MAX_ENTRY_BYTES: Final = 262_144
"""Of one record's tokens; a tsvector takes a megabyte. The fields come in order, the name first."""
ENTRY: Final = SEARCH_ENTRY.c

Texts = Mapping[str, str | None]
"""Folded texts by field."""
Entry = tuple[str, str]
"""A record's id and its tokens."""


def texts_of(fields: Fields, record: Mapping[str, object]) -> Texts:
    """Gives what of a record's values is searched."""
    found: dict[str, str | None] = {}
    for field in fields:
        text = field.type.to_parts(record.get(field.name), field).get(FOLD)
        found[field.name] = text if isinstance(text, str) else None
    return found


def entry_tokens(definition: ObjectDefinition, fields: Fields, texts: Texts) -> str:
    """Gives the tokens of a record, each with the tag of its field, as one text."""
    found: dict[str, None] = {}
    left = MAX_ENTRY_BYTES
    for token in tagged(definition, fields, texts):
        if token not in found:
            left -= len(token.encode()) + 1
            if left < 0:
                break
            found[token] = None
    return " ".join(found)


def tagged(definition: ObjectDefinition, fields: Fields, texts: Texts) -> Iterator[str]:
    """Gives the tokens of a record's texts, field by field."""
    for field in fields:
        text = texts.get(field.name)
        if text:
            tag = tag_of(definition.id, field.id)
            yield from (tag + token for token in tokens_of(text))


def stored_entries(
    connection: sa.Connection,
    definition: ObjectDefinition,
    fields: Fields,
    table: sa.Table,
    chosen: sa.Select[tuple[str]],
) -> list[Entry]:
    """Gives what should be in the index for records as they are stored; `chosen` selects their
    ids from `table`.

    On PostgreSQL nobody changes them before the transaction ends.
    """
    columns = [table.c[physical_name(field.column, FOLD)] for field in fields]
    rows = connection.execute(chosen.add_columns(*columns).with_for_update(read=True)).all()
    names = [field.name for field in fields]
    return [
        (row[0], entry_tokens(definition, fields, dict(zip(names, row[1:], strict=True))))
        for row in rows
    ]


def reindex(
    connection: sa.Connection, catalog: Catalog, object_name: str, ids: Collection[str]
) -> None:
    """Brings the entries of living records in line with what is stored of them."""
    fields = catalog.searched.get(object_name, ())
    if fields and ids:
        definition, table = catalog.objects[object_name], catalog.tables[object_name]
        chosen = sa.select(table.c.id).where(table.c.id.in_(ids), table.c.deleted_at.is_(None))
        entries = stored_entries(connection, definition, fields, table, chosen)
        write_all(connection, entry_writes(connection, definition, entries))


def entry_writes(
    connection: sa.Connection, definition: ObjectDefinition, entries: Sequence[Entry]
) -> Sequence[Write]:
    """Gives what writes rows of the index, over those that are there."""
    rows = [
        {"object": definition.id, "record": record, "tokens": tokens} for record, tokens in entries
    ]
    return ((UPSERTS[connection.dialect.name], rows),) if rows else ()


def upsert(dialect: str) -> sa.Insert:
    """Gives the statement that writes rows over those that are there."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    made = insert(SEARCH_ENTRY).inline()
    tokens = made.excluded.tokens
    return made.on_conflict_do_update(
        index_elements=[ENTRY.record, ENTRY.object],
        set_={"tokens": tokens},
        where=ENTRY.tokens != tokens,
    )


UPSERTS: Final = {
    dialect: Prepared(upsert(dialect), ("object", "record", "tokens"))
    for dialect in ("sqlite", "postgresql")
}


def drop_entries(
    connection: sa.Connection, definition: ObjectDefinition, ids: Collection[str]
) -> None:
    """Takes records out of the index."""
    among = ENTRY.record.in_(sa.bindparam("ids", expanding=True))
    statement = sa.delete(SEARCH_ENTRY).where(ENTRY.object == definition.id, among)
    connection.execute(statement, {"ids": sorted(ids)})
