"""Bringing the index in line with records and definitions: in steps, so that nobody waits.

What an object's index was made for is kept as a digest. When the definition wants something else
(fields, their formulas, other tokens), all its records are indexed again, a batch per transaction;
records that are saved meanwhile are indexed by their save.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.prepared import write_all
from metadata.search.entries import ENTRY, Entry, entry_writes, stored_entries
from metadata.search.fields import Fields, wanted_digest
from metadata.search.tables import SEARCH_ENTRY, SEARCH_STATE, renew_index

if TYPE_CHECKING:
    from metadata.catalog import Catalog

BATCH: Final = 500
STATE: Final = SEARCH_STATE.c


@dataclass(frozen=True, slots=True)
class Behind:
    """An object whose index is to be made; `reached` is the record after which it goes on."""

    definition: ObjectDefinition
    fields: Fields
    wanted: str
    reached: str | None


def objects_behind(connection: sa.Connection, catalog: Catalog) -> Iterator[Behind]:
    """Gives the objects whose index is not what their definitions want."""
    states = {row.object: row for row in connection.execute(sa.select(SEARCH_STATE))}
    for name, fields in catalog.searched.items():
        definition, wanted = catalog.objects[name], wanted_digest(fields)
        state = states.get(definition.id)
        if state is None or state.wanted != wanted:
            yield Behind(definition, fields, wanted, None)
        elif not state.done:
            yield Behind(definition, fields, wanted, state.reached)


def forget_objects(connection: sa.Connection, catalog: Catalog) -> int:
    """Takes what is no object any more out of the index; gives the number of its entries."""
    live = [definition.id for definition in catalog.objects.values()]
    connection.execute(sa.delete(SEARCH_STATE).where(STATE.object.not_in(live)))
    return connection.execute(sa.delete(SEARCH_ENTRY).where(ENTRY.object.not_in(live))).rowcount


def is_search_behind(connection: sa.Connection, catalog: Catalog) -> bool:
    """Says whether anything is left to do for `advance`."""
    if next(objects_behind(connection, catalog), None) is not None:
        return True
    live = {definition.id for definition in catalog.objects.values()}
    known = set(connection.execute(sa.select(STATE.object)).scalars())
    return not known <= live


def advance(connection: sa.Connection, catalog: Catalog) -> bool:
    """Indexes the next batch of records, or ends the work; says whether more is left."""
    behind = next(objects_behind(connection, catalog), None)
    if behind is None:
        forget_objects(connection, catalog)
        return False
    entries = next_entries(connection, catalog, behind)
    write_all(connection, entry_writes(connection, behind.definition, entries))
    done = len(entries) < BATCH
    if done:
        drop_strays(connection, catalog, behind.definition)
    note(connection, behind, done=done, reached=entries[-1][0] if entries else None)
    return True


def next_entries(connection: sa.Connection, catalog: Catalog, behind: Behind) -> list[Entry]:
    """Gives what should be in the index for the next living records; nothing for an object that
    has no field to search."""
    if not behind.fields:
        return []
    table = catalog.tables[behind.definition.name]
    chosen = sa.select(table.c.id).where(table.c.deleted_at.is_(None))
    if behind.reached is not None:
        chosen = chosen.where(table.c.id > behind.reached)
    chosen = chosen.order_by(table.c.id).limit(BATCH)
    return stored_entries(connection, behind.definition, behind.fields, table, chosen)


def drop_strays(connection: sa.Connection, catalog: Catalog, definition: ObjectDefinition) -> int:
    """Takes what has no place in the index out of it; gives how many entries that were."""
    return connection.execute(
        sa.delete(SEARCH_ENTRY).where(ENTRY.object == definition.id, is_stray(catalog, definition))
    ).rowcount


def is_stray(catalog: Catalog, definition: ObjectDefinition) -> sa.ColumnElement[bool]:
    """Gives the condition that an entry has no living record, or nothing to be found by."""
    if not catalog.searched.get(definition.name):
        return sa.true()
    table = catalog.tables[definition.name]
    living = sa.select(table.c.id).where(table.c.id == ENTRY.record, table.c.deleted_at.is_(None))
    return ~living.exists()


def note(connection: sa.Connection, behind: Behind, *, done: bool, reached: str | None) -> None:
    """Keeps how far an object's index is."""
    identity = behind.definition.id
    row = {"wanted": behind.wanted, "done": done, "reached": reached}
    update = sa.update(SEARCH_STATE).where(STATE.object == identity).values(row)
    if connection.execute(update).rowcount == 0:
        connection.execute(sa.insert(SEARCH_STATE).values(object=identity, **row))


def forget_states(connection: sa.Connection) -> None:
    """Makes every object be indexed again."""
    connection.execute(sa.delete(SEARCH_STATE))


def rebuild(connection: sa.Connection, catalog: Catalog) -> None:
    """Makes the whole index anew, in one transaction."""
    forget_states(connection)
    renew_index(connection)
    while advance(connection, catalog):
        pass


def count_wrong_entries(
    connection: sa.Connection, catalog: Catalog
) -> Iterator[tuple[ObjectDefinition, int]]:
    """Gives each object with the number of its entries that are wrong, missing or too many."""
    for name, fields in catalog.searched.items():
        definition = catalog.objects[name]
        strays = sa.select(sa.func.count()).select_from(SEARCH_ENTRY)
        wrong = connection.scalar(
            strays.where(ENTRY.object == definition.id, is_stray(catalog, definition))
        )
        reached: str | None = None
        while True:
            behind = Behind(definition, fields, "", reached)
            entries = next_entries(connection, catalog, behind)
            wrong = (wrong or 0) + len(differing(connection, definition, entries))
            if len(entries) < BATCH:
                break
            reached = entries[-1][0]
        yield definition, wrong


def differing(
    connection: sa.Connection, definition: ObjectDefinition, entries: list[Entry]
) -> list[str]:
    """Gives the records among these whose entry is otherwise or not there."""
    ids = [record for record, _ in entries]
    chosen = sa.select(ENTRY.record, sa.cast(ENTRY.tokens, sa.Text)).where(
        ENTRY.object == definition.id, ENTRY.record.in_(ids)
    )
    there = {row[0]: words(row[1]) for row in connection.execute(chosen)}
    return [record for record, tokens in entries if there.get(record) != words(tokens)]


def words(tokens: str) -> frozenset[str]:
    """Gives tokens as a set; PostgreSQL writes them in quotes."""
    return frozenset(token.strip("'") for token in tokens.split())
