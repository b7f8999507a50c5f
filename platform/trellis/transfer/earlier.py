"""Earlier rows of a file in a dry run: of what they would make nothing stays, so what a row finds
of them is made once more before it is checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from metadata.fields.base import Refused
from metadata.fields.nested import rows_of
from metadata.fields.types.many_to_many import ManyToMany
from metadata.fields.values import read_value
from trellis.transfer.headers import RECORD_ID, searchable
from trellis.transfer.imports import Import
from trellis.transfer.plans import Planner, Row
from trellis.transfer.references import texts_of
from trellis.transfer.tables import (
    CELLS,
    CREATE,
    UPDATE,
    digest,
    import_row,
    import_word,
    opened,
)
from trellis.unit import Unit

MOST_AGAIN: Final = 2_000
"""How many rows are made once more for those that are checked at once. The far ends of longer
chains are left out: rows that refer to them were found right before, and do without here."""


def earlier_rows(unit: Unit, planner: Planner, run: Import, rows: Sequence[Row]) -> list[Row]:
    """Gives the rows before some that make what these find by key or refer to, and what those need
    in their turn, read and in the order of the file."""
    found: dict[int, Row] = {}
    asking = rows
    while asking:
        numbers = [*numbers_of(unit, planner, run, asking, rows[0].number)]
        room = MOST_AGAIN - len(found)
        new = [one for one in dict.fromkeys(numbers) if one not in found][:room]
        query = sa.select(import_row.c.number, import_row.c.cells).where(
            import_row.c.run == run.id, import_row.c.number.in_(new)
        )
        asking = opened_rows(unit, run, query) if new else []
        planner.read(asking)
        for row in asking:
            row.is_again = True
            found[row.number] = row
    return [found[number] for number in sorted(found)]


def numbers_of(
    unit: Unit, planner: Planner, run: Import, rows: Sequence[Row], before: int
) -> Iterator[int]:
    """Gives the numbers of the rows that write what some need: of each key and each word the first
    and the last one, which tells enough of a record, and whether a word means a second one."""
    keys = {digest(row.key) for row in rows if row.key is not None}
    words = set(wanted_words(unit, planner, rows))
    if keys:
        done = import_row.c.checked.in_((CREATE, UPDATE))
        yield from ends(unit, run, import_row.c.key, keys, before, done)
    if words:
        yield from ends(unit, run, import_word.c.word, words, before, sa.true())


def ends(
    unit: Unit,
    run: Import,
    column: sa.Column[Any],
    texts: Iterable[str],
    before: int,
    which: sa.ColumnElement[bool],
) -> Iterator[int]:
    """Gives the first and the last row of an import before one for each text in a column."""
    table = column.table
    number = table.c.number
    query = sa.select(sa.func.min(number), sa.func.max(number)).where(
        table.c.run == run.id, column.in_(list(texts)), number < before, which
    )
    for first, last in unit.connection.execute(query.group_by(column)):
        yield from (first, last)


def wanted_words(unit: Unit, planner: Planner, rows: Sequence[Row]) -> Iterator[str]:
    """Gives the words by which records of the object itself are looked for."""
    definition = planner.definition
    for name, target in planner.inward().items():
        known = definition.fields[name]
        values = [row.given.get(name) for row in rows]
        if isinstance(known.type, ManyToMany):
            texts = {str(one["id"]) for value in values for one in rows_of(value)}
        else:
            texts = texts_of(values, known).get(definition.name, set())
        for by in searchable(unit, definition.name) if target.by is None else (target.by,):
            for text in texts if by != RECORD_ID else ():
                yield from word_of(planner, by, text)


def word_of(planner: Planner, name: str, value: object) -> Iterator[str]:
    """Gives the word for a value of a field; none for what it cannot hold."""
    known = planner.definition.fields[name]
    try:
        read = read_value(known, value, planner.unit.moment.zone)
    except Refused:
        return
    if read is not None:
        yield digest(f"{name}={known.type.export(read, known)}")


def words_of(
    unit: Unit, planner: Planner, rows: Iterable[Row], told: Mapping[int, Any]
) -> dict[int, set[str]]:
    """Gives what the records of rows are found by since these were written, by row number; `told`
    is what they changed. Nothing where no row can refer to another."""
    written = [row for row in rows if row.outcome in (CREATE, UPDATE)]
    if not planner.inward() or not written:
        return {}
    name, fields = planner.definition.name, searchable(unit, planner.definition.name)
    ids = {str(row.record_id) for row in written}
    records = unit.records().by_ids(name, ids, [RECORD_ID, *fields])
    found: dict[int, set[str]] = {}
    for row in written:
        record = records.get(str(row.record_id), {})
        changed = record if row.outcome == CREATE else told[row.number][1]
        found[row.number] = {
            word
            for by in fields
            if by in record and by in changed
            for word in word_of(planner, by, record[by])
        }
    return found


def keep_words(unit: Unit, run: Import, found: Mapping[int, Iterable[str]]) -> None:
    """Keeps by what the records of rows are found."""
    rows = [
        {"run": run.id, "word": word, "number": number}
        for number, kept in found.items()
        for word in kept
    ]
    if rows:
        unit.connection.execute(sa.insert(import_word), rows)


def opened_rows(unit: Unit, run: Import, query: sa.Select[Any]) -> list[Row]:
    """Gives the staged rows that a query of numbers and cells finds."""
    found = unit.connection.execute(query)
    return [Row(row.number, *opened(unit.connection, row.cells, run.id, CELLS)) for row in found]
