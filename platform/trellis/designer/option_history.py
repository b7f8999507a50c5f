"""The history of records that get another option because theirs is taken away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from metadata.changes.rows import holds
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.operations import Operation
from trellis.records.history import entry_row, insert_entries
from trellis.unit import Unit

BATCH_ROWS: Final = 1000


def note_replaced_options(unit: Unit, operations: Iterable[Operation], message: str) -> None:
    """Notes in each record's history that an option takes the place of another.

    It is called before the rows are changed. A renamed option stays what it was: nothing is noted.
    """
    for operation in operations:
        if operation.kind != "replace_option":
            continue
        for definition in unit.catalog.objects.values():
            found = [one for one in definition.own_fields if one.id == operation.element]
            for field in found:
                note_replaced(unit, definition, field, operation, message)


def note_replaced(
    unit: Unit,
    definition: ObjectDefinition,
    field: FieldDefinition,
    operation: Operation,
    message: str,
) -> None:
    """Notes one replaced option in the records that have it."""
    was, option = str(operation.detail["was"]), str(operation.detail["option"])
    table = unit.catalog.tables[definition.name]
    column = table.c[field.column]
    chosen = sa.select(table.c.id, table.c.version, column.label("value"))
    having = holds(unit.connection, column, was)
    rows = unit.connection.execute(chosen.where(having).order_by(table.c.id)).all()
    for start in range(0, len(rows), BATCH_ROWS):
        entries = [
            entry_row(
                unit,
                definition,
                row.id,
                int(row.version),
                {field.name: wires(field, row.value, was, option)},
                channel="system",
                why=message or None,
            )
            for row in rows[start : start + BATCH_ROWS]
        ]
        insert_entries(unit.connection, entries)


def wires(field: FieldDefinition, value: object, was: str, option: str) -> tuple[object, object]:
    """Gives the value of a row in wire form before and after."""
    made: object = option
    if isinstance(value, frozenset):
        made = frozenset(option if one == was else one for one in value)
    return field.type.to_wire(value, field), field.type.to_wire(made, field)
